// The operator's view: what /v1/status says, once a second, as plots of the last ten minutes.
// Invariant: nothing is asked while it is closed.
import uPlot from "uplot";
import { el } from "./dom.js";
import { problemOf } from "./event_stream.js";

const EACH_MS = 1000;
const POINTS_MAX = 600;

/** @typedef {{ title: string, unit: "" | "B" | "/s" | "ms" | "%", read: (now: any, before: any, seconds: number) => number }} Figure */

/** @type {Figure[]} */
const FIGURES = [
  { title: "Clients", unit: "", read: (s) => s.clients },
  { title: "Selections", unit: "", read: (s) => s.selections },
  {
    title: "Frames sent",
    unit: "/s",
    read: (s, b, t) => b === s ? NaN : (s.frames_sent - b.frames_sent) / t,
  },
  {
    title: "Page ring in use",
    unit: "%",
    read: (s) => 100 * s.ring.occupied_bytes / s.ring.capacity_bytes,
  },
  { title: "Slab in use", unit: "B", read: (s) => s.slab.used_bytes },
  {
    title: "Slab reserved",
    unit: "%",
    read: (s) => 100 * s.slab.reserved_bytes / s.slab.budget_bytes,
  },
  { title: "Rows late", unit: "", read: (s) => s.rows_late },
  { title: "Clients refused", unit: "", read: (s) => sumOf(s.clients_refused) },
  { title: "Event loop delay", unit: "ms", read: (s) => s.event_loop_delay_ms },
  {
    title: "Source lag, all partitions",
    unit: "",
    read: (s) =>
      s.source.topics.reduce(
        (/** @type {number} */ sum, /** @type {any} */ t) => sum + lagOf(t),
        0,
      ),
  },
];

