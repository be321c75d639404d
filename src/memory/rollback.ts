// Undoes the steps of something that fails half-way.
// Invariant: each step is undone at most once, the last one first, also when an exception interrupts the steps.

/** The steps taken so far. */
export class Rollback {
  #undos: (() => void)[] = [];

  /** Adds how to undo the step that was just taken. `undo` must not throw. */
  add(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** Undoes all steps. Has no effect after a first call, or after `commit()`. */
  rollBack(): void {
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) undo();
  }

  /** Keeps all steps: the caller now owns what they took, and releases it. */
  commit(): void {
    this.#undos = [];
  }
}

/** Runs `steps`; if they throw, undoes those taken before, and throws the same error. */
export function withRollback<T>(steps: (rollback: Rollback) => T): T {
  const rollback = new Rollback();
  try {
    return steps(rollback);
  } catch (error) {
    rollback.rollBack();
    throw error;
  }
}
