// Turns of the event loop in a test's hand, so that no test sleeps while something behind is served.
// Invariant: after run() nothing is due until something new happens.

/** More turns than any test needs: something is always due. */
const TURNS_MAX = 100_000;

export class HeldTurns {
  #due: (() => void)[] = [];

  /** Goes to `Qanat` as `later`. */
  readonly later = (turn: () => void): void => void this.#due.push(turn);

  /** Runs turns until none is due; how many there were. */
  run(): number {
    let turns = 0;
    while (this.#due.length > 0) {
      if (turns > TURNS_MAX) throw new Error("There is always one more turn");
      for (const turn of this.#due.splice(0)) {
        turn();
        turns++;
      }
    }
    return turns;
  }
}
