// The process's memory, and what of it clients take beyond the fixed budgets.
// Invariant: what memory is without clients is known before the first one, and kept while there are any.

/** As `Deno.memoryUsage()` tells it, bytes. */
export interface MemoryFigures {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

export interface MemoryUseOptions {
  readonly read: () => MemoryFigures;
  /** Bytes of the budgets in use by now: ring pages written to, slab chunks. They grow whatever clients there are. */
  readonly budgetBytes: () => number;
  readonly clients: () => number;
}

/** Compares memory with what it was without clients. */
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

  /** Call now and then, so that what there is without clients is learned after the warm-up, too. */
  tick(): void {
    if (this.#options.clients() === 0) this.#withoutClients = this.#beyond();
  }

  /**
   * (RSS − budgets in use − the same when there were last no clients) / clients; 0 without clients. Says something
   * from some hundred clients on: compiled code grows with the first ones.
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
