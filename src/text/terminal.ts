// Text of others (names, reasons, messages of a server) as a terminal may show it.
// Invariant: what comes out moves no cursor, reverses no line and starts no new one; ordinary text comes out unchanged.

/** Control, format (with the marks that reverse text) and separator characters, and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with every character that a terminal may act on written as `\x1b`, `\u202e` or `\u{e0041}`. */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
