// Seeded random choices for the fuzz suites. Invariant: the same seed makes the same inputs on every machine.

/** Pieces of text that parsers, terminals and line protocols treat in a special way. */
const ODD_PIECES = [
  "",
  " ",
  "\t",
  "\0",
  "\r\n",
  "\n",
  "'",
  '"',
  "`",
  "\\",
  "%",
  "%2",
  "%zz",
  "%00",
  "%0d%0a",
  "+",
  "&",
  "=",
  ";",
  "#",
  "?",
  "/",
  "//",
  "../",
  "..",
  ":",
  ",",
  ",,",
  "*",
  "{",
  "}",
  "[",
  "]",
  "(",
  ")",
  "(?:",
  ".*",
  ".{0,1000}",
  "(a|b)*",
  "$(x)",
  "${x}",
  "<script>",
  "__proto__",
  "constructor",
  "null",
  "NaN",
  "Infinity",
  "-0",
  "-1",
  "1e400",
  "0x10",
  "1e-400",
  "9007199254740993",
  "99999999999999999999999",
  "2000-02-30T00:00:00Z",
  "1950-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "2016-12-31T23:59:60Z",
  "\u00e9",
  "\u202e",
  "\u{1f600}",
  "\ud800",
  "\x1b[2J",
];

/** A small generator of pseudo-random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A number from 0 to below 1. */
  next(): number {
    this.#state = this.#state + 0x6D2B79F5 | 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]!;
  }

  /** A length that is mostly small and now and then close to `max`. */
  length(max: number): number {
    return Math.floor(max ** this.next());
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 255));
  }

  /** Text that is odd, long, deep or repeated; `max` characters or a little more. */
  text(max: number): string {
    switch (this.int(0, 5)) {
      case 0:
        return this.pick(ODD_PIECES);
      case 1:
        return this.pick(ODD_PIECES).repeat(this.length(Math.ceil(max / 4)));
      case 2: {
        const depth = this.length(Math.ceil(max / 2));
        const [open, close] = this.pick([["(", ")"], ["[", "]"], ["{", "}"]]);
        return open!.repeat(depth) + close!.repeat(depth);
      }
      case 3:
        return String(this.int(0, 9)).repeat(this.length(max)) +
          this.pick(["", "x", ".", "e"]);
      case 4:
        return Array.from(
          { length: this.int(1, 8) },
          () => this.pick(ODD_PIECES),
        ).join(this.pick(["", ",", "a"]));
      default:
        return String.fromCharCode(
          ...Array.from(
            { length: Math.min(2000, this.length(max)) },
            () => this.int(0, this.chance(0.1) ? 0xffff : 0x7f),
          ),
        );
    }
  }

  /** The same bytes with one place changed: a byte flipped, removed, doubled, or the end cut off. */
  damaged(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return this.bytes(1);
    const at = this.int(0, bytes.length - 1);
    switch (this.int(0, 3)) {
      case 0: {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << this.int(0, 7);
        return flipped;
      }
      case 1:
        return joined(bytes.subarray(0, at), bytes.subarray(at + 1));
      case 2: {
        const to = Math.min(bytes.length, at + this.int(1, 40));
        return joined(bytes.subarray(0, to), bytes.subarray(at));
      }
      default:
        return bytes.slice(0, at);
    }
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** How many inputs a fuzz suite tries: `QANAT_FUZZ`, else all of them in CI and a tenth elsewhere. */
export function fuzzCount(all: number): number {
  const wanted = Deno.env.get("QANAT_FUZZ");
  if (wanted !== undefined && wanted !== "") return Number(wanted);
  return Deno.env.get("CI") === "true" ? all : Math.ceil(all / 10);
}

/** The seed of a fuzz suite: `QANAT_SEED`, else always the same one, so that a failure can be repeated. */
export function fuzzSeed(): number {
  return Number(Deno.env.get("QANAT_SEED") ?? 12);
}