/** @param {Record<string, number>} counts */
function sumOf(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Messages that a partition's reader is behind. @param {{ position: number, last_stable_offset: number }} topic */
function lagOf({ position, last_stable_offset }) {
  return position < 0 || last_stable_offset < 0
    ? 0
    : Math.max(0, last_stable_offset - position);
}

export class OperatorPanel {
  #parent;
  #look;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {{ u: uPlot, value: HTMLElement, x: number[], y: (number | null)[] }[]} */
  #plots = [];
  #table = el("table", {});
  #head = el("p", { class: "closeup-note" });
  /** @type {any} */
  #before = null;
  #beforeMs = 0;
  /** Lag by partition. @type {Map<string, number[]>} */
  #lags = new Map();

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   */
  constructor(parent, look) {
    this.#parent = parent;
    this.#look = look;
  }

  /** @param {boolean} isOpen */
  show(isOpen) {
    if (isOpen === (this.#timer !== undefined)) return;
    if (!isOpen) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      for (const { u } of this.#plots) u.destroy();
      this.#plots = [];
      this.#before = null;
      return this.#parent.replaceChildren();
    }
    this.#build();
    this.#timer = setInterval(() => this.#read(), EACH_MS);
    this.#read();
  }

  #build() {
    const grid = el("div", { class: "operator-plots" });
    this.#parent.replaceChildren(
      el("header", {}, el("h2", { textContent: "Operator" }), this.#head),
      grid,
      el("div", {
        class: "scroll",
        tabIndex: 0,
        role: "region",
        "aria-label": "Partitions",
      }, this.#table),
    );
    const colours = () => this.#look().colours;
    const font = "10px system-ui, sans-serif";
    for (const { title, unit } of FIGURES) {
      const value = el("b", { textContent: "–" });
      const box = el("div", { role: "img", "aria-label": title });
      grid.append(el("div", {}, el("h3", {}, title, value), box));
      const u = new uPlot(
        {
          width: 260,
          height: 84,
          padding: [8, 16, 0, 0],
          legend: { show: false },
          cursor: { y: false, drag: { x: false, y: false } },
          scales: {
            x: { time: false },
            y: {
              range: (
                _u,
                _min,
                max,
              ) => [
                0,
                Math.max(
                  (max ?? 0) * 1.15,
                  { "%": 5, B: 4096, "": 1, "/s": 1, ms: 5 }[unit],
                ),
              ],
            },
          },
          axes: [
            {
              stroke: () => colours().muted,
              font,
              size: 20,
              gap: 4,
              ticks: { show: false },
              grid: { show: false },
              values: (_u, splits) =>
                splits.map((s) => s === 0 ? "now" : `${s} s`),
            },
            {
              stroke: () => colours().muted,
              font,
              size: 48,
              gap: 2,
              space: 24,
              ticks: { show: false },
              grid: { stroke: () => colours().grid, width: 1 },
              values: (_u, splits) =>
                splits.map((v) => v === 0 ? "" : withUnit(v, unit)),
            },
          ],
          series: [{}, {
            stroke: () => colours().series[0],
            width: 1.25,
            points: { show: false },
          }],
        },
        [[0], [null]],
        box,
      );
      this.#plots.push({ u, value, x: [], y: [] });
    }
    requestAnimationFrame(() => {
      for (const { u } of this.#plots) {
        const width = u.root.parentElement?.clientWidth ?? 260;
        u.setSize({ width, height: 84 });
      }
    });
  }

  async #read() {
    let status;
    try {
      const response = await fetch("v1/status", { cache: "no-store" });
      if (!response.ok) {
        this.#head.textContent = (await problemOf(response)).detail;
        return;
      }
      status = await response.json();
    } catch {
      this.#head.textContent = "the server does not answer";
      return;
    }
    const nowMs = performance.now();
    const before = this.#before ?? status;
    const seconds = this.#before ? (nowMs - this.#beforeMs) / 1000 : 1;
    this.#before = status;
    this.#beforeMs = nowMs;
    const { source, uptime_s, ready, channels } = status;
    this.#head.textContent = `${
      ready ? "ready" : "not ready"
    } · ${source.kind}${source.reachable ? "" : ", unreachable"} · ${
      channels.toLocaleString("en")
    } channels · up ${spanText(uptime_s)}`;
    FIGURES.forEach(({ read, unit }, i) => {
      const plot = this.#plots[i];
      if (!plot) return;
      const value = read(status, before, seconds);
      plot.value.textContent = withUnit(value, unit);
      plot.x.push(nowMs / 1000);
      plot.y.push(isFinite(value) ? value : null);
      if (plot.x.length > POINTS_MAX) {
        plot.x.shift();
        plot.y.shift();
      }
      const now = nowMs / 1000;
      plot.u.setData([plot.x.map((x) => x - now), plot.y], false);
      plot.u.setScale("x", { min: Math.min(plot.x[0] - now, -30), max: 0 });
    });
    this.#fillTable(status);
  }

  /** @param {any} status */
  #fillTable({ partitions, source }) {
    const topics = new Map(
      source.topics.map((/** @type {any} */ t) => [t.topic, t]),
    );
    const cell = (
      /** @type {string} */ text,
      tag = /** @type {"td" | "th"} */ ("td"),
    ) => el(tag, { textContent: text });
    this.#table.replaceChildren(
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...[
            "Partition",
            "State",
            "Age",
            "Lag",
            "Lag, last minute",
            "Late",
            "Missed",
            "Bad",
            "Leases",
          ].map((t) => el("th", { scope: "col", textContent: t })),
        ),
      ),
      el(
        "tbody",
        {},
        ...partitions.map((/** @type {any} */ p) => {
          const topic = topics.get(p.topic);
          const lag = topic ? lagOf(topic) : 0;
          const lags = this.#lags.get(p.topic) ?? [];
          lags.push(lag);
          if (lags.length > 60) lags.shift();
          this.#lags.set(p.topic, lags);
          return el(
            "tr",
            {},
            cell(p.topic),
            cell(topic && topic.state !== "reading" ? topic.state : p.state),
            cell(
              p.age_s === null ? "–" : `${Math.max(0, p.age_s).toFixed(2)} s`,
            ),
            cell(lag.toLocaleString("en")),
            cell(sparkline(lags)),
            cell(String(p.late ?? 0)),
            cell(String(p.missed ?? 0)),
            cell(String(p.bad ?? 0)),
            cell(String(p.leases)),
          );
        }),
      ),
    );
  }
}

/** @param {number[]} values */
function sparkline(values) {
  const last = values.slice(-20);
  const most = Math.max(...last, 1);
  return last.map((v) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.round(7 * v / most))])
    .join("");
}

/**
 * @param {number} value
 * @param {Figure["unit"]} unit
 */
function withUnit(value, unit) {
  if (Number.isNaN(value)) return "–";
  if (unit === "B") {
    if (value >= 2 ** 30) return `${(value / 2 ** 30).toFixed(1)} GiB`;
    if (value >= 2 ** 20) return `${(value / 2 ** 20).toFixed(1)} MiB`;
    if (value >= 1024) return `${(value / 1024).toFixed(0)} KiB`;
    return `${Math.round(value)} B`;
  }
  const digits = Math.abs(value) >= 100 || Number.isInteger(value)
    ? 0
    : Math.abs(value) >= 1
    ? 1
    : 2;
  const text = Number(value.toFixed(digits)).toLocaleString("en");
  return unit === "" ? text : unit === "/s" ? `${text}/s` : `${text} ${unit}`;
}

/** @param {number} seconds */
function spanText(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
