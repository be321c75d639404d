// The operator's view: figures and partitions of /v1/status, requested once a second.
// Invariant: nothing is requested while it is closed.
import { el } from "./dom.js";
import { problemOf } from "./event_stream.js";
import { FIGURES, workersText } from "./operator_figures.js";
import { OperatorPlot } from "./operator_plot.js";
import { PartitionTable } from "./partition_table.js";

const EACH_MS = 1000;

export class OperatorPanel {
  #parent;
  #look;
  #get;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {OperatorPlot[]} */
  #plots = [];
  #table = new PartitionTable();
  #head = el("p", { class: "closeup-note" });
  /** The status before, and when it came. @type {any} */
  #before = null;
  #beforeMs = 0;

  /**
   * @param {HTMLElement} parent
   * @param {() => import("./time_plot.js").Look} look
   * @param {typeof fetch} get
   */
  constructor(parent, look, get) {
    this.#parent = parent;
    this.#look = look;
    this.#get = get;
  }

  /** @param {boolean} isOpen */
  show(isOpen) {
    if (isOpen === (this.#timer !== undefined)) return;
    if (!isOpen) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      for (const plot of this.#plots) plot.close();
      this.#plots = [];
      this.#before = null;
      return this.#parent.replaceChildren();
    }
    this.#build();
    this.#timer = setInterval(() => this.#read(), EACH_MS);
    this.#read();
  }

  #build() {
    const colours = () => this.#look().colours;
    this.#plots = FIGURES.map((figure) => new OperatorPlot(figure, colours));
    this.#parent.replaceChildren(
      el("header", {}, el("h2", { textContent: "Operator" }), this.#head),
      el(
        "div",
        { class: "operator-plots" },
        ...this.#plots.map(({ element }) => element),
      ),
      el("div", {
        class: "scroll",
        tabIndex: 0,
        role: "region",
        "aria-label": "Partitions",
      }, this.#table.element),
    );
    requestAnimationFrame(() => this.#plots.forEach((plot) => plot.resize()));
  }

  async #read() {
    let status;
    try {
      const response = await this.#get("v1/status", { cache: "no-store" });
      if (!response.ok) {
        // A port of their own hides the route from this one.
        this.#head.textContent = response.status === 404
          ? "this view is for operators, who have another port here"
          : (await problemOf(response)).detail;
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
    this.#head.textContent = headOf(status);
    // None when the view was closed while the answer was on its way.
    this.#plots.forEach((plot, i) =>
      plot.add(FIGURES[i].read(status, before, seconds), nowMs / 1000)
    );
    this.#table.show(status);
  }
}

/** @param {any} status */
function headOf({ source, uptime_s, ready, channels, workers }) {
  return [
    ready ? "ready" : "not ready",
    `${source.kind}${source.reachable ? "" : ", unreachable"}`,
    `${channels.toLocaleString("en")} channels`,
    `up ${spanText(uptime_s)}`,
    ...workersText(workers),
  ].join(" · ");
}

/** @param {number} seconds */
function spanText(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
