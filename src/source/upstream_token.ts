// The token for upstreams, from a file that may be replaced, damaged or removed while the relay runs.
// Invariant: while the file has no token, the last one stays in use, and the log says why once. No text contains a token.
import { readNamedFile } from "../files/named_file.ts";
import { isToken, TOKEN_CHARACTERS } from "../settings/relay_settings.ts";
import type { Logger } from "../telemetry/log.ts";

const SETTING = "--upstream-token-file";
/** Longer than any token; the head of a request has less room. */
const BYTES_MAX = 16 * 1024;

/** The token in one file. */
export class UpstreamToken {
  readonly #path: string;
  readonly #log: Logger;
  #last: string | null = null;
  #loggedReason: string | null = null;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** Reads the file: its token, or the last one that it had. Rejects where it never had one. */
  readonly read = async (): Promise<string> => {
    try {
      this.#last = await tokenIn(this.#path);
      this.#loggedReason = null;
    } catch (error) {
      if (this.#last === null) throw error;
      this.#report((error as Error).message);
    }
    return this.#last;
  };

  #report(reason: string): void {
    if (reason === this.#loggedReason) return;
    this.#loggedReason = reason;
    const effect = "the last token stays in use";
    this.#log.warn("upstream-token-file-invalid", { reason, effect });
  }
}

async function tokenIn(path: string): Promise<string> {
  const token = (await readNamedFile(SETTING, path, BYTES_MAX)).trim();
  if (token === "") throw new Error(`the file of ${SETTING} is empty`);
  if (isToken(token)) return token;
  throw new Error(
    `the file of ${SETTING} must have one token, of ${TOKEN_CHARACTERS}, and nothing else`,
  );
}
