// The usage log: a JSON line for each finished stream, appended to a file that other programs rotate.
// Invariant: no stream waits for the file. Lines wait in bounded memory while it cannot be written; a line that finds no
// room is counted, and the file says how many were lost. A line that was cut off is written again, whole.
import { printableJson } from "../text/printable_json.ts";
import type { Logger } from "./log.ts";

/** The file, opened to append. */
export interface UsageFile {
  /** Writes at least one of the bytes; resolves with the number of bytes written. */
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface UsageLogOptions {
  /** Opens the file, which it creates where there is none. */
  readonly open: () => Promise<UsageFile>;
  readonly log: Logger;
  /** Memory for lines that wait, UTF-16 units. @default 1 Mi */
  readonly charsMax?: number;
  /** Milliseconds since 1970. @default Date.now */
  readonly unixMs?: () => number;
  /** Calls back after some time; a call of its result cancels that. @default setTimeout */
  readonly later?: (call: () => void, ms: number) => () => void;
}

/** Time until a file that could not be written is opened again. */
const RETRY_MS = 1000;
/** Lines that are written together. */
const BATCH_LINES = 256;
const NEWLINE = 10;
const LINE_END = new Uint8Array([NEWLINE]);

/** Gathers lines and writes them. */
export class UsageLog {
  readonly counters = { lines: 0, lost: 0, failures: 0 };
  readonly #options: UsageLogOptions;
  readonly #charsMax: number;
  readonly #encoder = new TextEncoder();
  #file: UsageFile | null = null;
  #lines: string[] = [];
  #chars = 0;
  /** Lost, and not yet reported in the file. */
  #unreported = 0;
  /** The last byte of the file is in the middle of a line. */
  #isTorn = false;
  #mustReopen = false;
  #isFailing = false;
  #isClosed = false;
  #work: Promise<void> | null = null;
  /** Ends the pause before the next attempt. */
  #wake: (() => void) | null = null;

  constructor(options: UsageLogOptions) {
    this.#options = options;
    this.#charsMax = options.charsMax ?? 1024 * 1024;
  }

  /** Whether the last write has failed. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  get #hasWork(): boolean {
    return this.#mustReopen || this.#lines.length > 0;
  }

  /** Opens the file. Rejects where that fails. */
  async start(): Promise<void> {
    this.#file = await this.#options.open();
  }

  /** Takes one entry; `time` is added to it. */
  write(entry: Readonly<Record<string, unknown>>): void {
    if (this.#isClosed) return;
    // An issuer chooses the names of owners: a separator of lines in one must not look like the end of an entry.
    const line = printableJson(
      JSON.stringify({ time: this.#timeText(), ...entry }),
    );
    if (this.#chars + line.length > this.#charsMax) {
      this.counters.lost++;
      this.#unreported++;
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    this.#begin();
  }

  /** The file was moved away: writes to a new one from now on. */
  reopen(): void {
    this.#mustReopen = true;
    this.#wake?.();
    this.#begin();
  }

  /** Resolves when all lines are written, or one attempt has failed. Nothing is taken any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake?.();
    await this.#work;
    this.#file?.close();
    this.#file = null;
    this.counters.lost += this.#lines.length;
  }

  #begin(): void {
    this.#work ??= this.#run().finally(() => {
      this.#work = null;
      // A line may have come after the last look at them.
      if (this.#hasWork && !this.#isClosed) this.#begin();
    });
  }

  async #run(): Promise<void> {
    // Lines of the same turn of the event loop are written together.
    await Promise.resolve();
    while (this.#hasWork) {
      try {
        await this.#writeBatch();
      } catch (error) {
        this.#failed(error as Error);
        if (this.#isClosed) return;
        await this.#pause();
      }
    }
  }

  async #writeBatch(): Promise<void> {
    const file = await this.#opened();
    if (this.#isTorn) {
      await file.write(LINE_END);
      this.#isTorn = false;
    }
    await this.#writeLines(file);
    if (this.#isFailing) this.#recovered();
    if (this.#unreported > 0) this.#reportLost();
  }

  /** The file; a new one after reopen(). */
  async #opened(): Promise<UsageFile> {
    if (this.#mustReopen) {
      this.#mustReopen = this.#isTorn = false;
      this.#file?.close();
      this.#file = null;
    }
    return this.#file ??= await this.#options.open();
  }

  /** Writes some lines. Those that were written whole are removed, also where the rest fails. */
  async #writeLines(file: UsageFile): Promise<void> {
    const lines = this.#lines.slice(0, BATCH_LINES);
    if (lines.length === 0) return;
    const bytes = this.#encoder.encode(lines.join("\n") + "\n");
    let at = 0;
    try {
      while (at < bytes.byteLength) at += await file.write(bytes.subarray(at));
    } finally {
      const whole = count(bytes.subarray(0, at), NEWLINE);
      this.#isTorn = at > 0 && bytes[at - 1] !== NEWLINE;
      for (const line of this.#lines.splice(0, whole)) {
        this.#chars -= line.length;
      }
      this.counters.lines += whole;
    }
  }

  /** A full disk, or a folder that was removed: the log says so once. */
  #failed(error: Error): void {
    this.counters.failures++;
    this.#file?.close();
    this.#file = null;
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.log.error("usage-log-failed", {
      error: error.name,
      code: (error as { code?: string }).code,
    });
  }

  #recovered(): void {
    this.#isFailing = false;
    this.#options.log.info("usage-log-written-again", {
      lost: this.#unreported,
    });
  }

  /** A line about lines that are missing; its own room is not limited. */
  #reportLost(): void {
    const line = JSON.stringify({
      time: this.#timeText(),
      lost: this.#unreported,
    });
    this.#unreported = 0;
    this.#lines.push(line);
    this.#chars += line.length;
  }

  #pause(): Promise<void> {
    const { later = laterBySystem } = this.#options;
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#wake = null;
        resolve();
      };
      const cancel = later(end, RETRY_MS);
      this.#wake = end;
    });
  }

  #timeText(): string {
    const { unixMs = Date.now } = this.#options;
    return new Date(unixMs()).toISOString();
  }
}

function count(bytes: Uint8Array, value: number): number {
  let found = 0;
  for (let at = bytes.indexOf(value); at >= 0;) {
    found++;
    at = bytes.indexOf(value, at + 1);
  }
  return found;
}

function laterBySystem(call: () => void, ms: number): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
