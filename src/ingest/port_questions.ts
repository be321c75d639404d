// Questions to another thread, each answered once.
// Invariant: no more than a number of them wait at a time; those beyond, and all when this end is closed, get null.

/** Questions that wait for an answer. */
const WAITING_MAX = 1000;

/** The questions of one kind that a thread asks. */
export class PortQuestions<Answer> {
  readonly #asked = new Map<number, (answer: Answer | null) => void>();
  #count = 0;
  #isClosed = false;

  /** Resolves with the answer to the question that `send` sends with the number that it is given. */
  ask(send: (request: number) => void): Promise<Answer | null> {
    if (this.#isClosed || this.#asked.size >= WAITING_MAX) {
      return Promise.resolve(null);
    }
    const request = this.#count++;
    return new Promise((resolve) => {
      this.#asked.set(request, resolve);
      send(request);
    });
  }

  answered(request: number, answer: Answer): void {
    this.#asked.get(request)?.(answer);
    this.#asked.delete(request);
  }

  close(): void {
    this.#isClosed = true;
    for (const resolve of this.#asked.values()) resolve(null);
    this.#asked.clear();
  }
}
