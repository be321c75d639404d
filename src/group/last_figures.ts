// The last figures of each worker, in the reading thread, and what the predecessors of each have counted.
// Invariant: what a worker has shown is kept when it ends, so no counter of the process falls.
import {
  added,
  countersOf,
  type Figure,
  figuresOf,
} from "../telemetry/metrics/figures.ts";

/** By worker. */
export class LastFigures {
  /** As text: most of them are never read. */
  readonly #last = new Map<number, string>();
  readonly #ended = new Map<number, readonly Figure[]>();

  /** The newest figures of a worker. */
  set(worker: number, text: string): void {
    this.#last.set(worker, text);
  }

  /** A worker has ended; the next one of its number begins at 0. */
  end(worker: number): void {
    const text = this.#last.get(worker);
    this.#last.delete(worker);
    if (text === undefined) return;
    const ended = countersOf(figuresOf(text));
    const before = this.#ended.get(worker);
    this.#ended.set(
      worker,
      before ? added([ended, before], () => "sum") : ended,
    );
  }

  /** The newest figures of a worker that serves; none before its first report. */
  last(worker: number): readonly Figure[] {
    const text = this.#last.get(worker);
    return text === undefined ? [] : figuresOf(text);
  }

  /** By worker: what its predecessors have counted. */
  ended(): Readonly<Record<string, readonly Figure[]>> {
    return Object.fromEntries(this.#ended);
  }

  /** Workers that have ever sent figures. */
  workers(): readonly number[] {
    return [...new Set([...this.#last.keys(), ...this.#ended.keys()])]
      .sort((a, b) => a - b);
  }
}
