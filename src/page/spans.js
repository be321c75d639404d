// Which sample numbers have come, as spans.
// Invariant: spans are in order and neither touch nor overlap.

export class Spans {
  /** @type {{ from: number, to: number }[]} */
  #all = [];

  /**
   * Adds a span, merged with those that it touches.
   * @param {number} from
   * @param {number} to after the last
   */
  add(from, to) {
    const all = this.#all;
    const newest = all.at(-1);
    if (newest && newest.from <= from && from <= newest.to) {
      newest.to = Math.max(newest.to, to);
      return;
    }
    let first = all.length;
    while (first > 0 && all[first - 1].to >= from) first--;
    let behind = first;
    while (behind < all.length && all[behind].from <= to) {
      from = Math.min(from, all[behind].from);
      to = Math.max(to, all[behind].to);
      behind++;
    }
    all.splice(first, behind - first, { from, to });
  }

  /** Removes all numbers before `from`. @param {number} from */
  trim(from) {
    const all = this.#all;
    while (all.length > 0 && all[0].to <= from) all.shift();
    if (all.length > 0 && all[0].from < from) all[0].from = from;
  }

  /**
   * Whether all of a span has come.
   * @param {number} from
   * @param {number} to after the last
   */
  has(from, to) {
    for (let i = this.#all.length - 1; i >= 0; i--) {
      const span = this.#all[i];
      if (span.from <= from) return span.to >= to;
    }
    return false;
  }

  /**
   * The parts of a span that are there, in order.
   * @param {number} from
   * @param {number} to after the last
   */
  within(from, to) {
    return this.#all.filter((s) => s.from < to && s.to > from).map((s) => ({
      from: Math.max(s.from, from),
      to: Math.min(s.to, to),
    }));
  }

  get count() {
    return this.#all.length;
  }
}
