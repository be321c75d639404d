// The last figures of each worker, in the reading thread, and what the predecessors of each have counted.
// Invariant: what a worker has shown is kept when it ends, so no counter of the process falls.
import {
  added,
  countersOf,
  figuresOf,
  type ThreadFigures,
} from "../telemetry/metrics/figures.ts";
import type { EndedFigures, LiveFigures } from "./subjects.ts";

const NONE: EndedFigures = { lives: 0, figures: [] };

/** By worker. */
export class LastFigures {
  /** As text: most of them are never read. */
  readonly #last = new Map<number, string>();
  readonly #ended = new Map<number, EndedFigures>();

  /** The newest figures of a worker. `text`: of {@linkcode LiveFigures}. */
  set(worker: number, text: string): void {
    this.#last.set(worker, text);
  }

  /** A worker has ended; the next one of its number begins at 0. Call it once for each. */
  end(worker: number): void {
    const last = countersOf(this.last(worker)?.figures ?? []);
    this.#last.delete(worker);
    const { lives, figures } = this.endedOf(worker);
    this.#ended.set(worker, {
      lives: lives + 1,
      figures: added([last, figures], () => "sum"),
    });
  }

  /** The newest figures of a worker that has not ended; null before its first report. */
  last(worker: number): LiveFigures | null {
    const text = this.#last.get(worker);
    return text === undefined ? null : figuresOf<LiveFigures>(text);
  }

  endedOf(worker: number): EndedFigures {
    return this.#ended.get(worker) ?? NONE;
  }

  /** By worker that has had predecessors. */
  ended(): Readonly<Record<string, EndedFigures>> {
    return Object.fromEntries(this.#ended);
  }

  /** Of all workers that have ever sent figures, in the order of their numbers. */
  all(): readonly ThreadFigures[] {
    const workers = new Set([...this.#last.keys(), ...this.#ended.keys()]);
    return [...workers].sort((a, b) => a - b).map((worker) => ({
      now: this.last(worker)?.figures ?? [],
      ended: this.endedOf(worker).figures,
    }));
  }
}
