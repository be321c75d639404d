// The policy file: which owners may read what, by token name, subject, group or scope, or without any credential.
// Invariant: an owner may do what any entry that names it allows; without such an entry, nothing.
import { parseStrictJson } from "../files/strict_json.ts";
import type { Claims } from "./claims.ts";
import { Entry, type EntryError } from "./entry.ts";
import { GRANT_FIELDS, grantOf } from "./grant_fields.ts";
import { Grant } from "./grant.ts";
import type { ReadRules } from "./read_rules.ts";
import { isTokenName, TOKEN_NAME_RIGHT } from "./token_file.ts";

/** Largest policy file, bytes. */
export const POLICY_FILE_BYTES_MAX = 1024 * 1024;
/** Most entries of a policy. */
export const POLICY_GRANTS_MAX = 1000;
const WHO_FIELDS = ["token", "subject", "group", "scope", "anonymous"] as const;
const FIELDS = [...WHO_FIELDS, "issuer", ...GRANT_FIELDS];
const TEXT_CHARS_MAX = 1024;
/** Unions of grants that are kept, for owners that several entries name. */
const UNIONS_MAX = 1000;

/** How an entry names owners. */
type Who = typeof WHO_FIELDS[number];

interface PolicyGrant {
  readonly who: Who;
  /** Name of the token, subject, group or scope; empty for `anonymous`. */
  readonly value: string;
  /** Undefined: any that is configured. */
  readonly issuer: string | undefined;
  readonly grant: Grant;
}

/** A policy that is in force. */
export class Policy {
  readonly size: number;
  readonly #grants: readonly PolicyGrant[];
  /** Indexes of entries, by {@linkcode keyOf}. */
  readonly #byKey = new Map<string, number[]>();
  /** By the indexes of their entries, so that owners of equal rights share one. */
  readonly #unions = new Map<string, Grant>();

  constructor(grants: readonly PolicyGrant[]) {
    this.#grants = grants;
    this.size = grants.length;
    grants.forEach(({ who, value }, i) => {
      const key = keyOf(who, value);
      const indexes = this.#byKey.get(key);
      if (indexes) indexes.push(i);
      else this.#byKey.set(key, [i]);
    });
  }

  /** What the entries that name an owner allow together; null where none does. */
  grantOf(claims: Claims): Grant | null {
    const indexes = this.#indexesOf(claims);
    if (indexes.size === 0) return null;
    const key = [...indexes].sort((a, b) => a - b).join();
    let union = this.#unions.get(key);
    if (union === undefined) {
      if (this.#unions.size >= UNIONS_MAX) this.#unions.clear();
      union = Grant.union([...indexes].map((i) => this.#grants[i]!.grant));
      this.#unions.set(key, union);
    }
    return union;
  }

  #indexesOf(claims: Claims): Set<number> {
    const found = new Set<number>();
    // What everyone may do, those with a credential may do too.
    this.#add(found, "anonymous", "", claims);
    if (claims.kind === "token") {
      this.#add(found, "token", claims.subject, claims);
    } else if (claims.kind === "jwt") {
      this.#add(found, "subject", claims.subject, claims);
      for (const name of claims.groups) this.#add(found, "group", name, claims);
      for (const name of claims.scopes) this.#add(found, "scope", name, claims);
    }
    return found;
  }

  #add(found: Set<number>, who: Who, value: string, { issuer }: Claims): void {
    for (const i of this.#byKey.get(keyOf(who, value)) ?? []) {
      const only = this.#grants[i]!.issuer;
      if (only === undefined || only === issuer) found.add(i);
    }
  }
}

function keyOf(who: Who, value: string): string {
  return `${who} ${value}`;
}

/**
 * Reads a policy. `issuers`: those of JWTs that are accepted. Rejects with an error that says what is wrong, and shows no
 * secret.
 */
export async function parsePolicy(
  text: string,
  rules: ReadRules,
  issuers: readonly string[],
): Promise<Policy> {
  const turns = rules.startLoad();
  const json = await parseStrictJson(text, turns);
  const file = new Entry(json, "the file", ["grants"]);
  const grants: PolicyGrant[] = [];
  for (const [i, item] of file.list("grants", POLICY_GRANTS_MAX).entries()) {
    await turns.pause();
    const entry = new Entry(item, `grant ${i + 1}`, FIELDS);
    const who = whoOf(entry);
    grants.push({
      who,
      value: valueOf(entry, who),
      issuer: issuerOf(entry, who, issuers),
      grant: grantOf(entry, rules),
    });
  }
  return new Policy(grants);
}

function whoOf(entry: Entry): Who {
  const named = WHO_FIELDS.filter((field) => entry.has(field));
  if (named.length === 1) return named[0]!;
  throw entry.error(
    `needs exactly one of ${WHO_FIELDS.join(", ")}, not ${named.length}`,
  );
}

function valueOf(entry: Entry, who: Who): string {
  if (who === "anonymous") {
    if (entry.flag(who)) return "";
    throw entry.error("'anonymous' must be true");
  }
  if (who === "token") return entry.text(who, isTokenName, TOKEN_NAME_RIGHT);
  return entry.text(who, isText, TEXT_RIGHT);
}

function issuerOf(
  entry: Entry,
  who: Who,
  issuers: readonly string[],
): string | undefined {
  const isOfJwt = who === "subject" || who === "group" || who === "scope";
  if (!entry.has("issuer")) {
    // Issuers choose subjects and groups freely, so one could name those of another. Scopes mean the same for all.
    const isNeeded = issuers.length > 1 && isOfJwt && who !== "scope";
    if (!isNeeded) return undefined;
    throw issuerError(entry, `'${who}' needs 'issuer'`, issuers);
  }
  if (!isOfJwt) {
    throw entry.error(`'issuer' is only for subject, group and scope`);
  }
  const issuer = entry.text("issuer", isText, TEXT_RIGHT);
  if (issuers.length === 0 || issuers.includes(issuer)) return issuer;
  throw issuerError(entry, "'issuer' is not accepted", issuers);
}

function issuerError(
  entry: Entry,
  message: string,
  issuers: readonly string[],
): EntryError {
  return entry.error(`${message}: one of ${issuers.join(", ")}`);
}

const TEXT_RIGHT = `text of 1 to ${TEXT_CHARS_MAX} characters`;

function isText(text: string): boolean {
  return text.length > 0 && text.length <= TEXT_CHARS_MAX;
}
