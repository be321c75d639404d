// Gathers log lines in memory and writes them together; no caller waits for a write.
// Invariant: lines are written whole and in order. A line that finds no room is counted, and the log says how many were
// lost.

const BUFFER_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** Kept free for the line that reports lost ones. */
const NOTICE_BYTES = 256;
/** One UTF-16 unit becomes at most this many bytes. */
const BYTES_PER_UNIT_MAX = 3;

export interface LogWriterOptions {
  /** Writes at least one of the bytes; resolves with the number of bytes written. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** The line that reports the number of lost lines; at most 255 bytes. */
  readonly lostLine: (lines: number) => string;
  /** Size of each of two buffers: one gathers lines while the other is written. @default 1 MiB */
  readonly bufferBytes?: number;
  /** Calls back in a later turn of the event loop. @default setTimeout */
  readonly later?: (call: () => void) => void;
}

/** Gathers lines for one turn of the event loop, or until the current write has finished. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #encoder = new TextEncoder();
  readonly #later: (call: () => void) => void;
  #gathering: Uint8Array;
  #spare: Uint8Array;
  #bytes = 0;
  #lines = 0;
  /** Lost, and not yet reported by a line of the log. */
  #unreported = 0;
  /** Lost, and reported by a line that is still being gathered. */
  #reported = 0;
  #lost = 0;
  #isScheduled = false;
  #writing: Promise<boolean> | null = null;

  constructor(options: LogWriterOptions) {
    const { bufferBytes = BUFFER_BYTES } = options;
    if (!(bufferBytes > NOTICE_BYTES)) {
      throw new RangeError(
        `bufferBytes must be above ${NOTICE_BYTES}: current value is ${bufferBytes}`,
      );
    }
    this.#options = options;
    this.#later = options.later ?? ((call) => void setTimeout(call, 0));
    this.#gathering = new Uint8Array(bufferBytes);
    this.#spare = new Uint8Array(bufferBytes);
  }

  /** Lines lost since the start: there was no room, or the write failed. */
  get lostLines(): number {
    return this.#lost;
  }

  /** Takes one line, without its newline. */
  line(text: string): void {
    const limit = this.#gathering.byteLength - NOTICE_BYTES;
    // The first line after a lost one reports the loss.
    if (this.#unreported > 0 && this.#hasRoomFor(text)) this.#reportLost();
    if (this.#unreported > 0 || !this.#append(text, limit)) {
      this.#lost++;
      this.#unreported++;
    }
    this.#schedule();
  }

  /** Resolves when all lines so far are written, or a write has failed. */
  async flush(): Promise<void> {
    while (this.#writing !== null || this.#bytes > 0 || this.#unreported > 0) {
      const hasWritten = await (this.#writing ?? this.#begin());
      if (!hasWritten) return;
    }
  }

  #hasRoomFor(text: string): boolean {
    const room = this.#gathering.byteLength - this.#bytes - 2 * NOTICE_BYTES;
    return BYTES_PER_UNIT_MAX * text.length < room;
  }

  #append(text: string, limit: number): boolean {
    const target = this.#gathering.subarray(this.#bytes, limit - 1);
    const { read, written } = this.#encoder.encodeInto(text, target);
    if (read < text.length) return false;
    this.#bytes += written;
    this.#gathering[this.#bytes++] = NEWLINE;
    this.#lines++;
    return true;
  }

  #reportLost(): void {
    const notice = this.#options.lostLine(this.#unreported);
    if (!this.#append(notice, this.#gathering.byteLength)) return;
    // `#lines` counts the caller's lines only.
    this.#lines--;
    this.#reported += this.#unreported;
    this.#unreported = 0;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#writing !== null) return;
    this.#isScheduled = true;
    this.#later(() => {
      this.#isScheduled = false;
      if (this.#writing === null) this.#begin();
    });
  }

  #begin(): Promise<boolean> {
    const work = this.#writeOut().finally(() => {
      this.#writing = null;
      if (this.#bytes > 0) this.#schedule();
    });
    this.#writing = work;
    return work;
  }

  /** Resolves with false when the write has failed. */
  async #writeOut(): Promise<boolean> {
    if (this.#unreported > 0) this.#reportLost();
    const bytes = this.#gathering.subarray(0, this.#bytes);
    const [lines, reported] = [this.#lines, this.#reported];
    [this.#gathering, this.#spare] = [this.#spare, this.#gathering];
    this.#bytes = 0;
    this.#lines = this.#reported = 0;
    try {
      for (let at = 0; at < bytes.byteLength;) {
        at += await this.#options.write(bytes.subarray(at));
      }
      return true;
    } catch {
      // A closed pipe or a full disk. /metrics counts the lines now; the log reports them once it can be written again.
      this.#lost += lines;
      this.#unreported += lines + reported;
      return false;
    }
  }
}
