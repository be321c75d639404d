// The progress of a long run, on standard error: a bar with the time left on a terminal, otherwise one line per step.
const BAR_CELLS = 30;
const encoder = new TextEncoder();

function minutes(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Steps have weights: their expected seconds. */
export class Progress {
  readonly #isTerminal = Deno.stderr.isTerminal();
  readonly #startMs = performance.now();
  #total: number;
  #done = 0;

  constructor(totalWeight: number) {
    this.#total = totalWeight;
  }

  add(weight: number): void {
    this.#total += weight;
  }

  /** Says what begins. */
  begin(what: string): void {
    const part = Math.min(1, this.#done / this.#total);
    const elapsedMs = performance.now() - this.#startMs;
    const left = part > 0
      ? `${minutes(elapsedMs / part - elapsedMs)} left`
      : `about ${minutes(1000 * this.#total)}`;
    if (!this.#isTerminal) {
      return this.#write(
        `${(100 * part).toFixed(0).padStart(3)}%  ${what} (${left})\n`,
      );
    }
    const full = Math.round(part * BAR_CELLS);
    const bar = "█".repeat(full) + "░".repeat(BAR_CELLS - full);
    this.#write(`\r\x1b[K${bar} ${(100 * part).toFixed(0)}% ${left}  ${what}`);
  }

  end(weight: number): void {
    this.#done += weight;
  }

  clear(): void {
    if (this.#isTerminal) this.#write("\r\x1b[K");
  }

  #write(text: string): void {
    Deno.stderr.writeSync(encoder.encode(text));
  }
}
