// Reads the JSON that a stream is asked for with, `{"name": text | number | [text, …], …}`, a slice at a time.
// JSON.parse would build whatever a body of 4 MiB holds before anything could be refused.
// Invariant: what is read is what JSON.parse reads, or is refused (test/http/routes/body_fields_test.ts).
import type { SlicedWork } from "../../channels/sliced_work.ts";

/** Longest text in a body: an expression whose characters are all escaped. */
const TEXT_LENGTH_MAX = 6 * 4096 + 2;
/** Characters in a step, where blanks or a text are passed over. */
const CHARACTERS_A_STEP = 500;
const BLANKS_PART = 50_000;
const NUMBER = /-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?(?![\w.+-])/y;
// deno-lint-ignore no-control-regex
const NEEDS_PARSING = /[\\\u0000-\u001f]/;

/** A value that a field may have; `other` for all that none may. */
export type FieldValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "texts"; readonly texts: readonly string[] }
  | { readonly kind: "other" };

/** What the reader of fields decides on each of them. */
export interface FieldSink {
  /** Hears of a name before its value is read. May throw. */
  name(name: string): void;
  /** Hears of a text of a list. May throw. */
  item(name: string, text: string): void;
  /** Hears of a whole value. May throw. */
  value(name: string, value: FieldValue): void;
}

/** A body that is no JSON object of fields. */
export class BadBodyError extends Error {
  override name = "BadBodyError";
}

/** Reads all fields of a body into a sink. Throws {@linkcode BadBodyError}. */
export function* readFields(text: string, sink: FieldSink): SlicedWork<void> {
  const scan = new Scan(text);
  yield* scan.blanks();
  if (!scan.takes("{")) {
    throw new BadBodyError(
      `The body must be a JSON object such as {"channels":["A"]}`,
    );
  }
  yield* scan.blanks();
  if (!scan.takes("}")) {
    do {
      yield* scan.blanks();
      const name = yield* scan.text();
      sink.name(name);
      yield* scan.blanks();
      scan.expect(":");
      yield* scan.blanks();
      sink.value(name, yield* valueOf(scan, name, sink));
      yield* scan.blanks();
    } while (scan.takes(","));
    scan.expect("}");
  }
  yield* scan.blanks();
  scan.expectEnd();
}

function* valueOf(
  scan: Scan,
  name: string,
  sink: FieldSink,
): SlicedWork<FieldValue> {
  const next = scan.next;
  if (next === '"') return { kind: "text", text: yield* scan.text() };
  if (next === "-" || (next >= "0" && next <= "9")) {
    return { kind: "number", number: scan.number() };
  }
  if (!scan.takes("[")) {
    scan.expectValue();
    return { kind: "other" };
  }
  const texts: string[] = [];
  yield* scan.blanks();
  if (scan.takes("]")) return { kind: "texts", texts };
  do {
    yield* scan.blanks();
    if (scan.next !== '"') {
      scan.expectValue();
      return { kind: "other" };
    }
    const text = yield* scan.text();
    sink.item(name, text);
    texts.push(text);
    yield* scan.blanks();
  } while (scan.takes(","));
  scan.expect("]");
  return { kind: "texts", texts };
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The character that stands here; "" at the end. */
  get next(): string {
    return this.#text[this.#at] ?? "";
  }

  takes(char: string): boolean {
    if (this.next !== char) return false;
    this.#at++;
    return true;
  }

  expect(char: string): void {
    if (!this.takes(char)) throw this.#wrong(`'${char}' is expected`);
  }

  expectEnd(): void {
    if (this.next !== "") throw this.#wrong("nothing more is expected");
  }

  /** Something that begins a value that no field takes: it is not read, as the body is refused anyway. */
  expectValue(): void {
    const rest = this.#text.slice(this.#at, this.#at + 5);
    if (!/^(?:[[{\-\d]|true|false|null)/.test(rest)) {
      throw this.#wrong("a value is expected");
    }
  }

  *blanks(): SlicedWork<void> {
    const text = this.#text;
    while (isBlank(text.charCodeAt(this.#at))) {
      yield BLANKS_PART / CHARACTERS_A_STEP;
      const end = this.#at + BLANKS_PART;
      while (this.#at < end && isBlank(text.charCodeAt(this.#at))) this.#at++;
    }
  }

  *text(): SlicedWork<string> {
    const from = this.#at;
    const text = this.#text;
    if (text[from] !== '"') throw this.#wrong("a text is expected");
    yield 1;
    let end = from;
    do {
      end = text.indexOf('"', end + 1);
      const length = (end < 0 ? text.length : end) - from;
      if (length > TEXT_LENGTH_MAX) {
        throw this.#wrong(
          `a text may have at most ${TEXT_LENGTH_MAX} characters`,
        );
      }
      if (end < 0) throw this.#wrong("a text has no end");
    } while (isEscaped(text, end));
    if (end - from > CHARACTERS_A_STEP) yield (end - from) / CHARACTERS_A_STEP;
    this.#at = end + 1;
    const inner = text.slice(from + 1, end);
    if (!NEEDS_PARSING.test(inner)) return inner;
    try {
      return JSON.parse(text.slice(from, end + 1));
    } catch {
      this.#at = from;
      throw this.#wrong("a text has a wrong escape or a control character");
    }
  }

  number(): number {
    NUMBER.lastIndex = this.#at;
    const found = NUMBER.exec(this.#text)?.[0] ?? "";
    try {
      const number = JSON.parse(found);
      this.#at += found.length;
      return number;
    } catch {
      throw this.#wrong("this is no number, or too long a one");
    }
  }

  #wrong(what: string): BadBodyError {
    return new BadBodyError(
      `The body is not JSON of the fields that are known: at character ${this.#at} ${what}`,
    );
  }
}

/** Whether a character is one of JSON's blanks. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Whether an odd number of backslashes stands in front. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from--;
  return (at - from) % 2 === 1;
}
