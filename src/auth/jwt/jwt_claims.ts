// The claims of a verified JWT as the rest of Qanat knows them.
// Invariant: number and length of subjects, scopes and groups are limited.
import type { Claims } from "../claims.ts";
import type { Denial } from "../denial.ts";
import { isObject } from "./key_set.ts";
import { refused } from "./unverified_token.ts";

export const SUBJECT_LENGTH_MAX = 256;
/** Most scopes, and most groups. */
export const LIST_MAX = 256;
/** Longest scope or group, characters. */
export const ITEM_LENGTH_MAX = 1024;

const SUBJECT = new RegExp(`^\\P{C}{1,${SUBJECT_LENGTH_MAX}}$`, "u");
/** Versions of SciTokens that are known; later ones may restrict a token in ways that are not. */
const SCITOKEN_VERSION = "scitoken:2.0";

type Payload = Readonly<Record<string, unknown>>;

export interface ClaimsOptions {
  /** The claim that holds groups. */
  readonly groupsClaim: string;
  readonly toleranceS: number;
}

/** The claims of a token with a valid signature. */
export function claimsOf(
  payload: Payload,
  issuer: string,
  { groupsClaim, toleranceS }: ClaimsOptions,
): Claims | Denial {
  const { sub, exp, ver } = payload;
  if (typeof sub !== "string" || !SUBJECT.test(sub)) {
    return refused(
      `The token's claim 'sub' must be a text of 1 to ${SUBJECT_LENGTH_MAX} printable characters`,
    );
  }
  const isScitoken = typeof ver === "string" && ver.startsWith("scitoken");
  if (isScitoken && ver !== SCITOKEN_VERSION) {
    return refused(`The token's claim 'ver' is not ${SCITOKEN_VERSION}`);
  }
  const scopes = scopesOf(payload);
  if (typeof scopes === "string") return refused(scopes);
  const groups = listIn(groupsIn(payload, groupsClaim), groupsClaim);
  if (typeof groups === "string") return refused(groups);
  return {
    kind: "jwt",
    subject: sub,
    issuer,
    groups,
    scopes,
    tokenHash: "",
    expiresMs: ((exp as number) + toleranceS) * 1000,
  };
}

/** The scopes, or what is wrong with them. Of a token with `scope` and `scp`, those that both name. */
function scopesOf({ scope, scp }: Payload): readonly string[] | string {
  if (scope !== undefined && typeof scope !== "string") {
    return "The token's claim 'scope' must be a text with blanks between scopes";
  }
  const texts = scope === undefined ? null : listIn(scope.split(" "), "scope");
  const older = scp === undefined ? null : listIn(scp, "scp");
  if (typeof texts === "string") return texts;
  if (typeof older === "string") return older;
  if (texts === null) return older ?? [];
  return older === null ? texts : texts.filter((each) => older.includes(each));
}

/** A list of texts, or what is wrong with it. */
function listIn(value: unknown, claim: string): readonly string[] | string {
  if (value === undefined) return [];
  const items = typeof value === "string" ? [value] : value;
  const isList = Array.isArray(items) &&
    items.every((item) =>
      typeof item === "string" && item.length <= ITEM_LENGTH_MAX
    );
  if (!isList) {
    return `The token's claim '${claim}' must be a list of texts of at most ${ITEM_LENGTH_MAX} characters`;
  }
  if (items.length > LIST_MAX) {
    return `The token's claim '${claim}' has ${items.length} entries, more than ${LIST_MAX}`;
  }
  return items.filter((item) => item !== "");
}

/** The claim of this name, or, for a name such as `realm_access.roles`, what it leads to. */
function groupsIn(payload: Payload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  let value: unknown = payload;
  for (const part of name.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}
