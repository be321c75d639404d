// One plot of any kind, with its heading, value and buttons.
// Invariant: an error of the plot is shown in this card and does not leave it; the plot is made again some time later.
import { BetweenLine } from "./between_line.js";
import { aboutText, unitText } from "./channel_note.js";
import { timeText } from "./clock.js";
import { el } from "./dom.js";
import { printable } from "./quoting.js";
import { SeriesPlot } from "./series_plot.js";
import { SpectralPlot } from "./spectral_plot.js";
import { Spectrogram } from "./spectrogram.js";
import { BIN_S } from "./trend_choice.js";
import { KINDS } from "./plot_spec.js";

/** @typedef {(what: "up" | "down" | "remove" | "add" | "axis", kind?: import("./view.js").PlotKind) => void} Act */

const NAMES = {
  series: "time series",
  spectrogram: "spectrogram",
  spectrum: "spectrum",
};
const SIGNS = { series: "∿", spectrogram: "▦", spectrum: "◺" };
const VALUE_MS = 120;
/** Time until a plot that failed is made again. */
const AGAIN_MS = 5000;

export class PlotCard {
  element;
  isVisible = true;
  #canvas;
  #value = el("output", { class: "value" });
  #refusal = el("p", { class: "refusal", hidden: true });
  /** @type {SeriesPlot | Spectrogram | SpectralPlot} */
  #plot;
  #look;
  #events;
  #size = { width: 300, height: 120 };
  /** The page's style decides the size. */
  #sizes = new ResizeObserver(([{ contentRect }]) => this.#resize(contentRect));
  #valueMs = 0;
  #refused = "";
  #hasFailed = false;
  #failedMs = 0;
  #meta = el("span", { class: "meta" });
  #between = new BetweenLine();
  #heading = el("h2", {});

