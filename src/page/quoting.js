// Names of channels inside a command or a program: one function for each language.
// Invariant: the result is one word, literal or name of the language for any input, and has only printable characters,
// since a terminal acts on others when they are pasted.

/** Control, format and separator characters, and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
/** Characters that encodeURIComponent() does not encode, and that mean something to shells, curl or Markdown. */
const LEFT = /[!'()*~]/g;

/** A value in a query; a colon stays unencoded. @param {string} text */
export function queryEncoded(text) {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll("%3A", ":")
    .replace(LEFT, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** One word of a POSIX shell. The text must be printable: a shell has no escapes inside single quotes. @param {string} text */
export function shellQuoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Printable JSON that is a literal of JavaScript, too, and safe inside a script element. @param {unknown} value */
export function jsonText(value) {
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replace(UNSAFE, (character) => {
      let escapes = "";
      for (let i = 0; i < character.length; i++) {
        escapes += `\\u${hex(character.charCodeAt(i), 4)}`;
      }
      return escapes;
    });
}

/** A string literal of Python, in the quotes that need fewer escapes. @param {string} text */
export function pythonString(text) {
  const quote = text.includes('"') && !text.includes("'") ? "'" : '"';
  const inner = text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`)
    .replace(UNSAFE, (character) => {
      const code = character.codePointAt(0) ?? 0;
      if (code < 0x100) return `\\x${hex(code, 2)}`;
      return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
    });
  return `${quote}${inner}${quote}`;
}

/** A text that people read: what would reverse or hide a part of it is written as `\u202e`. @param {string} text */
export function printable(text) {
  return text.replace(UNSAFE, (c) => `\\u${hex(c.codePointAt(0) ?? 0, 4)}`);
}

/** The name of a column or table in SQL. @param {string} text */
export function sqlName(text) {
  return `"${text.replaceAll('"', '""')}"`;
}

/** @param {number} code @param {number} digits */
function hex(code, digits) {
  return code.toString(16).padStart(digits, "0");
}
