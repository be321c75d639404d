// How a message shows a value that a user typed.
// Invariant: it shows no password, token or key, nothing that controls a terminal, and at most SHOWN_CHARS_MAX characters.
import { terminalText } from "../text/terminal.ts";

const SHOWN_CHARS_MAX = 64;
export const HIDDEN = "***";
/** `password=…`, `sasl.token: …`, as in JAAS, connection strings and queries: the rest of the value is hidden. */
const NAMED_SECRET =
  /((?:pass\w*|pwd|secret\w*|token\w*|credential\w*|\w*key)["']?\s*[=:]\s*)[\s\S]+/i;
/** A key or token: 32 or more characters of base64 or hex, or a JWT. */
const LOOKS_SECRET = /-----BEGIN|\beyJ[\w-]+|[A-Za-z0-9+_-]{32,}={0,2}/;

/** The value in quotes. The text before an `@` may be a user and a password: `user:pass@host` is `'***@host'`. */
export function shownValue(value: string): string {
  const at = value.lastIndexOf("@");
  let shown = at < 0 ? value : `${HIDDEN}${value.slice(at)}`;
  shown = shown.replace(NAMED_SECRET, `$1${HIDDEN}`);
  if (LOOKS_SECRET.test(shown)) shown = HIDDEN;
  shown = terminalText(shown);
  if (shown.length > SHOWN_CHARS_MAX) {
    shown = `${shown.slice(0, SHOWN_CHARS_MAX).toWellFormed()}…`;
  }
  return `'${shown}'`;
}

/** Beginnings of flags whose value may follow without a space: `--kafka-paswordhunter2`. */
const SECRET_FLAG = /^-{1,2}(kafka-?)?(pa?s|pw|sec|tok|cred)/i;
const FLAG = /^--[a-z][\w-]{0,39}$/i;

/** The name of an unknown flag, or null when it could itself be a secret. */
export function shownFlag(name: string, isNear: boolean): string | null {
  if (!FLAG.test(name)) return null;
  return isNear || !SECRET_FLAG.test(name) ? name : null;
}
