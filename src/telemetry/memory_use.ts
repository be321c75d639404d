// The memory of the process, and how much of it clients take beyond the fixed budgets.
// Invariant: the memory without clients is measured only while none is connected, for the first time before any has been.

/** As `Deno.memoryUsage()` reports it, bytes. */
export interface MemoryFigures {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

export interface MemoryUseOptions {
  readonly read: () => MemoryFigures;
  /** Bytes in use of the two budgets: ring pages that were ever written to, and slab chunks. */
  readonly budgetBytes: () => number;
  readonly clients: () => number;
}

/** Compares the memory with that without clients. */
export class MemoryUse {
  readonly #options: MemoryUseOptions;
  #withoutClients = NaN;

  constructor(options: MemoryUseOptions) {
    this.#options = options;
    this.tick();
  }

  read(): MemoryFigures {
    return this.#options.read();
  }

  /** Call about once a second: the memory without clients is then also measured after the warm-up. */
  tick(): void {
    if (this.#options.clients() === 0) this.#withoutClients = this.#beyond();
  }

  /**
   * (what RSS has beyond the budgets now − what it had when last no client was connected) / clients, bytes; 0 without
   * clients.
   * Meaningful from some hundred clients on, since compiled code grows with the first ones.
   */
  get perClientBytes(): number {
    const clients = this.#options.clients();
    if (clients === 0) return 0;
    return Math.max(0, this.#beyond() - this.#withoutClients) / clients;
  }

  #beyond(): number {
    return this.#options.read().rss - this.#options.budgetBytes();
  }
}
