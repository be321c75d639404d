// Parses the JSON body of a request for a stream, `{"name": text | number | [text, …], …}`, a slice at a time. JSON.parse
// would build the whole value of a body of 4 MiB before any of it could be refused.
// Invariant: a body is parsed to the values that JSON.parse gives, or is refused (test/http/routes/body_fields_test.ts).
import type { SlicedWork } from "../../channels/sliced_work.ts";

/** Longest string in a body: an expression with all its characters escaped. */
const TEXT_LENGTH_MAX = 6 * 4096 + 2;
/** Characters of blanks or of a string that are read in a step. */
const CHARACTERS_A_STEP = 500;
const BLANKS_PART = 50_000;
const NUMBER = /-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?(?![\w.+-])/y;
// deno-lint-ignore no-control-regex
const NEEDS_PARSING = /[\\\u0000-\u001f]/;

/** The value of a field; `other` stands for all values that no field may have. */
export type FieldValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "texts"; readonly texts: readonly string[] }
  | { readonly kind: "other" };

/** Receives the fields, and may refuse each by throwing. */
export interface FieldSink {
  /** Called with a field's name before its value is read. */
  name(name: string): void;
  /** Called with each string of a list. */
  item(name: string, text: string): void;
  /** Called with a field's whole value. */
  value(name: string, value: FieldValue): void;
}

/** A body is not a JSON object of fields. */
export class BadBodyError extends Error {
  override name = "BadBodyError";
}

/** Reads all fields of a body into a sink. Throws {@linkcode BadBodyError} and what the sink throws. */
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

  /** The next character; "" at the end. */
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
    if (this.next !== "") throw this.#wrong("the end is expected");
  }

  /** Expects the beginning of a value that no field may have. It is not read further, as the body is refused anyway. */
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
    if (text[from] !== '"') throw this.#wrong("a string is expected");
    yield 1;
    let end = from;
    do {
      end = text.indexOf('"', end + 1);
      const length = (end < 0 ? text.length : end) - from;
      if (length > TEXT_LENGTH_MAX) {
        throw this.#wrong(
          `a string has more than ${TEXT_LENGTH_MAX} characters`,
        );
      }
      if (end < 0) throw this.#wrong("a string has no end");
    } while (isEscaped(text, end));
    if (end - from > CHARACTERS_A_STEP) yield (end - from) / CHARACTERS_A_STEP;
    this.#at = end + 1;
    const inner = text.slice(from + 1, end);
    if (!NEEDS_PARSING.test(inner)) return inner;
    try {
      return JSON.parse(text.slice(from, end + 1));
    } catch {
      this.#at = from;
      throw this.#wrong("a string has a wrong escape or a control character");
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
      throw this.#wrong("the number is not valid, or too long");
    }
  }

  #wrong(what: string): BadBodyError {
    return new BadBodyError(
      `The body is not valid JSON with the known fields: at character ${this.#at}, ${what}`,
    );
  }
}

/** Whether a character is one of JSON's blanks. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Whether the character at `at` follows an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === "\\") from--;
  return (at - from) % 2 === 1;
}
