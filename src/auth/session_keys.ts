// The keys that seal sessions: AES-256-GCM keys, derived from the lines of `--session-key-file`.
// Invariant: the first key seals and all of them open; what was changed, or sealed with another key, does not open.

/** Fewest characters of a key: 24 random bytes as base64. */
const KEY_LENGTH_MIN = 32;
const KEYS_MAX = 16;
export const SESSION_KEY_FILE_BYTES_MAX = 65_536;
const KEY_BITS = 256;
/** Bits of the name by which a sealed text says which key opens it. */
const ID_BITS = 48;
/** Bytes of the random number that each sealed text begins with. */
const IV_BYTES = 12;
/** Begins each sealed text, and changes with its content's format. */
const FORMAT = "1";
const SEALED = /^1\.([A-Za-z0-9_-]{8})\.([A-Za-z0-9_-]{40,})$/;
const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;
const DERIVATION = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array() };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface SessionKey {
  /** Says which key it is, and nothing about the key. */
  readonly id: string;
  readonly key: CryptoKey;
}

/** A sealed text that was opened, and the key that did. */
export interface Opened {
  readonly text: string;
  readonly keyId: string;
}

/** A text of keys is refused. The message contains no key. */
export class BadSessionKeysError extends Error {
  override name = "BadSessionKeysError";
}

/** The keys in force. */
export class SessionKeys {
  readonly #keys: readonly SessionKey[];

  private constructor(keys: readonly SessionKey[]) {
    this.#keys = keys;
  }

  /** Keys of a text, one a line; lines that are empty or begin with `#` are none. Throws {@linkcode BadSessionKeysError}. */
  static async of(text: string): Promise<SessionKeys> {
    const lines = text.split("\n").map((line) => line.trim());
    const secrets: string[] = [];
    for (const [i, line] of lines.entries()) {
      if (line === "" || line.startsWith("#")) continue;
      if (line.length < KEY_LENGTH_MIN) {
        throw new BadSessionKeysError(
          `line ${
            i + 1
          } has ${line.length} characters; a key needs at least ${KEY_LENGTH_MIN}, ` +
            "such as 'openssl rand -base64 32' prints",
        );
      }
      secrets.push(line);
    }
    if (secrets.length === 0) throw new BadSessionKeysError("there is no key");
    if (secrets.length > KEYS_MAX) {
      throw new BadSessionKeysError(
        `there are ${secrets.length} keys, at most ${KEYS_MAX} are allowed`,
      );
    }
    return new SessionKeys(await Promise.all(secrets.map(derived)));
  }

  /** One random key, for this process. */
  static random(): Promise<SessionKeys> {
    return SessionKeys.of(randomSecret());
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Encrypts a text with the first key. */
  async seal(text: string): Promise<string> {
    const { id, key } = this.#keys[0]!;
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt(cipher(iv, id), key, encoder.encode(text)),
    );
    const bytes = new Uint8Array(IV_BYTES + sealed.byteLength);
    bytes.set(iv);
    bytes.set(sealed, IV_BYTES);
    return `${FORMAT}.${id}.${bytes.toBase64(BASE64URL)}`;
  }

  /** Whether a key is in force. */
  has(keyId: string): boolean {
    return this.#keys.some(({ id }) => id === keyId);
  }

  /** The text that one of the keys has sealed, or null. */
  async open(sealed: string): Promise<Opened | null> {
    const [, id, content] = SEALED.exec(sealed) ?? [];
    const found = this.#keys.find((one) => one.id === id);
    if (found === undefined) return null;
    try {
      const bytes = Uint8Array.fromBase64(content!, BASE64URL);
      const iv = bytes.subarray(0, IV_BYTES);
      const opened = await crypto.subtle.decrypt(
        cipher(iv, found.id),
        found.key,
        bytes.subarray(IV_BYTES),
      );
      return { text: decoder.decode(opened), keyId: found.id };
    } catch {
      return null;
    }
  }
}

/** A random text that makes one key. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64();
}

/** Format and key are authenticated with the content. */
function cipher(iv: Uint8Array<ArrayBuffer>, id: string): AesGcmParams {
  const additionalData = encoder.encode(`qanat session ${FORMAT}.${id}`);
  return { name: "AES-GCM", iv, additionalData };
}

async function derived(secret: string): Promise<SessionKey> {
  const from = await crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    "HKDF",
    false,
    ["deriveBits", "deriveKey"],
  );
  const how = (info: string) => ({
    ...DERIVATION,
    info: encoder.encode(`qanat session ${info}`),
  });
  const id = await crypto.subtle.deriveBits(how("id"), from, ID_BITS);
  const key = await crypto.subtle.deriveKey(
    how("key"),
    from,
    { name: "AES-GCM", length: KEY_BITS },
    false,
    ["encrypt", "decrypt"],
  );
  return { id: new Uint8Array(id).toBase64(BASE64URL), key };
}
