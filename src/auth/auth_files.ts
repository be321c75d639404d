// The files of an instance's authentication (tokens, policy, keys of sessions): reads them at the start, and puts what
// changes in force.
// Invariant: a file that is not valid any more changes nothing but the log and a metric; the log shows no secret.
import { WatchedFiles } from "../files/watched_files.ts";
import type { AuthSettings } from "../settings/auth_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import type { GrantsInForce } from "./grants_in_force.ts";
import { parsePolicy, POLICY_FILE_BYTES_MAX } from "./policy.ts";
import { ReadRules } from "./read_rules.ts";
import { SESSION_KEY_FILE_BYTES_MAX, SessionKeys } from "./session_keys.ts";
import type { Sessions } from "./sessions.ts";
import { parseTokenFile, TOKEN_FILE_BYTES_MAX } from "./token_file.ts";

export type AuthFileKind = "tokens" | "policy" | "session-keys";

/** What metrics and the status show of one file. */
export interface AuthFileState {
  readonly kind: AuthFileKind;
  /** Whether its newest content is in force. */
  readonly isValid: boolean;
  /** Tokens, grants, or keys that are in force. */
  readonly entries: number;
  /** How often it has changed, and was valid or not. */
  readonly loads: { readonly valid: number; readonly invalid: number };
}

export interface AuthFilesOptions {
  readonly settings: AuthSettings;
  readonly book: GrantsInForce;
  readonly sessions: Sessions;
  readonly log: Logger;
  /** Issuers of JWTs that are accepted. @default none */
  readonly issuers?: readonly string[];
}

interface OpenFile {
  readonly kind: AuthFileKind;
  readonly watched: Pick<
    WatchedFiles<unknown>,
    "isValid" | "watch" | "poll" | "close"
  >;
  readonly loads: { valid: number; invalid: number };
  readonly start: () => Promise<void>;
}

interface FileOptions<T extends { readonly size: number }> {
  readonly kind: AuthFileKind;
  readonly setting: string;
  readonly path: string;
  readonly bytesMax: number;
  readonly parse: (text: string, rules: ReadRules) => Promise<T>;
  readonly replace: (value: T) => void;
}

export class AuthFiles {
  readonly #book: GrantsInForce;
  readonly #sessions: Sessions;
  readonly #log: Logger;
  readonly #files: readonly OpenFile[];

  constructor(options: AuthFilesOptions) {
    const { settings, book, sessions, log, issuers = [] } = options;
    this.#book = book;
    this.#sessions = sessions;
    this.#log = log;
    const { authTokenFile, authPolicyFile, sessionKeyFile } = settings;
    const tokens = authTokenFile === "" ? [] : [this.#open({
      kind: "tokens",
      setting: "--auth-token-file",
      path: authTokenFile,
      bytesMax: TOKEN_FILE_BYTES_MAX,
      parse: parseTokenFile,
      replace: (value) => book.replaceTokens(value),
    })];
    const policy = authPolicyFile === "" ? [] : [this.#open({
      kind: "policy",
      setting: "--auth-policy-file",
      path: authPolicyFile,
      bytesMax: POLICY_FILE_BYTES_MAX,
      parse: (text, rules) => parsePolicy(text, rules, issuers),
      replace: (value) => book.replacePolicy(value),
    })];
    const keys = sessionKeyFile === "" ? [] : [this.#open({
      kind: "session-keys",
      setting: "--session-key-file",
      path: sessionKeyFile,
      bytesMax: SESSION_KEY_FILE_BYTES_MAX,
      parse: (text) => SessionKeys.of(text),
      replace: (value) => sessions.useKeys(value),
    })];
    this.#files = [...tokens, ...policy, ...keys];
  }

  /** Reads all files and watches them from then on. Rejects with a message for the operator when one is wrong. */
  async start(): Promise<void> {
    for (const { start } of this.#files) await start();
    for (const { watched } of this.#files) watched.watch();
  }

  /** Checks all files now. */
  async poll(): Promise<void> {
    for (const { watched } of this.#files) await watched.poll();
  }

  close(): void {
    for (const { watched } of this.#files) watched.close();
  }

  states(): AuthFileState[] {
    return this.#files.map(({ kind, watched, loads }) => ({
      kind,
      isValid: watched.isValid,
      entries: this.#entriesOf(kind),
      loads: { ...loads },
    }));
  }

  #entriesOf(kind: AuthFileKind): number {
    const { tokens, policy } = this.#book;
    switch (kind) {
      case "tokens":
        return tokens.size;
      case "policy":
        return policy?.size ?? 0;
      case "session-keys":
        return this.#sessions.keyCount;
    }
  }

  #open<T extends { readonly size: number }>(
    { kind, setting, path, bytesMax, parse, replace }: FileOptions<T>,
  ): OpenFile {
    const rules = new ReadRules();
    const loads = { valid: 0, invalid: 0 };
    const put = (value: T) => {
      loads.valid++;
      replace(value);
    };
    const watched = new WatchedFiles<T>({
      files: [{ setting, path, bytesMax }],
      parse: (text) => parse(text, rules),
      listener: {
        changed: (value) => {
          put(value);
          this.#log.info("auth-file-changed", {
            file: kind,
            entries: value.size,
          });
        },
        invalid: (reason) => {
          loads.invalid++;
          this.#log.error("auth-file-invalid", {
            file: kind,
            setting,
            reason,
            in_force: "what was read before",
          });
        },
        valid: () => this.#log.info("auth-file-valid", { file: kind }),
      },
    });
    const start = async () => {
      try {
        put(await watched.load());
      } catch (error) {
        throw startError(setting, (error as Error).message);
      }
    };
    return { kind, watched, loads, start };
  }
}

/** The message of an unreadable file names the setting already. */
function startError(setting: string, message: string): Error {
  return new Error(
    message.includes(setting) ? message : `the file of ${setting}: ${message}`,
  );
}
