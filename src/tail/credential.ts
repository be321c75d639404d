// Who asks the server: a client without a credential, a user of a proxy, or the owner of a token.
// Invariant: a token is sent in a header only and is in no message; one that the server has refused is not sent again.
import { readNamedFile } from "../files/named_file.ts";

/** Longest token that Qanat takes, with room for blanks around it. */
const FILE_BYTES_MAX = 16_384;
const TOKEN = /^[\x21-\x7e]+$/;

/** There is nothing to send now. The message says why, and what is waited for. */
export class CredentialError extends Error {
  override name = "CredentialError";
}

/** Where a credential comes from. */
export type CredentialSource =
  | { readonly kind: "none" }
  /** `USER:PASSWORD` of the URL. */
  | { readonly kind: "basic"; readonly user: string }
  | { readonly kind: "token"; readonly token: string }
  /** Read again before each request. */
  | { readonly kind: "token-file"; readonly path: string };

/** The header that says who asks. */
export class Credential {
  readonly #source: CredentialSource;
  #sent = "";
  #refused = "";

  constructor(source: CredentialSource) {
    this.#source = source;
  }

  /** Headers of the next request. Rejects with {@linkcode CredentialError}. */
  async headers(): Promise<Record<string, string>> {
    const source = this.#source;
    switch (source.kind) {
      case "none":
        return {};
      case "basic": {
        const bytes = new TextEncoder().encode(source.user);
        return { authorization: `Basic ${bytes.toBase64()}` };
      }
      case "token":
        return { authorization: `Bearer ${source.token}` };
      case "token-file": {
        const token = await tokenIn(source.path);
        if (token === this.#refused) {
          throw new CredentialError(
            "the token is no longer accepted; waiting for another one in the file of --token-file",
          );
        }
        this.#sent = token;
        return { authorization: `Bearer ${token}` };
      }
    }
  }

  /** Whether there is nothing that says who asks. */
  get isNone(): boolean {
    return this.#source.kind === "none";
  }

  /** Whether {@linkcode headers} would resolve now. */
  canSend(): Promise<boolean> {
    return this.headers().then(() => true, () => false);
  }

  /** The server no longer accepts what was sent last. Whether there may be another one later. */
  refuse(): boolean {
    this.#refused = this.#sent;
    return this.#source.kind === "token-file";
  }
}

/** Whether a text can be sent as a token. */
export function isSendable(token: string): boolean {
  return TOKEN.test(token);
}

async function tokenIn(path: string): Promise<string> {
  let text: string;
  try {
    text = await readNamedFile("--token-file", path, FILE_BYTES_MAX);
  } catch (error) {
    throw new CredentialError((error as Error).message);
  }
  const token = text.trim();
  if (isSendable(token)) return token;
  throw new CredentialError(
    "the file of --token-file must have a token and nothing else: printable ASCII characters without blanks",
  );
}
