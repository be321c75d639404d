// What has been taken so far, and how each thing goes back.
// Invariant: everything goes back exactly once, the last taken first, also when something throws in between.

/** Things taken one after the other. */
export class Taken {
  #undos: (() => void)[] = [];

  /** Notes how to give back what was just taken. */
  add(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** Gives all back. Once it has, or once somebody else keeps it, it does nothing. */
  giveBack(): void {
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) undo();
  }

  /** Whoever has the things gives them back from now on. */
  keep(): void {
    this.#undos = [];
  }
}

/** Runs what takes several things; a throw gives back those that were taken before it. */
export function taking<T>(take: (taken: Taken) => T): T {
  const taken = new Taken();
  try {
    return take(taken);
  } catch (error) {
    taken.giveBack();
    throw error;
  }
}
