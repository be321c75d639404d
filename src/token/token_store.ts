// A token file on disk, as `deno task token` reads and writes it.
// Invariant: a file is replaced as a whole by a valid one, or not at all; one process at a time changes it.
import { ReadRules } from "../auth/read_rules.ts";
import { hashOf, newToken } from "../auth/token.ts";
import { parseTokenFile, TOKEN_FILE_BYTES_MAX } from "../auth/token_file.ts";
import { readNamedFile } from "../files/named_file.ts";
import type { GrantText } from "./options.ts";

/** What cannot be done, for the user. It shows no secret. */
export class TokenStoreError extends Error {
  override name = "TokenStoreError";
}

/** An entry as the file contains it. */
export interface StoredToken extends GrantText {
  readonly name: string;
  readonly sha256: string;
}

/** Only the owner may read a new file. */
const MODE = 0o600;
const encoder = new TextEncoder();

export class TokenStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds a token, and returns it. Makes the file if it does not exist. Rejects with {@linkcode TokenStoreError}. */
  async add(name: string, grant: GrantText): Promise<string> {
    const token = newToken();
    await this.#change((entries) => {
      if (entries.some((entry) => entry.name === name)) {
        throw new TokenStoreError(
          `There is already a token '${name}'; revoke it first, or choose another name`,
        );
      }
      return [...entries, { name, sha256: hashOf(token), ...grant }];
    }, { mayCreate: true });
    return token;
  }

  /** Rejects with {@linkcode TokenStoreError}. */
  async revoke(name: string): Promise<void> {
    await this.#change((entries) => {
      const left = entries.filter((entry) => entry.name !== name);
      if (left.length < entries.length) return left;
      throw new TokenStoreError(
        `There is no token '${name}'; \`list\` shows all`,
      );
    }, { mayCreate: false });
  }

  /** Rejects with {@linkcode TokenStoreError}. */
  async list(): Promise<readonly StoredToken[]> {
    return await entriesOf(this.#path);
  }

  async #change(
    change: (entries: readonly StoredToken[]) => readonly StoredToken[],
    { mayCreate }: { readonly mayCreate: boolean },
  ): Promise<void> {
    const path = await targetOf(this.#path, mayCreate);
    // It is also the lock: of two processes, one cannot create it.
    using temporary = new NewFile(`${path}.new`);
    const old = await infoOf(path);
    const entries = old === null ? [] : await entriesOf(path);
    const text = JSON.stringify({ tokens: change(entries) }, null, 2) + "\n";
    await checked(text);
    if (old !== null) temporary.takeOwnerOf(old);
    temporary.write(text);
    temporary.renameTo(path);
  }
}

/** A new file, in the folder of the one that it replaces; it is removed if it does not replace it. */
class NewFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #isRenamed = false;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = Deno.openSync(path, {
        write: true,
        createNew: true,
        mode: MODE,
      });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) {
        throw new TokenStoreError(
          `Another process changes the file; if there is none, remove ${path}`,
        );
      }
      throw new TokenStoreError(`Cannot write ${path}: ${reasonOf(error)}`);
    }
  }

  /** The service may run as another user, and has to read the file as before. */
  takeOwnerOf({ uid, gid, mode }: Deno.FileInfo): void {
    try {
      Deno.chownSync(this.#path, uid, gid);
      if (mode !== null) Deno.chmodSync(this.#path, mode & 0o777);
    } catch (error) {
      throw new TokenStoreError(
        `Cannot keep the owner of the file: ${
          reasonOf(error)
        }; run this as its owner`,
      );
    }
  }

  write(text: string): void {
    try {
      let bytes = encoder.encode(text);
      while (bytes.length > 0) {
        bytes = bytes.subarray(this.#file.writeSync(bytes));
      }
      // The content is on the disk before the name is.
      this.#file.syncSync();
    } catch (error) {
      throw new TokenStoreError(
        `Cannot write ${this.#path}: ${reasonOf(error)}`,
      );
    }
  }

  renameTo(path: string): void {
    try {
      Deno.renameSync(this.#path, path);
    } catch (error) {
      throw new TokenStoreError(`Cannot replace ${path}: ${reasonOf(error)}`);
    }
    this.#isRenamed = true;
  }

  [Symbol.dispose](): void {
    this.#file.close();
    if (!this.#isRenamed) Deno.removeSync(this.#path);
  }
}

/** What a symbolic link points to: a link is not replaced by a file. */
async function targetOf(path: string, mayCreate: boolean): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && mayCreate) return path;
    throw new TokenStoreError(`Cannot read ${path}: ${reasonOf(error)}`);
  }
}

async function infoOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new TokenStoreError(`Cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** The entries of a valid file. A file that is not valid is left as it is. */
async function entriesOf(path: string): Promise<readonly StoredToken[]> {
  try {
    const text = await readNamedFile("--file", path, TOKEN_FILE_BYTES_MAX);
    await parseTokenFile(text, new ReadRules());
    return (JSON.parse(text) as { tokens: StoredToken[] }).tokens;
  } catch (error) {
    const { message } = error as Error;
    throw new TokenStoreError(
      message.includes("--file") ? message : `${path}: ${message}`,
    );
  }
}

/** Checks what is about to be written as a service does that reads it. */
async function checked(text: string): Promise<void> {
  try {
    await parseTokenFile(text, new ReadRules());
  } catch (error) {
    throw new TokenStoreError(
      `The file would not be valid: ${(error as Error).message}`,
    );
  }
  if (encoder.encode(text).length > TOKEN_FILE_BYTES_MAX) {
    throw new TokenStoreError(
      `The file would be larger than ${TOKEN_FILE_BYTES_MAX} bytes`,
    );
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return (error as { code?: string }).code ?? (error as Error).name;
}
