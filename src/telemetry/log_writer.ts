// Lines of the log on their way out: gathered in memory, written together, never waited for.
// Invariant: lines leave in order and whole; what finds no room is counted, and the log says how many were lost.

const BUFFER_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** Kept free for the line that tells of lost ones. */
const NOTICE_BYTES = 256;
/** UTF-16 units become at most so many bytes each. */
const BYTES_PER_UNIT_MAX = 3;

export interface LogWriterOptions {
  /** Writes some bytes, at least one of them; resolves with how many. */
  readonly write: (bytes: Uint8Array) => Promise<number>;
  /** The line that tells of so many lost ones; at most 255 bytes. */
  readonly lostLine: (lines: number) => string;
  /** Two such buffers are kept: one gathers while the other is written. @default 1 MiB */
  readonly bufferBytes?: number;
  /** Calls back in a later turn of the event loop. @default setTimeout */
  readonly later?: (call: () => void) => void;
}

/** Gathers lines for one turn of the event loop, and for as long as a write is under way. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  readonly #encoder = new TextEncoder();
  readonly #later: (call: () => void) => void;
  #gathering: Uint8Array;
  #spare: Uint8Array;
  #bytes = 0;
  #lines = 0;
  /** Lost, and not yet reported by a line of the log. */
  #untold = 0;
  /** Lost, and reported by a line that is still being gathered. */
  #told = 0;
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

  /** Lines that were lost, whole life: no room, or the write failed. */
  get lostLines(): number {
    return this.#lost;
  }

  /** Takes one line, without its newline. */
  line(text: string): void {
    const limit = this.#gathering.byteLength - NOTICE_BYTES;
    // Behind a lost line comes the line that tells of it, before any other.
    if (this.#untold > 0 && this.#hasRoomFor(text)) this.#tellLost();
    if (this.#untold > 0 || !this.#append(text, limit)) {
      this.#lost++;
      this.#untold++;
    }
    this.#schedule();
  }

  /** Resolves when all lines so far have left, or a write has failed. */
  async flush(): Promise<void> {
    while (this.#writing !== null || this.#bytes > 0 || this.#untold > 0) {
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

  #tellLost(): void {
    const notice = this.#options.lostLine(this.#untold);
    if (!this.#append(notice, this.#gathering.byteLength)) return;
    // The notice itself is no line of the caller's.
    this.#lines--;
    this.#told += this.#untold;
    this.#untold = 0;
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

  /** Whether it went well. */
  async #writeOut(): Promise<boolean> {
    if (this.#untold > 0) this.#tellLost();
    const bytes = this.#gathering.subarray(0, this.#bytes);
    const [lines, told] = [this.#lines, this.#told];
    [this.#gathering, this.#spare] = [this.#spare, this.#gathering];
    this.#bytes = 0;
    this.#lines = this.#told = 0;
    try {
      for (let at = 0; at < bytes.byteLength;) {
        at += await this.#options.write(bytes.subarray(at));
      }
      return true;
    } catch {
      // A closed pipe or a full disk. /metrics counts the lines now, and the log reports them once it can be written.
      this.#lost += lines;
      this.#untold += lines + told;
      return false;
    }
  }
}
