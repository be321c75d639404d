// One plot of any kind, with its heading, value and buttons.
// Invariant: an error of the plot is shown in this card and does not leave it; the plot is made again some time later.
import { el } from "./dom.js";
import { LimitChip } from "./limit_chip.js";
import { NAMES, PlotHeading } from "./plot_heading.js";
import { SeriesPlot } from "./series_plot.js";
import { SpectralPlot } from "./spectral_plot.js";
import { Spectrogram } from "./spectrogram.js";
import { channelsOf, isPair, takesMore } from "./plot_spec.js";
import { printable } from "./quoting.js";

/** @typedef {import("./plot_spec.js").PlotSpec} PlotSpec */
/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./plot_heading.js").Act} Act */
/** @typedef {import("./plot_heading.js").Now} Now */
/** @typedef {import("./plot_heading.js").Plot} Plot */

const VALUE_MS = 120;
/** Time until a plot that failed is made again. */
const AGAIN_MS = 5000;

export class PlotCard {
  element;
  isVisible = true;
  limits = new LimitChip();
  #canvas;
  #refusal = el("p", { class: "refusal", hidden: true });
  /** @type {Plot} */
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
  #heading;
  #spec;
  /** @type {string[]} */
  #names = [];
  /** Those of its channels that the page has. @type {Series[]} */
  #found = [];

  /**
   * @param {PlotSpec} spec
   * @param {{ look: () => import("./time_plot.js").Look, events: import("./time_plot.js").PlotEvents, act: (act: Act) => void }} options
   */
  constructor(spec, { look, events, act }) {
    this.#spec = spec;
    this.#look = look;
    this.#events = events;
    this.#canvas = el("div", { class: "canvas", role: "img" });
    this.#heading = new PlotHeading(spec.kind, look, act);
    this.element = el(
      "section",
      { class: "plot", tabIndex: 0, "data-kind": spec.kind },
      ...this.#heading.elements,
      this.limits.element,
      this.#refusal,
      this.#canvas,
    );
    this.#plot = this.#made();
    this.#sizes.observe(this.#canvas);
    this.spec = spec;
  }

  get spec() {
    return this.#spec;
  }

  /** Shows another plot of the same kind. */
  set spec(/** @type {PlotSpec} */ spec) {
    if (spec === this.#spec && this.#names.length > 0) return;
    this.#spec = spec;
    const names = this.#names = channelsOf(spec);
    const all = printable(names.join(", "));
    const kind = NAMES[spec.kind];
    this.element.dataset.name = names.join(", ");
    this.element.setAttribute("aria-label", `${all}, ${kind}`);
    this.element.classList.toggle("overlay", names.length > 1);
    this.#canvas.setAttribute("aria-label", `${kind} of ${all}`);
    this.#heading.show(spec);
    this.recolour();
  }

  #made() {
    const { kind } = this.spec;
    if (kind !== "series" && kind !== "spectrogram") {
      return new SpectralPlot(this.#canvas, this.#look, kind);
    }
    const Kind = kind === "spectrogram" ? Spectrogram : SeriesPlot;
    return new Kind(this.#canvas, this.#look, this.#events);
  }

  #makeAgain() {
    try {
      this.#plot.close();
    } catch {
      // It had failed; its elements are removed below.
    }
    this.#canvas.replaceChildren();
    const before = this.#plot;
    const plot = this.#plot = this.#made();
    if (plot instanceof SpectralPlot && before instanceof SpectralPlot) {
      plot.reference = before.reference;
    }
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
    const { colour } = this.#look();
    this.element.style.setProperty("--plot-colour", colour(this.spec.name));
    this.#heading.recolour();
  }

  /** @param {{ width: number, height: number }} size px */
  #resize({ width, height }) {
    // Nothing is shown while a refusal is.
    if (width < 1 || height < 1) return;
    this.#size = { width: Math.floor(width), height: Math.floor(height) };
    this.#plot.resize(this.#size.width, this.#size.height);
  }

  /**
   * @param {ReadonlyMap<string, Series>} all by channel
   * @param {Now} now
   */
  draw(all, now) {
    const found = this.#found;
    found.length = 0;
    for (const name of this.#names) {
      const series = all.get(name);
      if (series) found.push(series);
    }
    const [first] = found;
    const isPart = isPair(this.spec) && found.length < this.#names.length;
    if (!first || isPart) {
      const missing = this.#names.find((name) => !all.has(name));
      return this.refuse(now.whyUnknown(missing ?? this.spec.name));
    }
    const why = this.#whyNot(now.saves);
    this.refuse(why);
    if (this.spec.kind !== "series" && why !== "") {
      return this.#heading.sayNothing();
    }
    const version = this.#drawPlot(now);
    const nowMs = performance.now();
    if (nowMs - this.#valueMs < VALUE_MS) return;
    this.#valueMs = nowMs;
    const plot = this.#plot;
    if (!(plot instanceof SeriesPlot)) this.#describe(plot.description);
    this.#heading.say(plot, found, now, version);
  }

  /**
   * Why it shows a reason instead of the plot; empty where it does not. Of several channels, the legend says it.
   * @param {boolean} saves
   */
  #whyNot(saves) {
    const { kind } = this.spec;
    const plot = this.#plot;
    const found = this.#found;
    if (kind !== "series" && found[0].trend) {
      return `A ${NAMES[kind]} needs samples: ${
        saves ? "switch the data saver off" : "choose a shorter span"
      }`;
    }
    const why = plot instanceof SpectralPlot ? plot.whyNot(found) : "";
    if (why !== "" || (takesMore(this.spec) && this.#names.length > 1)) {
      return why;
    }
    for (const { state } of found) {
      if (state.state === "refused") return state.detail ?? "refused";
    }
    return "";
  }

  /** Says what the picture shows to readers who do not see it. @param {string} text */
  #describe(text) {
    const all = printable(this.#names.join(", "));
    const label = `${NAMES[this.spec.kind]} of ${all}${
      text === "" ? "" : `: ${text}`
    }`;
    if (this.#canvas.ariaLabel !== label) this.#canvas.ariaLabel = label;
  }

  /** Returns the version with what is pending. @param {Now} now */
  #drawPlot({ fromS, toS, version, pendingOf }) {
    const plot = this.#plot;
    const found = this.#found;
    let drawn = version;
    if (plot instanceof SeriesPlot) {
      plot.setAxis(this.spec.y);
      plot.use(found, this.spec.hidden);
      for (let i = 0; i < found.length; i++) {
        const pending = pendingOf(found[i]);
        plot.setPending(i, pending);
        drawn += pending;
      }
    } else if (plot instanceof SpectralPlot) {
      plot.use(found, this.spec.spectral, this.spec.hidden);
    } else {
      plot.use(found[0], this.spec.spectral);
      plot.pending = pendingOf(found[0]);
      drawn += plot.pending;
    }
    plot.draw(fromS, toS, drawn);
    return drawn;
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

  /** Whether a reference is next to the spectrum; null where the plot keeps none. */
  get hasReference() {
    const plot = this.#plot;
    return plot instanceof SpectralPlot ? plot.reference !== null : null;
  }

  /** Keeps what is shown as the reference, or removes it. Returns what it did. */
  toggleReference() {
    return this.#plot instanceof SpectralPlot
      ? this.#plot.toggleReference()
      : "";
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