  /**
   * @param {import("./view.js").PlotSpec} spec
   * @param {{ look: () => import("./time_plot.js").Look, events: import("./time_plot.js").PlotEvents, act: Act }} options
   */
  constructor(spec, { look, events, act }) {
    this.spec = spec;
    this.#look = look;
    this.#events = events;
    const { kind, name } = spec;
    this.#canvas = el("div", {
      class: "canvas",
      role: "img",
      "aria-label": `${NAMES[kind]} of ${printable(name)}`,
    });
    this.element = el(
      "section",
      {
        class: "plot",
        tabIndex: 0,
        "aria-label": `${printable(name)}, ${NAMES[kind]}`,
        "data-kind": kind,
        "data-name": name,
      },
      this.#header(act),
      this.#between.element,
      this.#refusal,
      this.#canvas,
    );
    this.#plot = this.#made();
    this.#sizes.observe(this.#canvas);
    this.recolour();
  }

  /** @param {Act} act */
  #header(act) {
    const { kind, name } = this.spec;
    this.#heading.textContent = printable(name);
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
        "aria-label": `${title}: ${printable(name)}`,
        onclick,
      });
    const others = KINDS.filter((k) => k !== kind).map((k) =>
      button(SIGNS[k], `Add its ${NAMES[k]}`, () => act("add", k))
    );
    return el(
      "header",
      {},
      this.#heading,
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
        kind === "series" &&
          button("⇕", "Set the Y axis", () => act("axis")),
        button("↑", "Move up", () => act("up")),
        button("↓", "Move down", () => act("down")),
        button("×", "Remove", () => act("remove")),
      ),
    );
  }

  #made() {
    const { kind } = this.spec;
    if (kind === "spectrum") {
      return new SpectralPlot(this.#canvas, this.#look, kind);
    }
    const Kind = kind === "spectrogram"
      ? Spectrogram
      : SeriesPlot;
    return new Kind(this.#canvas, this.#look, this.#events);
  }

  #makeAgain() {
    try {
      this.#plot.close();
    } catch {
      // It had failed; its elements are removed below.
    }
    this.#canvas.replaceChildren();
    this.#plot = this.#made();
    this.#plot.resize(this.#size.width, this.#size.height);
  }

  /**
   * Draws, unless drawing failed a short time ago.
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
      // deno-lint-ignore no-console -- with its stack, for developers
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

  /** @param {{ width: number, height: number }} size px */
  #resize({ width, height }) {
    // Nothing is shown while a refusal is.
    if (width < 1 || height < 1) return;
    this.#size = { width: Math.floor(width), height: Math.floor(height) };
    this.#plot.resize(this.#size.width, this.#size.height);
  }

  /**
   * @param {import("./series.js").Series} series
   * @param {{ fromS: number, toS: number, version: string, pending: string, hoverS: number | null, cursors: import("./cursors.js").Times, saves: boolean }} now
   */
  draw(series, { fromS, toS, version, pending, hoverS, cursors, saves }) {
    const { state } = series;
    this.refuse(state.state === "refused" ? state.detail ?? "refused" : "");
    if (this.spec.kind !== "series" && series.trend) {
      return this.refuse(
        `A ${NAMES[this.spec.kind]} needs samples: ${
          saves ? "switch the data saver off" : "choose a shorter span"
        }`,
      );
    }
    const plot = this.#plot;
    if (plot instanceof SeriesPlot) {
      plot.setAxis(this.spec.y);
      plot.use([series]);
      plot.setPending(0, pending);
    } else if (plot instanceof SpectralPlot) plot.use([series]);
    else {
      plot.use(series);
      plot.pending = pending;
    }
    plot.draw(fromS, toS, version);
    const nowMs = performance.now();
    if (nowMs - this.#valueMs < VALUE_MS) return;
    this.#valueMs = nowMs;
    const { channel, trend } = series;
    const meta = `${channel.data_type} · ${
      channel.sample_rate.toLocaleString("en")
    } Hz${channel.unit ? ` ·${unitText(channel)}` : ""}${
      trend ? ` · bins ${BIN_S[trend]} s` : ""
    }`;
    if (this.#meta.textContent !== meta) this.#meta.textContent = meta;
    const about = aboutText(channel);
    if (this.#heading.title !== about) this.#heading.title = about;
    if (plot instanceof SpectralPlot || plot instanceof Spectrogram) {
      this.#describe(plot.description);
    }
    const text = this.#valueText(series, toS, hoverS);
    if (this.#value.textContent !== text) this.#value.textContent = text;
    if (this.spec.kind === "series") {
      this.#between.say(series, cursors, version);
    }
  }

  /** Says what the picture shows to readers who do not see it. @param {string} text */
  #describe(text) {
    const { kind, name } = this.spec;
    const label = `${NAMES[kind]} of ${name}${text === "" ? "" : `: ${text}`}`;
    if (this.#canvas.ariaLabel !== label) this.#canvas.ariaLabel = label;
  }

  /**
   * The value under the mouse; of a time series without the mouse, the newest.
   * @param {import("./series.js").Series} series
   * @param {number} toS
   * @param {number | null} hoverS
   */
  #valueText({ ring }, toS, hoverS) {
    const plot = this.#plot;
    if (plot instanceof SpectralPlot) return plot.textAt();
    if (hoverS !== null) {
      const { time } = this.#look();
      const when = timeText(hoverS, time, time === "gps" ? 4 : 3);
      return `${when}  ${plot.textAt(hoverS)}`;
    }
    return this.spec.kind === "series" && ring.end > 0
      ? plot.textAt(Math.min(ring.endS - 0.5 / ring.rate, toS))
      : "";
  }

  /** Shows a reason instead of the plot; empty: the plot. @param {string} why */
  refuse(why) {
    if (this.#refused === why) return;
    this.#refused = why;
    this.#refusal.textContent = why;
    this.#refusal.hidden = why === "";
    this.#canvas.hidden = why !== "";
  }

  /** The ends of the axis of values; null where there is none. */
  get ends() {
    const plot = this.#plot;
    return plot instanceof SeriesPlot ? plot.ends : null;
  }

  /** For a picture of the plot. */
  picture() {
    return this.#plot.picture();
  }

  close() {
    this.#sizes.disconnect();
    this.#plot.close();
    this.element.remove();
  }
}
