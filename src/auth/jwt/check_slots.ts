// Limits how much work runs at once, and how much waits for its turn.
// Invariant: a slot that was taken is released, however its work ends.

export interface CheckSlotsOptions {
  /** Work that runs at once. */
  readonly slots: number;
  /** Work that waits. */
  readonly waitingMax: number;
}

export class CheckSlots {
  readonly #options: CheckSlotsOptions;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: CheckSlotsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether new work would have to be refused. */
  get isFull(): boolean {
    return this.#running >= this.#options.slots &&
      this.#waiting.length >= this.#options.waitingMax;
  }

  /** Runs work as soon as a slot is free; call it only where it is not full. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#options.slots) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      // The slot goes to the next one, or back.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
