// Handles frames whose content takes long, in slices of turns of their own; the streams that sent them wait meanwhile.
// Invariant: frames are handled one after the other, in the order in which they came; what is wrong with one of them ends
// those of its sender, and no others.
import type { Frame } from "./wire.ts";

/** Longest work in one turn of the event loop, ms. */
const SLICE_MS = 4;

interface Waiting {
  readonly frame: Frame;
  readonly sender: object;
}

/** The frames of all streams of one kind. */
export class SlicedFrames {
  readonly #work: (frame: Frame) => Iterator<void, void>;
  readonly #nowMs: () => number;
  readonly #waiting: Waiting[] = [];
  readonly #faults = new WeakMap<object, unknown>();
  #isRunning = false;
  /** Resolves at the end of the last run. */
  #run: Promise<void> = Promise.resolve();
  #isClosed = false;

  /** `work`: handles a frame, in parts of less than a millisecond. `nowMs`: monotonic. */
  constructor(
    work: (frame: Frame) => Iterator<void, void>,
    nowMs: () => number,
  ) {
    this.#work = work;
    this.#nowMs = nowMs;
  }

  /** Takes a frame. It is handled at once where none waits and a slice suffices. */
  push(frame: Frame, sender: object): void {
    if (this.#isClosed || this.#faults.has(sender)) return;
    this.#waiting.push({
      frame: { ...frame, payload: frame.payload.slice() },
      sender,
    });
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run = this.#handleAll();
  }

  /** Null where no frame waits and none of the sender was wrong; else resolves then, or rejects with what was wrong. */
  handled(sender: object): Promise<void> | null {
    if (!this.#isRunning && !this.#faults.has(sender)) return null;
    return this.#handled(sender);
  }

  /** Handles nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
  }

  async #handled(sender: object): Promise<void> {
    while (this.#isRunning) await this.#run;
    if (this.#faults.has(sender)) throw this.#faults.get(sender);
  }

  /** Never rejects. */
  async #handleAll(): Promise<void> {
    let endMs = this.#nowMs() + SLICE_MS;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { frame, sender } = next;
      if (this.#faults.has(sender)) continue;
      try {
        const work = this.#work(frame);
        while (!this.#isClosed && !work.next().done) {
          if (this.#nowMs() < endMs) continue;
          await new Promise((resolve) => setTimeout(resolve, 0));
          endMs = this.#nowMs() + SLICE_MS;
        }
      } catch (error) {
        this.#faults.set(sender, error);
      }
    }
    this.#isRunning = false;
  }
}
