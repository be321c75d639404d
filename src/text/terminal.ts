// Makes text from elsewhere (names, reasons, a server's messages) safe to show in a terminal.
// Invariant: the result moves no cursor, reverses no text and starts no new line; ordinary text is unchanged.

/** Control, format (with the marks that reverse text) and separator characters, and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with each character that could control a terminal written as `\x1b`, `\u202e` or `\u{e0041}`. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
