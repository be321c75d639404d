// An event loop that a test turns by hand, with a clock that work moves.
import {
  CooperativeScheduler,
  type Task,
} from "../../src/clients/scheduler.ts";

/** An event loop that goes round on command, and a clock that work moves. */
export class Loop {
  nowMs = 0;
  readonly done: string[] = [];
  readonly #next: (() => void)[] = [];
  readonly scheduler = new CooperativeScheduler({
    sliceMs: 4,
    clockMs: () => this.nowMs,
    later: (turn) => this.#next.push(turn),
  });

  get waiting(): number {
    return this.#next.length;
  }

  goRound(): void {
    for (const turn of this.#next.splice(0)) turn();
  }

  /** So many steps of a millisecond each. */
  work(name: string, steps: number): Task & { left: number } {
    const work = {
      left: steps,
      run: (endMs: number) => {
        for (; work.left > 0; work.left--) {
          if (this.nowMs >= endMs) return true;
          this.nowMs++;
          this.done.push(name);
        }
        return false;
      },
    };
    return work;
  }
}
