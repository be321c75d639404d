// Work that requests share while it is under way, so that many requests at a time cost as much as one.
// Invariant: at most one is under way; a failure reaches all that share it, and the next request begins again.

export class SharedWork<T> {
  readonly #begin: () => Promise<T>;
  #current: Promise<T> | null = null;

  constructor(begin: () => Promise<T>) {
    this.#begin = begin;
  }

  /** The result of the work that is under way, or of new work. */
  result(): Promise<T> {
    return this.#current ??= this.#begin().finally(() => this.#current = null);
  }
}
