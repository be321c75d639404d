// Runs what requests compute, each as a task, in slices of the event loop. A short task is done at once and
// synchronously; a longer one continues in the following rounds, the task that had the least time first.
// Invariant: between two rounds, all requests together do at most the steps of one slice, or of one part of a task.
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { EventLoopRounds } from "../../clients/event_loop_rounds.ts";
import { ClientGoneError, LimitError } from "./limit_error.ts";

/** A step takes about a microsecond at most. */
const STEPS_A_MS = 1000;
/** The clock is read once in so many steps. */
const CLOCK_STEPS = 100;

export interface RequestSlicesOptions {
  /** Longest slice, ms. */
  readonly sliceMs: number;
  /** Most tasks at a time that needed more than one slice. */
  readonly worksMax: number;
  /** Most computing time of one task, ms. */
  readonly workMs: number;
  /** Most time from the start of a task to its end, ms. */
  readonly waitMs: number;
  /** Milliseconds, monotonic. @default performance.now */
  readonly clockMs?: () => number;
  /** Calls back once the event loop has been round. @default that of the cooperative scheduler */
  readonly later?: ((round: () => void) => void) | undefined;
}

/** Progress of a task. */
interface Progress {
  /** Steps of its next part. */
  cost: number;
  /** Steps that it has done so far. */
  steps: number;
  busyMs: number;
}

/** A task that was not finished at once. */
interface Task extends Progress {
  readonly work: SlicedWork<unknown>;
  readonly isGone: () => boolean;
  readonly beganMs: number;
  /** Whether the limits of one request apply. */
  readonly isLimited: boolean;
  /** Whether it has used a whole slice: then it counts towards `worksMax`. */
  isLong: boolean;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Outcome<T> = { readonly value: T } | null;

/** Runs the tasks of all requests of one instance. */
export class RequestSlices {
  readonly counters = { works: 0, sliced: 0, steps: 0 };
  readonly #options: RequestSlicesOptions;
  readonly #clockMs: () => number;
  readonly #rounds = new EventLoopRounds();
  readonly #later: (round: () => void) => void;
  readonly #sliceSteps: number;
  readonly #tasks = new Set<Task>();
  #longTasks = 0;
  #isWaiting = false;
  /** Steps done in this round, and the time when its slice ends; 0 before the slice has begun. */
  #steps = 0;
  #endMs = 0;
  #uncheckedSteps = 0;
  #stepsMax = 0;

  constructor(options: RequestSlicesOptions) {
    this.#options = options;
    this.#clockMs = options.clockMs ?? (() => performance.now());
    this.#later = options.later ??
      ((round) => this.#rounds.later(round));
    this.#sliceSteps = options.sliceMs * STEPS_A_MS;
  }

  /** Tasks that wait for their next slice. */
  get waiting(): number {
    return this.#tasks.size;
  }

  /** Most steps ever done between two rounds of the event loop. */
  get stepsMax(): number {
    return Math.max(this.#stepsMax, this.#steps);
  }

  /**
   * Runs a task and returns its value: synchronously when the rest of this round's slice is enough, else as a promise.
   * Throws or rejects with a {@linkcode LimitError} when the task takes too long or too many others are long, and with
   * a {@linkcode ClientGoneError} when `isGone` reports that the client has disconnected.
   */
  run<T>(
    work: SlicedWork<T>,
    isGone: () => boolean = () => false,
  ): T | Promise<T> {
    return this.#run(work, isGone, true);
  }

  /**
   * The same for work whose size is not that of the request, such as a catalog that many requests use: in slices, too,
   * and without the limits of one request.
   */
  runShared<T>(work: SlicedWork<T>, isGone: () => boolean): T | Promise<T> {
    return this.#run(work, isGone, false);
  }

  #run<T>(
    work: SlicedWork<T>,
    isGone: () => boolean,
    isLimited: boolean,
  ): T | Promise<T> {
    this.counters.works++;
    this.#beginRound();
    const beganMs = this.#clockMs();
    const first = work.next();
    if (first.done) return first.value;
    const task = { work, cost: first.value, steps: 0, busyMs: 0 };
    const outcome = this.#advance(task);
    if (outcome) return outcome.value;
    // A short task that only waits for the next slice is never refused: a thousand such requests may arrive at once.
    const isLong = isLimited && this.#isLong(task);
    if (isLong && !this.#reserveLongTask()) {
      work.return(undefined as never);
      throw this.#tooManyWorks();
    }
    this.counters.sliced++;
    return new Promise<T>((resolve, reject) => {
      this.#tasks.add({
        ...task,
        isLimited,
        isLong,
        isGone,
        beganMs,
        resolve: resolve as (value: unknown) => void,
        reject,
      });
      this.#wait();
    });
  }

