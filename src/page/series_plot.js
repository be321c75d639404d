// Samples over time: each pixel column from the least to the largest of its samples; lines when zoomed in.
// Invariant: no sample is left out, and what is not there is hatched with its reason.
import uPlot from "uplot";
import { rangeText } from "./axis_text.js";
import { Envelope } from "./envelope.js";
import { holesOf, NOT_FINITE, paintGaps, paintPending } from "./hatching.js";
import { originFor } from "./int64_samples.js";
import { axesOf, AXIS_SPACE_PX, roomOf } from "./time_axis.js";
import { ValueScale } from "./value_scale.js";

/** @typedef {import("./series.js").Series} Series */
/** @typedef {{ time: "utc" | "gps", colours: import("./dom.js").Colours, colour: (name: string) => string }} Look */
/** @typedef {{ onZoom: (fromS: number, toS: number) => void, onReset: () => void, onHover: (gpsS: number | null) => void }} PlotEvents */

/** The range of values is looked for so often: all columns are asked. */
const FIT_MS = 100;

export class SeriesPlot {
  #u;
  #look;
  /** @type {Envelope | null} */
  #envelope = null;
  /** @type {Series | null} */
  #series = null;
  #scale = new ValueScale();
  #scaleDrawn = 0;
  /** Where samples have come, and none of them is finite. @type {import("./series.js").Span[]} */
  #holes = [];
  #drawn = "";
  #fittedMs = 0;
  #fittedFor = 0;
  #strip = document.createElement("canvas");
  #pen = /** @type {CanvasRenderingContext2D} */ (this.#strip.getContext("2d"));
  #stripKey = "";
  /** Where the newest is still to come from: [edge, words]. @type {string} */
  pending = "";

