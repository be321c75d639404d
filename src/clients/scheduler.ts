// Shares the event loop between tasks: each gets a slice of a turn, then the loop serves Kafka, requests and timers.
// Invariant: at most one turn is pending; a task that has work left runs again in the next turn.

import { EventLoopRounds } from "./event_loop_rounds.ts";

/** Work that can be done in slices. */
export interface Task {
  /** Works until nothing is left (false) or `endMs` of the scheduler's clock has passed (true). */
  run(endMs: number): boolean;
}

export interface SchedulerOptions {
  /** Longest slice of one task, ms. */
  readonly sliceMs: number;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
  /** Calls back after one round of the event loop. @default {@linkcode EventLoopRounds} */
  readonly later?: ((turn: () => void) => void) | undefined;
}

/** Runs the tasks of one instance. */
export class CooperativeScheduler {
  readonly clockMs: () => number;
  readonly #sliceMs: number;
  readonly #rounds = new EventLoopRounds();
  readonly #later: (turn: () => void) => void;
  /** In the order in which a turn runs them. */
  #tasks: readonly Task[] = [];
  readonly #due = new Set<Task>();
  #isTurnPending = false;
  #isClosed = false;
  /** End of the slice that `runNow` shares in this round of the loop; 0 before its first call in a round. */
  #roundEndMs = 0;

  constructor(options: SchedulerOptions) {
    this.#sliceMs = options.sliceMs;
    this.clockMs = options.clockMs ?? (() => performance.now());
    this.#later = options.later ??
      ((turn) => this.#rounds.later(turn));
  }

  /** Sets the tasks, in the order in which each turn runs them. */
  setOrder(...tasks: readonly Task[]): void {
    this.#tasks = tasks;
  }

  /** Runs a task in the next turn. */
  schedule(task: Task): void {
    this.#due.add(task);
    this.#requestTurn();
  }

  /**
   * Runs a task at once, for as long as the round's slice lasts; the rest follows in the next turn. All calls in one
   * round of the loop share one slice.
   */
  runNow(task: Task): void {
    if (this.#isClosed || this.#due.has(task)) return;
    const nowMs = this.clockMs();
    if (this.#roundEndMs === 0) {
      this.#roundEndMs = nowMs + this.#sliceMs;
      this.#requestTurn();
    }
    if (nowMs >= this.#roundEndMs || task.run(this.#roundEndMs)) {
      this.#due.add(task);
      this.#requestTurn();
    }
  }

  /** Runs nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#due.clear();
    this.#rounds.cancel();
  }

  #requestTurn(): void {
    if (this.#isTurnPending) return;
    this.#isTurnPending = true;
    this.#later(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnPending = false;
    this.#roundEndMs = 0;
    if (this.#isClosed) return;
    for (const task of this.#tasks) {
      if (!this.#due.delete(task)) continue;
      if (task.run(this.clockMs() + this.#sliceMs)) this.#due.add(task);
    }
    if (this.#due.size > 0) this.#requestTurn();
  }
}
