// The keys of an issuer, from its JSON Web Key Set: public RSA keys for RS256 and keys on P-256 for ES256.
// Invariant: a key id is only ever compared; a key is used with the one algorithm that its type has.
import { compactVerify, type CryptoKey, errors, importJWK } from "jose";

/** The algorithms that are accepted. */
export type Algorithm = "RS256" | "ES256";

/** Most keys of an issuer. */
export const KEYS_MAX = 64;
/** Longest key id, characters. */
export const KEY_ID_LENGTH_MAX = 256;
/** Base64url characters of a modulus of 2048 and of 8192 bits. */
const MODULUS_LENGTH_MIN = 342;
const MODULUS_LENGTH_MAX = 1366;
/** Base64url characters of an exponent of 32 bits. */
const EXPONENT_LENGTH_MAX = 6;

/** A key that signatures are checked with. */
export interface IssuerKey {
  readonly algorithm: Algorithm;
  /** Null where the issuer gives it none. */
  readonly id: string | null;
  readonly key: CryptoKey;
  /** Id and parameters: equal for the same key of two key sets. */
  readonly text: string;
}

/** The public parameters of a key, as a JSON Web Key. */
type PublicKey = Readonly<Record<string, string>> & { readonly kty: string };

/** The keys of one issuer at one time. */
export class KeySet {
  readonly keys: readonly IssuerKey[];
  /** Keys in the document, also those of other types. */
  readonly listed: number;

  private constructor(keys: readonly IssuerKey[], listed: number) {
    this.keys = keys;
    this.listed = listed;
  }

  /** Reads a JSON Web Key Set. Keys of other types are left out. Rejects with an Error that says what is wrong with it. */
  static async of(document: unknown): Promise<KeySet> {
    const listed = isObject(document) ? document["keys"] : undefined;
    if (!Array.isArray(listed)) throw new Error("it has no list 'keys'");
    if (listed.length > KEYS_MAX) {
      throw new Error(`it lists ${listed.length} keys, more than ${KEYS_MAX}`);
    }
    const keys: IssuerKey[] = [];
    for (const each of listed) {
      const key = await keyOf(each);
      if (key !== null) keys.push(key);
    }
    if (keys.length === 0) {
      throw new Error("it lists no public key for RS256 or ES256");
    }
    return new KeySet(keys, listed.length);
  }

  /** The key with this id. Without an id it is the only one, where the issuer lists no other. */
  find(id: string | undefined): IssuerKey | null {
    if (id === undefined) return this.listed === 1 ? this.keys[0]! : null;
    return this.keys.find((key) => key.id === id) ?? null;
  }

  has({ text }: IssuerKey): boolean {
    return this.keys.some((key) => key.text === text);
  }

  equals({ keys }: KeySet): boolean {
    return keys.length === this.keys.length &&
      keys.every((key) => this.has(key));
  }
}

/** Null for a key that cannot check signatures of RS256 or ES256. */
async function keyOf(listed: unknown): Promise<IssuerKey | null> {
  if (!isObject(listed)) return null;
  const { kid, use, alg, key_ops: operations } = listed;
  if (use !== undefined && use !== "sig") return null;
  if (Array.isArray(operations) && !operations.includes("verify")) return null;
  const id = kid === undefined ? null : kid;
  const isId = id === null ||
    typeof id === "string" && id.length <= KEY_ID_LENGTH_MAX;
  if (!isId) return null;
  const found = publicKeyOf(listed);
  if (found === null || (alg !== undefined && alg !== found.algorithm)) {
    return null;
  }
  const { algorithm, parameters } = found;
  try {
    const key = await importJWK(parameters, algorithm);
    if (key instanceof Uint8Array || !await canVerify(key, algorithm)) {
      return null;
    }
    const text = JSON.stringify([id, parameters]);
    return { algorithm, id, key, text };
  } catch {
    return null;
  }
}

/** Whether a check with a key ends as it should: of some broken keys one only finds out there. */
async function canVerify(key: CryptoKey, alg: Algorithm): Promise<boolean> {
  const part = (text: string) =>
    new TextEncoder().encode(text).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  const header = part(JSON.stringify({ alg }));
  try {
    await compactVerify(`${header}.${part("{}")}.${part("unsigned")}`, key);
    return false;
  } catch (error) {
    return error instanceof errors.JWSSignatureVerificationFailed;
  }
}

/** The public parameters alone, where they have sizes that can be checked in bounded time. */
function publicKeyOf(
  { kty, crv, n, e, x, y, d }: Record<string, unknown>,
): { algorithm: Algorithm; parameters: PublicKey } | null {
  // A private key that is public is no key at all.
  if (d !== undefined) return null;
  if (kty === "RSA" && typeof n === "string" && typeof e === "string") {
    const isSized = n.length >= MODULUS_LENGTH_MIN &&
      n.length <= MODULUS_LENGTH_MAX && e.length <= EXPONENT_LENGTH_MAX;
    return isSized ? { algorithm: "RS256", parameters: { kty, n, e } } : null;
  }
  const isCurve = kty === "EC" && crv === "P-256";
  if (isCurve && typeof x === "string" && typeof y === "string") {
    return { algorithm: "ES256", parameters: { kty, crv, x, y } };
  }
  return null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
