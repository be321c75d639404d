// JSON that is safe to show in a terminal: control characters are escaped as JSON does, so that its value stays the same.

const PRINTABLE = /^[\x20-\x7e]*$/;
/** Control, format and separator characters. JSON.stringify() escapes those below 0x20 and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same JSON in printable characters. `json`: an output of JSON.stringify(). */
export function printableJson(json: string): string {
  return PRINTABLE.test(json) ? json : json.replace(UNSAFE, escapesOf);
}

function escapesOf(character: string): string {
  let escapes = "";
  for (let i = 0; i < character.length; i++) {
    escapes += "\\u" + character.charCodeAt(i).toString(16).padStart(4, "0");
  }
  return escapes;
}