  /**
   * @param {HTMLElement} parent
   * @param {() => Look} look
   * @param {PlotEvents} events
   */
  constructor(parent, look, events) {
    this.#look = look;
    this.#u = new uPlot(
      {
        ...timePlot(look, events, (room) => this.#scale.ticks(room)),
        series: [{}, {
          stroke: "#888",
          points: { show: false },
          paths: () => null,
        }],
        hooks: { ...timeHooks(events), drawAxes: [() => this.#paint()] },
      },
      [[0, 1], [null, null]],
      parent,
    );
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.#u.width === width && this.#u.height === height) return;
    this.#u.setSize({ width, height });
    this.#drawn = "";
  }

  /** @param {Series} series */
  use(series) {
    if (series === this.#series) return;
    this.#envelope?.close();
    this.#series = series;
    this.#envelope = new Envelope(series.ring);
    this.#stripKey = "";
    this.#fittedMs = 0;
    this.#drawn = "";
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {string} version nothing is drawn while it and the times stay the same
   */
  draw(fromS, toS, version) {
    const key = `${fromS} ${toS} ${version}`;
    if (key === this.#drawn || !this.#envelope || !this.#series) return;
    this.#drawn = key;
    const { width } = this.#u.bbox;
    const binsPerS = width / (toS - fromS);
    this.#envelope.setGrid(binsPerS, Math.ceil(width) + 2);
    const now = performance.now();
    if (now - this.#fittedMs > FIT_MS || binsPerS !== this.#fittedFor) {
      this.#fittedMs = now;
      this.#fittedFor = binsPerS;
      this.#fitRange(fromS, toS, binsPerS);
      this.#findHoles(fromS, toS, binsPerS);
    }
    this.#u.batch(() => {
      this.#u.setScale("x", { min: fromS, max: toS });
      if (this.#scaleDrawn !== this.#scale.version) {
        this.#scaleDrawn = this.#scale.version;
        this.#u.redraw(false, true);
      }
    });
  }

  /** Value under a time: one sample, or the span of those under the pixel. @param {number} gpsS */
  textAt(gpsS) {
    const series = this.#series;
    if (!series) return "";
    const { ring, gaps } = series;
    const gap = gaps.find((g) => g.fromS <= gpsS && gpsS < g.toS);
    const { min = 0, max = 1 } = this.#u.scales.x;
    const pixelS = (max - min) / Math.max(this.#u.bbox.width, 1);
    const first = Math.floor(gpsS * ring.rate + 1e-6);
    const found = pixelS * ring.rate <= 2
      ? ring.exactExtremes(first, first + 1)
      : ring.exactExtremes(first, Math.ceil((gpsS + pixelS) * ring.rate));
    if (!found) {
      if (gap) return `gap: ${gap.reason}`;
      return ring.hasCome(first, first + 1) ? NOT_FINITE : "–";
    }
    return rangeText(found.min, found.max);
  }

  close() {
    this.#envelope?.close();
    this.#u.destroy();
  }

  /** Follows what is seen, but not every twitch of it.
   * @param {number} fromS
   * @param {number} toS
   * @param {number} binsPerS
   */
  #fitRange(fromS, toS, binsPerS) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    const first = Math.floor(fromS * binsPerS);
    const last = Math.floor(toS * binsPerS);
    let { low, high } = this.#extremes(first, last);
    if (low > high) return;
    if (this.#series?.ring.isInt64) {
      const { origin } = envelope;
      envelope.setOrigin(originFor(low, high, origin));
      if (envelope.origin !== origin) {
        ({ low, high } = this.#extremes(first, last));
      }
    }
    this.#scale.fit(low, high, envelope.origin);
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   * @param {number} binsPerS
   */
  #findHoles(fromS, toS, binsPerS) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    const { ring } = /** @type {Series} */ (this.#series);
    const isLine = ring.rate < binsPerS;
    const perS = isLine ? ring.rate : binsPerS;
    const columns = {
      first: Math.floor(fromS * perS),
      last: Math.floor(toS * perS),
      perS,
      lead: isLine ? 0.5 : 0,
    };
    this.#holes = holesOf(
      columns,
      isLine
        ? (i) => !isFinite(ring.at(i)) && ring.hasCome(i, i + 1)
        : (k) => envelope.isHole(k),
    );
  }

  /**
   * Least and largest finite sample of some bins, counted from the envelope's origin.
   * @param {number} first
   * @param {number} last
   */
  #extremes(first, last) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    let low = Infinity;
    let high = -Infinity;
    for (let k = first; k <= last; k++) {
      const at = envelope.place(k);
      if (at < 0) continue;
      if (envelope.finiteMin[at] < low) low = envelope.finiteMin[at];
      if (envelope.finiteMax[at] > high) high = envelope.finiteMax[at];
    }
    return { low, high };
  }

  #paint() {
    const u = this.#u;
    const envelope = this.#envelope;
    const series = this.#series;
    if (!envelope || !series) return;
    const { left, top, width, height } = u.bbox;
    const { ctx } = u;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const { ring, gaps } = series;
    const { colours, colour } = this.#look();
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    paintGaps(u, gaps, { fromS, toS, colours });
    paintPending(u, series, { pending: this.pending, fromS, toS, colours });
    paintGaps(u, this.#holes, { fromS, toS, colours });
    ctx.fillStyle = ctx.strokeStyle = colour(series.channel.name);
    const binsPerS = envelope.binsPerS;
    if (ring.rate < binsPerS) this.#paintLine();
    else {
      const first = Math.floor(fromS * binsPerS);
      const last = Math.floor(toS * binsPerS);
      this.#paintStrip(first, last);
      const { capacity } = envelope;
      for (let k = first; k <= last;) {
        const at = k % capacity;
        const count = Math.min(capacity - at, last - k + 1);
        const x = left + k - first;
        ctx.drawImage(this.#strip, at, 0, count, height, x, top, count, height);
        k += count;
      }
    }
    paintBase(u, this.#scale, colours);
    ctx.restore();
  }

  /**
   * Brings the strip of columns up to date: column k is at k modulo its width, and only moves on the screen.
   * @param {number} first
   * @param {number} last
   */
  #paintStrip(first, last) {
    const envelope = /** @type {Envelope} */ (this.#envelope);
    const { min, max, painted, capacity, binsPerS } = envelope;
    const strip = this.#strip;
    const { height } = this.#u.bbox;
    const fill = this.#u.ctx.fillStyle;
    const scale = this.#scale;
    const key = `${fill} ${scale.version} ${height} ${capacity} ${binsPerS}`;
    if (key !== this.#stripKey) {
      this.#stripKey = key;
      if (strip.width !== capacity || strip.height !== height) {
        strip.width = capacity;
        strip.height = height;
      } else this.#pen.clearRect(0, 0, capacity, height);
      painted.fill(0);
    }
    const pen = this.#pen;
    pen.fillStyle = fill;
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

  #paintLine() {
    const u = this.#u;
    const { ring } = /** @type {Series} */ (this.#series);
    const { origin } = /** @type {Envelope} */ (this.#envelope);
    const { left, top, width, height } = u.bbox;
    const { min: fromS = 0, max: toS = 1 } = u.scales.x;
    const perS = width / (toS - fromS);
    const { ctx } = u;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.lineJoin = "round";
    ctx.beginPath();
    let isOn = false;
    const last = Math.ceil(toS * ring.rate) + 1;
    const spot = perS / ring.rate > 8 * devicePixelRatio
      ? 2 * devicePixelRatio
      : 0;
    for (let i = Math.floor(fromS * ring.rate) - 1; i <= last; i++) {
      const value = ring.at(i, origin);
      if (Number.isNaN(value)) {
        isOn = false;
        continue;
      }
      const x = left + (i / ring.rate - fromS) * perS;
      const y = top + height * (1 - this.#scale.share(value));
      if (isOn) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      if (spot > 0) ctx.fillRect(x - spot, y - spot, 2 * spot, 2 * spot);
      isOn = true;
    }
    ctx.stroke();
  }
}

/**
 * Writes what the labels of an axis are to be added to, if anything.
 * @param {uPlot} u
 * @param {ValueScale} scale
 * @param {import("./dom.js").Colours} colours
 */
export function paintBase(u, scale, colours) {
  const text = scale.baseText(roomOf(u, AXIS_SPACE_PX));
  if (text === "") return;
  const ratio = devicePixelRatio;
  const { ctx } = u;
  const x = u.bbox.left + 4 * ratio;
  const y = u.bbox.top + 8 * ratio;
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  const words = `from ${text}`;
  ctx.fillStyle = colours.back;
  ctx.fillRect(
    x - 2 * ratio,
    y - 8 * ratio,
    ctx.measureText(words).width + 4 * ratio,
    16 * ratio,
  );
  ctx.fillStyle = colours.muted;
  ctx.fillText(words, x, y);
}

/**
 * What every plot over time tells uPlot.
 * @param {() => Look} look
 * @param {PlotEvents} events
 * @param {(room: number) => import("./value_scale.js").Tick[]} ticks
 * @param {number} [spacePx] between them
 */
export function timePlot(look, events, ticks, spacePx) {
  return {
    width: 300,
    height: 120,
    padding: /** @type {[number, number, number, number]} */ ([6, 14, 4, 0]),
    legend: { show: false },
    cursor: {
      sync: {
        key: "time",
        setSeries: false,
        scales: /** @type {[string, null]} */ (["x", null]),
      },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
      bind: {
        dblclick: () => () => {
          events.onReset();
          return null;
        },
      },
    },
    scales: {
      x: { time: false, auto: false },
      // Shares of the height: what they stand for is the plot's own matter.
      y: { auto: false, range: /** @type {[number, number]} */ ([0, 1]) },
    },
    axes: axesOf(look, { showTime: false, ticks, spacePx }),
  };
}

/** @param {PlotEvents} events */
export function timeHooks(events) {
  return {
    setCursor: [
      (/** @type {uPlot} */ u) => {
        const { left = -1 } = u.cursor;
        events.onHover(left < 0 ? null : u.posToVal(left, "x"));
      },
    ],
    setSelect: [
      (/** @type {uPlot} */ u) => {
        const { left, width } = u.select;
        if (width < 4) return;
        const fromS = u.posToVal(left, "x");
        const toS = u.posToVal(left + width, "x");
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        events.onZoom(fromS, toS);
      },
    ],
  };
}
