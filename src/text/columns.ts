// Measures, cuts and pads text by the columns that it takes in a terminal.
// Invariant: a cut text is never wider than the given width, and no character is cut in half.

/** East Asian wide characters and emoji. */
const WIDE =
  /\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]/u;
/** Marks that are drawn on the character before them. */
const MARK = /\p{M}/u;
const ASCII = /^[\x20-\x7e]*$/;

/** Columns of one character. */
function columnsOf(character: string): number {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** Columns of a text without control characters. */
export function textColumns(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += columnsOf(character);
  return columns;
}

/** The text cut to at most `columnsMax` columns; `…` replaces what was cut. */
export function cutToColumns(text: string, columnsMax: number): string {
  if (textColumns(text) <= columnsMax) return text;
  let kept = "";
  let columns = 0;
  for (const character of text) {
    columns += columnsOf(character);
    if (columns > columnsMax - 1) break;
    kept += character;
  }
  return kept + "…";
}

/** The text with spaces appended up to `columns` columns. */
export function padToColumns(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textColumns(text)));
}
