// The columns of a plot as an image: each column is painted once, and then only moves on the screen.
// Invariant: column k is at k modulo the width of the image.

/** @typedef {import("./envelope.js").Envelope} Envelope */
/** @typedef {import("./value_axis.js").ValueAxis["scale"]} ValueScale */

export class ColumnStrip {
  #canvas = document.createElement("canvas");
  #pen =
    /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  #key = "";

  /** Paints every column again the next time. */
  forget() {
    this.#key = "";
  }

  /**
   * Paints columns `first` to `last` of an envelope into a plot, in its fill colour.
   * @param {import("./hatching.js").Area} u
   * @param {{ envelope: Envelope, scale: ValueScale, first: number, last: number }} columns
   */
  paint(u, { envelope, scale, first, last }) {
    const { ctx } = u;
    const { left, top, height } = u.bbox;
    const { capacity } = envelope;
    this.#begin(envelope, scale, { colour: ctx.fillStyle, height });
    this.#paintColumns(envelope, scale, { first, last, height });
    for (let k = first; k <= last;) {
      const at = k % capacity;
      const count = Math.min(capacity - at, last - k + 1);
      const x = left + k - first;
      ctx.drawImage(this.#canvas, at, 0, count, height, x, top, count, height);
      k += count;
    }
  }

  /**
   * Clears the image where its size, colour or scale has changed.
   * @param {Envelope} envelope
   * @param {ValueScale} scale
   * @param {{ colour: CanvasRenderingContext2D["fillStyle"], height: number }} look
   */
  #begin({ painted, capacity, binsPerS }, { version }, { colour, height }) {
    const canvas = this.#canvas;
    const key = `${colour} ${version} ${height} ${capacity} ${binsPerS}`;
    if (key !== this.#key) {
      this.#key = key;
      if (canvas.width !== capacity || canvas.height !== height) {
        canvas.width = capacity;
        canvas.height = height;
      } else this.#pen.clearRect(0, 0, capacity, height);
      painted.fill(0);
    }
    this.#pen.fillStyle = colour;
  }

  /**
   * @param {Envelope} envelope
   * @param {ValueScale} scale
   * @param {{ first: number, last: number, height: number }} columns
   */
  #paintColumns(envelope, scale, { first, last, height }) {
    const { min, max, painted, capacity } = envelope;
    const pen = this.#pen;
    const thin = Math.max(1, Math.round(devicePixelRatio));
    let before = -1;
    for (let k = first - 1; k <= last; k++) {
      const at = envelope.place(k);
      const slot = k % capacity;
      if (painted[slot] === 1 || k < first) {
        before = at;
        continue;
      }
      painted[slot] = 1;
      pen.clearRect(slot, 0, 1, height);
      if (at >= 0) {
        let low = min[at];
        let high = max[at];
        // Neighbours meet, as a line would.
        if (before >= 0) {
          if (max[before] < low) low = max[before];
          if (min[before] > high) high = min[before];
        }
        const top = scale.share(high);
        const y = Math.round(height * (1 - top));
        const tall = Math.round(height * (top - scale.share(low)));
        pen.fillRect(slot, y, 1, Math.max(thin, tall));
      }
      before = at;
    }
  }
}
