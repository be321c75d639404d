// Calculates from the text of an RE2 expression how large its program can become, before the library expands
// `a{1000}` or builds a class of a hundred thousand characters.
// Invariant: the result is never below the library's program size (test/channels/expression_test.ts).

/** The size of a Unicode class such as \pL with its hundreds of ranges. */
const UNICODE_CLASS_SIZE = 15;
/** If case is ignored, the library visits each code point of a range. */
const FOLDED_POINTS_A_STEP = 50;
/** The two ends of a capturing group. */
const CAPTURE_SIZE = 2;
/** The size that each class within a class adds, for the time to build it: `[\W\W…]`. */
const INNER_CLASS_SIZE = 0.5;
const SIZE_MAX = 1e9;
const REPEAT = /\{(\d{1,4})(?:(,)(\d{0,4}))?\}/y;
const FLAGS = /\(\?(?:P?<\w*>|[imsUu-]*[:)])/y;
const HEX = /\\x(?:\{([0-9a-fA-F]{1,8})\}|([0-9a-fA-F]{2}))/y;
const PERL_CLASS = /\\[dDsSwW]/y;
const UNICODE_CLASS = /\\[pP](?:\{[^}]*\}|.)/y;

/** An upper bound of the instructions that an expression compiles to, in one pass over its text. */
export function programSizeMax(expression: string): number {
  return new SizeScan(expression).size();
}

class SizeScan {
  readonly #text: string;
  #at = 0;
  /** For each open group: the size of the text before it, and its own size. The innermost group is last. */
  readonly #outer: { readonly before: number; readonly groupSize: number }[] =
    [];
  /** For the current group: the size without its last atom, and the size of that atom. */
  #before = 0;
  #last = 0;
  #ignoresCase = false;

  constructor(text: string) {
    this.#text = text;
  }

  size(): number {
    while (this.#at < this.#text.length) this.#one();
    let size = this.#before + this.#last;
    for (const outer of this.#outer) size += outer.before + CAPTURE_SIZE;
    return Math.min(SIZE_MAX, size + 3);
  }

  #one(): void {
    const char = this.#text[this.#at]!;
    if (char === "(") this.#open();
    else if (char === ")") this.#close();
    else if (char === "[") this.#class();
    else if (char === "\\") this.#escape();
    else if (char === "{") this.#repeat();
    else {
      this.#at++;
      if (char === "*") this.#last += 2;
      else if (char === "+" || char === "?") this.#last += 1;
      else if (char === "|") {
        this.#atom(0);
        this.#before += 2;
      } else this.#atom(1);
    }
  }

  #atom(size: number): void {
    this.#before = Math.min(SIZE_MAX, this.#before + this.#last);
    this.#last = size;
  }

  /** Skips the text that `pattern` matches here, if it matches. */
  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at += found[0].length;
    return found;
  }

  #open(): void {
    const flags = this.#take(FLAGS);
    if (!flags) this.#at++;
    const text = flags?.[0] ?? "";
    if (!text.includes("<") && text.includes("i")) this.#ignoresCase = true;
    // A repeat after flags repeats the atom before them.
    if (text.endsWith(")")) return;
    this.#atom(0);
    const isCapture = text === "" || text.includes("<");
    this.#outer.push({
      before: this.#before,
      groupSize: isCapture ? CAPTURE_SIZE : 0,
    });
    this.#before = 0;
    this.#last = 0;
  }

  #close(): void {
    this.#at++;
    const outer = this.#outer.pop();
    // An empty group is an instruction, too.
    const inner = Math.max(1, this.#before + this.#last);
    this.#before = outer?.before ?? 0;
    this.#last = inner + (outer?.groupSize ?? 0);
  }

  #repeat(): void {
    const repeat = this.#take(REPEAT);
    if (!repeat) {
      this.#at++;
      return this.#atom(1);
    }
    const [, min, comma, max] = repeat;
    const times = Math.max(1, Number(min), Number(max ?? 0));
    // Each optional repetition needs a choice.
    const choices = comma ? times : 0;
    this.#last = Math.min(SIZE_MAX, times * this.#last + choices + 2);
  }

  #escape(): void {
    const text = this.#text;
    if (this.#take(HEX)) return this.#atom(1);
    if (this.#take(UNICODE_CLASS)) return this.#atom(1 + UNICODE_CLASS_SIZE);
    if (text[this.#at + 1] !== "Q") {
      this.#at += 2;
      return this.#atom(1);
    }
    const end = text.indexOf("\\E", this.#at);
    const to = end < 0 ? text.length : end;
    // Each character is an atom: only the last one can be repeated.
    this.#atom(Math.max(0, to - this.#at - 3));
    this.#atom(1);
    this.#at = end < 0 ? to : to + 2;
  }

  #class(): void {
    const text = this.#text;
    this.#at++;
    if (text[this.#at] === "^") this.#at++;
    let size = 1;
    let isFirst = true;
    while (
      this.#at < text.length && (isFirst || text[this.#at] !== "]")
    ) {
      isFirst = false;
      const posix = text.startsWith("[:", this.#at)
        ? text.indexOf(":]", this.#at + 2)
        : -1;
      if (posix >= 0) {
        this.#at = posix + 2;
        size += INNER_CLASS_SIZE;
        continue;
      }
      if (this.#take(UNICODE_CLASS)) {
        size += UNICODE_CLASS_SIZE;
        continue;
      }
      if (this.#take(PERL_CLASS)) {
        size += INNER_CLASS_SIZE;
        continue;
      }
      const low = this.#codePoint();
      if (text[this.#at] !== "-" || text[this.#at + 1] === "]") continue;
      this.#at++;
      if (this.#at >= text.length) continue;
      const high = this.#codePoint();
      if (this.#ignoresCase && high > low) {
        size += (high - low) / FOLDED_POINTS_A_STEP;
      }
    }
    this.#at++;
    this.#atom(size);
  }

  /** The size of the character, escaped or not, at this position. */
  #codePoint(): number {
    const hex = this.#take(HEX);
    if (hex) return parseInt(hex[1] ?? hex[2]!, 16);
    if (this.#text[this.#at] === "\\") this.#at++;
    const point = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }
}
