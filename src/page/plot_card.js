// One plot with its heading, value and buttons; which kind of plot is inside is all that differs.
// Invariant: an error of the plot is shown in this card and goes no further; the plot is made again a while later.
import { timeText } from "./clock.js";
import { el } from "./dom.js";
import { SeriesPlot } from "./series_plot.js";
import { Spectrogram } from "./spectrogram.js";
import { Spectrum } from "./spectrum.js";
import { BIN_S } from "./trend_choice.js";
import { TrendPlot } from "./trend_plot.js";
import { KINDS } from "./view.js";

const NAMES = {
  series: "time series",
  spectrogram: "spectrogram",
  spectrum: "spectrum",
};
const SIGNS = { series: "∿", spectrogram: "▦", spectrum: "◺" };
const VALUE_MS = 120;
/** A plot that failed is made again after so long. */
const AGAIN_MS = 5000;

export class PlotCard {
  element;
  isVisible = true;
  #canvas;
  #value = el("output", { class: "value" });
  #refusal = el("p", { class: "refusal", hidden: true });
  /** @type {SeriesPlot | TrendPlot | Spectrogram | Spectrum} */
  #plot;
  #look;
  #events;
  #size = { width: 300, height: 120 };
  #valueMs = 0;
  #refused = "";
  #hasFailed = false;
  #failedMs = 0;
  #isTrend = false;
  #meta = el("span", { class: "meta" });

  /**
   * @param {import("./view.js").PlotSpec} spec
   * @param {{ look: () => import("./time_plot.js").Look, events: import("./time_plot.js").PlotEvents, act: (what: "up" | "down" | "remove" | "add", kind?: import("./view.js").PlotKind) => void }} options
   */
  constructor(spec, { look, events, act }) {
    this.spec = spec;
    this.#look = look;
    this.#events = events;
    const { kind, name } = spec;
    this.#canvas = el("div", {
      class: "canvas",
      role: "img",
      "aria-label": `${NAMES[kind]} of ${name}`,
    });
    /**
     * @param {string} text
     * @param {string} title
     * @param {() => void} onclick
     */
    const button = (text, title, onclick) =>
      el("button", {
        type: "button",
        textContent: text,
        title,
        "data-move": title.startsWith("Move"),
        "aria-label": `${title}: ${name}`,
        onclick,
      });
    const others = KINDS.filter((k) => k !== kind).map((k) =>
      button(SIGNS[k], `Add its ${NAMES[k]}`, () => act("add", k))
    );
    this.element = el(
      "section",
      {
        class: "plot",
        tabIndex: 0,
        "aria-label": `${name}, ${NAMES[kind]}`,
        "data-kind": kind,
        "data-name": name,
      },
      el(
        "header",
        {},
        el("h2", { textContent: name }),
        el("span", {
          class: "kind",
          textContent: kind === "series" ? "" : NAMES[kind],
        }),
        this.#meta,
        this.#value,
        el(
          "div",
          { class: "tools" },
          ...others,
          button("↑", "Move up", () => act("up")),
          button("↓", "Move down", () => act("down")),
          button("×", "Remove", () => act("remove")),
        ),
      ),
      this.#refusal,
      this.#canvas,
    );
    this.#plot = this.#made();
    this.recolour();
  }

  #made() {
    const { kind } = this.spec;
    const Kind = kind === "spectrogram"
      ? Spectrogram
      : kind === "spectrum"
      ? Spectrum
      : this.#isTrend
      ? TrendPlot
      : SeriesPlot;
    return new Kind(this.#canvas, this.#look, this.#events);
  }

  #makeAgain() {
    try {
      this.#plot.close();
    } catch {
      // It had failed: what is left of it is removed below.
    }
    this.#canvas.replaceChildren();
    this.#plot = this.#made();
    this.#plot.resize(this.#size.width, this.#size.height);
  }

  /**
   * Draws, unless that failed a moment ago.
   * @param {() => void} paint
   */
  attempt(paint) {
    const nowMs = performance.now();
    if (this.#hasFailed && nowMs - this.#failedMs < AGAIN_MS) return;
    try {
      if (this.#hasFailed) this.#makeAgain();
      this.#hasFailed = false;
      paint();
    } catch (error) {
      this.#hasFailed = true;
      this.#failedMs = nowMs;
      // deno-lint-ignore no-console -- for who looks into it, with its stack
      console.error(`The plot of ${this.spec.name} failed:`, error);
      this.refuse(
        `This plot failed (${
          /** @type {Error} */ (error).message
        }); it is tried again every ${AGAIN_MS / 1000} s`,
      );
    }
  }

  recolour() {
    this.element.style.setProperty(
      "--plot-colour",
      this.#look().colour(this.spec.name),
    );
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.#size = { width, height };
    this.#plot.resize(width, height);
  }

  /**
   * @param {import("./series.js").Series} series
   * @param {{ fromS: number, toS: number, version: string, pending: string, hoverS: number | null, saves: boolean }} now
   */
  draw(series, { fromS, toS, version, pending, hoverS, saves }) {
    const { state } = series;
    this.refuse(state.state === "refused" ? state.detail ?? "refused" : "");
    if (this.spec.kind === "series") this.#useKind(series.trend !== null);
    else if (series.trend) {
      return this.refuse(
        `A ${NAMES[this.spec.kind]} needs samples: ${
          saves ? "end “Save data”" : "choose a shorter span"
        }`,
      );
    }
    this.#plot.use(series);
    if (!(this.#plot instanceof Spectrum)) this.#plot.pending = pending;
    this.#plot.draw(fromS, toS, version);
    const nowMs = performance.now();
    if (nowMs - this.#valueMs < VALUE_MS) return;
    this.#valueMs = nowMs;
    const { channel, ring } = series;
    const meta = `${channel.data_type} · ${
      channel.sample_rate.toLocaleString("en")
    } Hz${series.trend ? ` · bins ${BIN_S[series.trend]} s` : ""}`;
    if (this.#meta.textContent !== meta) this.#meta.textContent = meta;
    const text = this.#plot instanceof Spectrum
      ? this.#plot.textAt()
      : hoverS !== null
      ? `${
        timeText(hoverS, this.#look().time, this.#look().time === "gps" ? 4 : 3)
      }  ${this.#plot.textAt(hoverS)}`
      : this.spec.kind === "series" && ring.end > 0
      ? this.#plot.textAt(Math.min(ring.endS - 0.5 / ring.rate, toS))
      : "";
    if (this.#value.textContent !== text) this.#value.textContent = text;
  }

  /** Samples and bins are drawn in ways of their own. @param {boolean} isTrend */
  #useKind(isTrend) {
    if (this.#isTrend === isTrend) return;
    this.#isTrend = isTrend;
    this.#makeAgain();
  }

  /** Says why there is nothing; empty when there is something. @param {string} why */
  refuse(why) {
    if (this.#refused === why) return;
    this.#refused = why;
    this.#refusal.textContent = why;
    this.#refusal.hidden = why === "";
    this.#canvas.hidden = why !== "";
  }

  close() {
    this.#plot.close();
    this.element.remove();
  }
}
