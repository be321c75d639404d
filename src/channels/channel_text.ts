// Decides which texts of a publisher are safe in output, logs, headers, URLs and keys.
// Invariant: a text without a fault has no character that controls a terminal, a header or a line protocol.

/** Longest name of a channel or publisher, bytes of UTF-8. */
export const TEXT_BYTES_MAX = 255;
/** Longest name of a Kafka topic. */
export const TOPIC_BYTES_MAX = 249;

const encoder = new TextEncoder();

/**
 * Control and format characters (including those that change the writing direction), other invisible characters,
 * private ones, line separators, and blanks that look like a space.
 */
const FORBIDDEN =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]|(?! )\p{Zs}/u;
const FORBIDDEN_ALL = new RegExp(FORBIDDEN.source, "gu");
/** The characters that Kafka allows in a topic's name. */
const TOPIC_PART = /^[\w.-]+$/;

/** The fault of a channel's or a publisher's name; null if it has none. */
export function textFault(text: string): string | null {
  if (text === "") return "must not be empty";
  // A character has one to three bytes per UTF-16 unit.
  const isLong = text.length > TEXT_BYTES_MAX ||
    encoder.encode(text).byteLength > TEXT_BYTES_MAX;
  if (isLong) return `must have at most ${TEXT_BYTES_MAX} bytes of UTF-8`;
  if (!text.isWellFormed()) return "must not have half of a surrogate pair";
  const found = FORBIDDEN.exec(text);
  if (found) return `must not have the character ${codeOf(found[0])}`;
  if (text.includes(",")) return "must not have a comma: lists are split there";
  if (text !== text.trim()) return "must not begin or end with a blank";
  if (text === "." || text === "..") return "must not be a step in a path";
  return null;
}

/** The fault of a line of text that is shown to people, such as a unit; null if it has none. */
export function lineFault(text: string, charsMax: number): string | null {
  if (text === "") return "must not be empty";
  if (text.length > charsMax) return `must have at most ${charsMax} characters`;
  const found = FORBIDDEN.exec(text);
  if (found) return `must not have the character ${codeOf(found[0])}`;
  return text === text.trim() ? null : "must not begin or end with a blank";
}

/** The fault of a part of a topic's name; null if it has none. */
export function topicPartFault(text: string): string | null {
  if (text.length > TOPIC_BYTES_MAX) {
    return `must have at most ${TOPIC_BYTES_MAX} characters`;
  }
  return TOPIC_PART.test(text)
    ? null
    : "must have letters A to Z, digits, '.', '_' and '-' only";
}

/** Makes a text safe to show: unusual characters become their code, and a long text is cut. */
export function shownText(text: string): string {
  const cut = text.slice(0, TEXT_BYTES_MAX).toWellFormed();
  const shown = cut.replace(FORBIDDEN_ALL, codeOf);
  return text.length > TEXT_BYTES_MAX ? shown + "…" : shown;
}

function codeOf(character: string): string {
  const code = character.codePointAt(0)!.toString(16).toUpperCase();
  return `U+${code.padStart(4, "0")}`;
}
