// The token file: names, hashes and grants of tokens, and when these expire.
// Invariant: a file is accepted as a whole or refused; names and hashes are unique.
import { parseStrictJson } from "../files/strict_json.ts";
import { Entry, EntryError } from "./entry.ts";
import { EXPIRY_RIGHT, expiryMsOf } from "./expiry.ts";
import { GRANT_FIELDS, grantOf } from "./grant_fields.ts";
import type { Grant } from "./grant.ts";
import type { ReadRules } from "./read_rules.ts";
import { TOKEN_PREFIX } from "./token.ts";

/** Largest token file, bytes. */
export const TOKEN_FILE_BYTES_MAX = 2 * 1024 * 1024;
/** Most tokens of a file. */
export const TOKENS_MAX = 5000;
const FIELDS = ["name", "sha256", "expires", ...GRANT_FIELDS];
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const HASH = /^[0-9a-f]{64}$/;
/** One token. */
export interface TokenEntry {
  readonly name: string;
  /** SHA-256 in hexadecimal digits. */
  readonly hash: string;
  readonly grant: Grant;
  /** Unix ms; Infinity: never. */
  readonly expiresMs: number;
}

/** The tokens of a file, by hash. */
export type TokenFile = ReadonlyMap<string, TokenEntry>;

/** Whether a token may have this name. One that looks like a token or a hash is a mistake, and would be shown. */
export function isTokenName(text: string): boolean {
  return NAME.test(text) && !text.startsWith(TOKEN_PREFIX) && !HASH.test(text);
}

export const TOKEN_NAME_RIGHT =
  "1 to 64 letters, digits and . _ @ -, which begin with a letter or a digit, and are no token and no hash";

/** Rejects with an error that says what is wrong, and shows no secret. */
export async function parseTokenFile(
  text: string,
  rules: ReadRules,
): Promise<TokenFile> {
  const turns = rules.startLoad();
  const json = await parseStrictJson(text, turns);
  const file = new Entry(json, "the file", ["tokens"]);
  const names = new Set<string>();
  const tokens = new Map<string, TokenEntry>();
  for (const [i, item] of file.list("tokens", TOKENS_MAX).entries()) {
    await turns.pause();
    const token = tokenOf(item, `token ${i + 1}`, rules);
    const where = `token ${i + 1} ('${token.name}')`;
    if (names.has(token.name)) {
      throw new EntryError(`${where}: an earlier token has the same name`);
    }
    if (tokens.has(token.hash)) {
      throw new EntryError(`${where}: an earlier token has the same hash`);
    }
    names.add(token.name);
    tokens.set(token.hash, token);
  }
  return tokens;
}

function tokenOf(
  item: unknown,
  where: string,
  rules: ReadRules,
): TokenEntry {
  const entry = new Entry(item, where, FIELDS);
  const name = entry.text("name", isTokenName, TOKEN_NAME_RIGHT);
  entry.where += ` ('${name}')`;
  const hash = entry.text(
    "sha256",
    (text) => HASH.test(text),
    "the SHA-256 of the token, 64 hexadecimal digits in lower case",
  );
  const expiresMs = entry.has("expires")
    ? expiryMsOf(
      entry.text("expires", (t) => !isNaN(expiryMsOf(t)), EXPIRY_RIGHT),
    )
    : Infinity;
  return { name, hash, grant: grantOf(entry, rules), expiresMs };
}