  /** Whether an unfinished task needs more than one whole slice. */
  #isLong({ steps, cost, busyMs }: Progress): boolean {
    return steps + cost > this.#sliceSteps || busyMs >= this.#options.sliceMs;
  }

  #reserveLongTask(): boolean {
    if (this.#longTasks >= this.#options.worksMax) return false;
    this.#longTasks++;
    return true;
  }

  #tooManyWorks(): LimitError {
    return new LimitError("works", {
      detail:
        `The limit of ${this.#options.worksMax} long requests at a time ` +
        `(--request-works-max) is reached; try again later`,
    });
  }

  /** Ends all tasks. */
  close(): void {
    for (const task of this.#tasks) {
      this.#end(task, new ClientGoneError("The service is closing"));
    }
    this.#rounds.cancel();
    this.#isWaiting = false;
    this.#endMs = 0;
  }

  #beginRound(): void {
    if (this.#endMs !== 0) return;
    this.#endMs = this.#clockMs() + this.#options.sliceMs;
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#later(() => this.#round());
  }

  #round(): void {
    this.#isWaiting = false;
    this.#stepsMax = this.stepsMax;
    this.#steps = 0;
    this.#uncheckedSteps = 0;
    this.#endMs = 0;
    if (this.#tasks.size === 0) return;
    this.#beginRound();
    this.#endOverLimit();
    // The least served first: new tasks, most of them short, are not delayed by long ones.
    const order = [...this.#tasks].sort((a, b) => a.busyMs - b.busyMs);
    for (const task of order) {
      if (this.#isSliceOver()) break;
      this.#serve(task);
    }
  }

  #serve(task: Task): void {
    try {
      const outcome = this.#advance(task);
      if (outcome) {
        this.#remove(task);
        task.resolve(outcome.value);
      } else if (task.isLimited && !task.isLong && this.#isLong(task)) {
        if (this.#reserveLongTask()) task.isLong = true;
        else this.#end(task, this.#tooManyWorks());
      }
    } catch (error) {
      this.#remove(task);
      task.reject(error as Error);
    }
  }

  #remove(task: Task): void {
    if (this.#tasks.delete(task) && task.isLong) this.#longTasks--;
  }

  /** Runs a task until it is done or the slice is over. */
  #advance<T>(
    task: Progress & { readonly work: SlicedWork<T> },
  ): Outcome<T> {
    const beganMs = this.#clockMs();
    try {
      while (!this.#isOver(task.cost)) {
        this.#steps += task.cost;
        task.steps += task.cost;
        this.#uncheckedSteps += task.cost;
        this.counters.steps += task.cost;
        const part = task.work.next();
        if (part.done) return { value: part.value };
        task.cost = part.value;
      }
      return null;
    } finally {
      task.busyMs += this.#clockMs() - beganMs;
    }
  }

  /** Whether a part of so many steps has to wait for the next round. */
  #isOver(cost: number): boolean {
    if (this.#steps > 0 && this.#steps + cost > this.#sliceSteps) return true;
    if (this.#uncheckedSteps < CLOCK_STEPS) return false;
    this.#uncheckedSteps = 0;
    return this.#isSliceOver();
  }

  #isSliceOver(): boolean {
    return this.#steps > 0 && this.#clockMs() >= this.#endMs;
  }

  #endOverLimit(): void {
    const { workMs, waitMs } = this.#options;
    const nowMs = this.#clockMs();
    for (const task of this.#tasks) {
      if (task.isGone()) {
        this.#end(task, new ClientGoneError("The client has disconnected"));
      } else if (!task.isLimited) {
        continue;
      } else if (task.busyMs > workMs) {
        this.#end(task, workTooLong(workMs));
      } else if (nowMs - task.beganMs > waitMs) {
        this.#end(task, waitTooLong(waitMs));
      }
    }
  }

  #end(task: Task, error: Error): void {
    this.#remove(task);
    task.work.return(undefined as never);
    task.reject(error);
  }
}

function workTooLong(workMs: number): LimitError {
  return new LimitError("work-time", {
    detail:
      `The request needs more than ${workMs} ms of computing time, the limit of one request (--request-work-ms); ` +
      `ask for less, or use a simpler expression`,
  });
}

function waitTooLong(waitMs: number): LimitError {
  return new LimitError("work-wait", {
    detail:
      `The request was not finished within ${waitMs} ms (--request-wait-ms), as the server was busy with others; ` +
      `try again later`,
  });
}
