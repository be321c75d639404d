// Whether JSON has more than so many values, before it is parsed: a parser takes a second for the million lists, names
// or empty texts that fit into a message. Invariant: the time is that of a search for quotation marks and at most `max`
// values; what is not JSON may be counted in any way, and is refused by the parser.
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;

/** Counts lists, objects, and all that a comma follows. */
export function hasMoreValues(json: Uint8Array, max: number): boolean {
  let count = 0;
  for (let at = 0; at < json.byteLength; at++) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfText(json, at + 1);
    } else if (byte === COMMA || byte === BRACKET || byte === BRACE) {
      if (++count > max) return true;
    }
  }
  return false;
}

/** Where the quotation mark is that ends the text which begins here; the end of all where there is none. */
function endOfText(json: Uint8Array, from: number): number {
  for (let at = from;; at++) {
    at = json.indexOf(QUOTE, at);
    if (at < 0) return json.byteLength;
    let backslashes = 0;
    while (json[at - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}
