// Files that settings name and that are read again when they change: tokens, policies, certificates with their keys.
// Invariant: what was read last and was valid stays in force until something valid replaces it as a whole.
import { type NamedFile, readNamedFile } from "./named_file.ts";

/** Time between two checks, ms. */
const POLL_MS = 250;
/** The content is read at least once in so many checks, in case the file's times do not show a change. */
const READ_EVERY = 20;
/** After a change the content is read for so many checks: times of some file systems are as coarse as two seconds. */
const READS_AFTER_CHANGE = 10;
/** Checks that may pass while one does not end, as on a network file system whose server is away. */
const HUNG_CHECKS = 40;
const HUNG = "the file system has not answered for 10 s";

/** Content that is wrong; null where the files could not be read. */
interface Wrong {
  readonly content: readonly string[] | null;
  readonly reason: string;
}

/** What becomes of files. None of it may contain what is in them. */
export interface WatchedFilesListener<T> {
  /** There is a new valid value. */
  changed(value: T): void;
  /** The files are not valid any more; the old value stays. Called once for each reason. */
  invalid(reason: string): void;
  /** The files are valid again, with their old value or after a new one. */
  valid(): void;
}

export interface WatchedFilesOptions<T> {
  /** They are read together and make one value. */
  readonly files: readonly NamedFile[];
  /** Makes the value of their texts. Throws an error whose message says what is wrong, and shows no secret. */
  readonly parse: (...texts: string[]) => T | Promise<T>;
  readonly listener: WatchedFilesListener<T>;
}

/**
 * Watches files by polling. Events of the file system are not used: Kubernetes replaces a symbolic link two levels above
 * the file, and network file systems send no events.
 */
export class WatchedFiles<T> {
  readonly #options: WatchedFilesOptions<T>;
  #timer: ReturnType<typeof setInterval> | null = null;
  /** What stat() said; a change of it means that the content must be read. */
  #stamp = "";
  #content: readonly string[] = [];
  #readsLeft = READS_AFTER_CHANGE;
  #checks = 0;
  #isChecking = false;
  #checksMissed = 0;
  /** What was found last and is wrong. It counts when two checks in a row find it, since it may be half written. */
  #wrong: Wrong | null = null;
  /** Why the files are invalid; null while they are valid. */
  #reason: string | null = null;
  #isClosed = false;

  constructor(options: WatchedFilesOptions<T>) {
    this.#options = options;
  }

  /** Whether the newest content is in force. */
  get isValid(): boolean {
    return this.#reason === null;
  }

  /** Reads the files for the first time. Rejects with a message for the operator. */
  async load(): Promise<T> {
    this.#stamp = await this.#stampNow();
    const content = await this.#read();
    const value = await this.#options.parse(...content);
    this.#content = content;
    return value;
  }

  /** Checks the files from now on, until `close()`. */
  watch(): void {
    this.#timer = setInterval(() => void this.poll(), POLL_MS);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** One check; the timer calls it. Never rejects. While one is under way, another one does nothing. */
  async poll(): Promise<void> {
    if (this.#isChecking) {
      if (++this.#checksMissed >= HUNG_CHECKS) this.#judge(HUNG);
      return;
    }
    this.#isChecking = true;
    try {
      if (await this.#mustRead()) await this.#check();
    } finally {
      this.#isChecking = false;
      this.#checksMissed = 0;
    }
  }

  async #mustRead(): Promise<boolean> {
    this.#checks++;
    const stamp = await this.#stampNow();
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#readsLeft = READS_AFTER_CHANGE;
    }
    if (this.#readsLeft > 0) {
      this.#readsLeft--;
      return true;
    }
    const isDoubtful = this.#wrong !== null || !this.isValid;
    return isDoubtful || this.#checks % READ_EVERY === 0;
  }

  async #check(): Promise<void> {
    let content: readonly string[] | null = null;
    let value: T;
    try {
      content = await this.#read();
      if (isSame(content, this.#content)) return this.#accept();
      if (isSame(content, this.#wrong?.content)) {
        return this.#judge(this.#wrong!.reason);
      }
      value = await this.#options.parse(...content);
    } catch (error) {
      const wasWrong = this.#wrong !== null;
      const { message: reason } = error as Error;
      this.#wrong = { content, reason };
      if (wasWrong) this.#judge(reason);
      return;
    }
    if (this.#isClosed) return;
    this.#content = content;
    this.#options.listener.changed(value);
    this.#accept();
  }

  #accept(): void {
    this.#wrong = null;
    if (this.#reason === null || this.#isClosed) return;
    this.#reason = null;
    this.#options.listener.valid();
  }

  #judge(reason: string): void {
    if (this.#reason === reason || this.#isClosed) return;
    this.#reason = reason;
    this.#options.listener.invalid(reason);
  }

  async #read(): Promise<readonly string[]> {
    // One after the other: when several cannot be read, the reason is always that of the first one.
    const texts: string[] = [];
    for (const { setting, path, bytesMax } of this.#options.files) {
      texts.push(await readNamedFile(setting, path, bytesMax));
    }
    return texts;
  }

  async #stampNow(): Promise<string> {
    const stamps = await Promise.all(
      this.#options.files.map(({ path }) => stampOf(path)),
    );
    return stamps.join("\n");
  }
}

/** What changes when a file is written, replaced, or reached by another link. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtime, ctime } = await Deno.stat(path);
    return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(" ");
  } catch (error) {
    return (error as Error).name;
  }
}

function isSame(
  a: readonly string[],
  b: readonly string[] | null | undefined,
): boolean {
  return a.every((text, i) => text === b?.[i]);
}
