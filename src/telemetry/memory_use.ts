// The memory of the process, and how much of it clients take beyond the fixed budgets.
// Invariant: the memory without clients is measured before the first client connects, and not while any is connected.

/** As `Deno.memoryUsage()` reports it, bytes. */
export interface MemoryFigures {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

export interface MemoryUseOptions {
  readonly read: () => MemoryFigures;
  /** Bytes of the budgets in use: ring pages that were ever written to, slab chunks. They do not depend on the clients. */
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

  /** Call about once a second, so that the memory without clients is measured after the warm-up, too. */
  tick(): void {
    if (this.#options.clients() === 0) this.#withoutClients = this.#beyond();
  }

  /**
   * (RSS − budgets in use − the same difference when there were last no clients) / clients, bytes; 0 without clients.
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
