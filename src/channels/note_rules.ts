// Which note a channel has: that of its name, else that of the first expression that its name matches.
// Invariant: a name is looked up once, in slices; at most 2 × KNOWN_MAX results are kept.
import type { ChannelNote } from "./channel_note.ts";
import type { Expression } from "./expression.ts";
import type { SlicedWork } from "./sliced_work.ts";

/** A note for all channels whose names match, at their beginning. */
export interface NoteRule {
  readonly expression: Expression;
  readonly note: ChannelNote;
}

/**
 * Most instructions of expressions that one name can need: so a name of 30 characters costs 6 ms at the library's
 * slowest, and usually 0.1 ms (bench/channel_notes_bench.ts).
 */
export const NAME_SIZE_MAX = 4096;
/** Results that are kept in each of two generations. */
const KNOWN_MAX = 100_000;
/** Steps of looking at one name, and of each length of a prefix. */
const LOOK_STEPS = 0.25;
/** Steps of one part, unless one expression needs more. */
const PAID_STEPS = 200;

/** The notes of one content of a file. */
export class NoteRules {
  /** Notes in force. */
  readonly size: number;
  readonly #byName: ReadonlyMap<string, ChannelNote>;
  readonly #rules: readonly NoteRule[];
  /** By the plain text with which all matches begin: the numbers of rules, the first one first. */
  readonly #byPrefix = new Map<string, number[]>();
  /** Lengths of these texts, the shortest first. */
  readonly #lengths: readonly number[];
  #known = new Map<string, ChannelNote | null>();
  #knownBefore: ReadonlyMap<string, ChannelNote | null> = new Map();

  /** `rules`: in the order in which they count. */
  constructor(
    byName: ReadonlyMap<string, ChannelNote>,
    rules: readonly NoteRule[],
  ) {
    this.size = byName.size + rules.length;
    this.#byName = byName;
    this.#rules = rules;
    for (const [number, { expression }] of rules.entries()) {
      for (const prefix of expression.prefixes) {
        const numbers = this.#byPrefix.get(prefix);
        if (numbers) numbers.push(number);
        else this.#byPrefix.set(prefix, [number]);
      }
    }
    const lengths = Array.from(this.#byPrefix.keys(), (text) => text.length);
    this.#lengths = [...new Set(lengths)].sort((a, b) => a - b);
  }

  /** The number of a rule with which a name can need more than NAME_SIZE_MAX instructions; null where there is none. */
  tooCostly(): number | null {
    for (const prefix of this.#byPrefix.keys()) {
      let size = 0;
      for (const number of this.#candidates(prefix)) {
        size += this.#rules[number]!.expression.size;
        if (size > NAME_SIZE_MAX) return number;
      }
    }
    return null;
  }

  /** Looks up those of `channels` that are not known. */
  *finding(
    channels: Iterable<{ readonly name: string }>,
  ): SlicedWork<void> {
    const lookSteps = LOOK_STEPS * (1 + this.#lengths.length);
    // Counted before it is done, for many names together.
    let paid = 0;
    for (const { name } of channels) {
      if (paid < lookSteps) {
        yield PAID_STEPS;
        paid += PAID_STEPS;
      }
      paid -= LOOK_STEPS;
      if (this.known(name) !== undefined) continue;
      let note = this.#byName.get(name) ?? null;
      if (note === null) {
        paid -= lookSteps;
        for (const number of this.#candidates(name)) {
          const rule = this.#rules[number]!;
          const steps = LOOK_STEPS + rule.expression.stepsOf(name);
          if (paid < steps) {
            paid = Math.max(steps, PAID_STEPS);
            yield paid;
          }
          paid -= steps;
          if (!rule.expression.matchesBehindPrefix(name)) continue;
          note = rule.note;
          break;
        }
      }
      this.#keep(name, note);
    }
  }

  /** The note of a channel that was looked up; null: it has none; undefined: it was not looked up. */
  known(name: string): ChannelNote | null | undefined {
    const known = this.#known.get(name);
    return known === undefined ? this.#knownBefore.get(name) : known;
  }

  #keep(name: string, note: ChannelNote | null): void {
    if (this.#known.size >= KNOWN_MAX) {
      this.#knownBefore = this.#known;
      this.#known = new Map();
    }
    this.#known.set(name, note);
  }

  /** The numbers of the rules that a name may match, the first one first. */
  #candidates(name: string): readonly number[] {
    let found: readonly number[] = [];
    let lists = 0;
    for (const length of this.#lengths) {
      if (length > name.length) break;
      const numbers = this.#byPrefix.get(name.slice(0, length));
      if (!numbers) continue;
      found = lists++ === 0 ? numbers : [...found, ...numbers];
    }
    return lists > 1 ? [...found].sort((a, b) => a - b) : found;
  }
}
