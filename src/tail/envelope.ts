// The newest samples of a channel as least and greatest value per bin, drawn as one line of braille characters.
// Invariant: every sample counts in its bin; a bin without samples is drawn as blank.

// A braille character is two columns of four dots. Bit of each dot, from the bottom up:
const LEFT = [0x40, 0x04, 0x02, 0x01];
const RIGHT = [0x80, 0x20, 0x10, 0x08];
const BLANK = 0x2800;
const DOTS = 4;

/** The newest `binCount` bins; older ones are dropped. */
export class Envelope {
  readonly #least: Float64Array;
  readonly #greatest: Float64Array;
  #next = 0;

  constructor(readonly binCount: number) {
    this.#least = new Float64Array(binCount).fill(NaN);
    this.#greatest = new Float64Array(binCount).fill(NaN);
  }

  /** Adds a row's samples, spread over `bins` bins; null adds bins without samples. */
  add(samples: ArrayLike<number> | null, bins: number): void {
    const count = samples?.length ?? 0;
    for (let bin = 0; bin < bins; bin++) {
      // A row of fewer samples than bins repeats each sample in the bins that it covers.
      const first = Math.floor(bin * count / bins);
      const end = Math.max(first + 1, Math.floor((bin + 1) * count / bins));
      let least = NaN;
      let greatest = NaN;
      for (let i = first; i < end && i < count; i++) {
        const value = samples![i]!;
        if (!(value >= least)) least = Number.isNaN(value) ? least : value;
        if (!(value <= greatest)) {
          greatest = Number.isNaN(value) ? greatest : value;
        }
      }
      const at = this.#next % this.binCount;
      this.#least[at] = least;
      this.#greatest[at] = greatest;
      this.#next++;
    }
  }

  /** Least and greatest value of all bins; null when there is none. */
  get range(): readonly [number, number] | null {
    let least = Infinity;
    let greatest = -Infinity;
    for (let i = 0; i < this.binCount; i++) {
      if (this.#least[i]! < least) least = this.#least[i]!;
      if (this.#greatest[i]! > greatest) greatest = this.#greatest[i]!;
    }
    return least <= greatest ? [least, greatest] : null;
  }

  /** Two bins per character, oldest first, scaled to `range`. */
  draw(): string {
    const range = this.range;
    let text = "";
    for (let i = 0; i < this.binCount; i += 2) {
      const bits = this.#column(i, LEFT, range) |
        this.#column(i + 1, RIGHT, range);
      text += String.fromCharCode(BLANK + bits);
    }
    return text;
  }

  #column(
    i: number,
    dots: readonly number[],
    range: readonly [number, number] | null,
  ): number {
    const at = (this.#next + i) % this.binCount;
    const least = this.#least[at]!;
    if (range === null || Number.isNaN(least)) return 0;
    const low = levelOf(least, range);
    const high = levelOf(this.#greatest[at]!, range);
    let bits = 0;
    for (let level = low; level <= high; level++) bits |= dots[level]!;
    return bits;
  }
}

/** 0 to 3; a constant channel is drawn in the middle. */
function levelOf(value: number, range: readonly [number, number]): number {
  const [least, greatest] = range;
  const share = greatest === least ? 0.5 : (value - least) / (greatest - least);
  return Math.min(DOTS - 1, Math.floor(share * DOTS));
}
