// The heading of a plot: its name, buttons and value, the legend of several channels, and the lines about the cursors.
// Invariant: texts are written when they change, and not more often.
import { cardButton } from "./channel_card.js";
import { ChannelLines } from "./channel_lines.js";
import { aboutText, unitText } from "./channel_note.js";
import { timeText } from "./clock.js";
import { el } from "./dom.js";
import { channelsOf, SINGLE_KINDS, takesMore, titleOf } from "./plot_spec.js";
import { moreButton } from "./plot_tools.js";
import { printable } from "./quoting.js";
import { SeriesPlot } from "./series_plot.js";
import { Spectrogram } from "./spectrogram.js";
import { SpectralPlot } from "./spectral_plot.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./plot_spec.js").PlotSpec} PlotSpec */
/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./plot_actions.js").Act | { what: "axis" } | { what: "limits" } | { what: "into" } | { what: "spectra" }} Act into: channels that are picked go into it */
/** @typedef {SeriesPlot | Spectrogram | SpectralPlot} Plot */
/**
 * @typedef {object} Now
 * @property {number} fromS
 * @property {number} toS
 * @property {string} version changes when something else is to be drawn
 * @property {number | null} hoverS
 * @property {import("./cursors.js").Times} cursors
 * @property {boolean} saves
 * @property {(series: Series) => string} pendingOf why a channel has nothing at the right edge
 * @property {(name: string) => string} whyUnknown
 */

export const NAMES = {
  series: "time series",
  spectrogram: "spectrogram",
  spectrum: "spectrum",
  coherence: "coherence",
  transfer: "transfer function",
};
const SIGNS = { series: "∿", spectrogram: "▦", spectrum: "◺" };

export class PlotHeading {
  #look;
  #heading = el("h2", {});
  #meta = el("span", { class: "meta" });
  #value = el("output", { class: "value" });
  #header;
  #lines;
  /** @type {string[]} */
  #names = [];
  /** Whether it has a legend. */
  #isOverlay = false;
  /** What the text next to the name is about. @type {import("./series.js").Channel | null} */
  #described = null;
  /** @type {Series["trend"]} */
  #trend = null;

  /**
   * @param {PlotSpec["kind"]} kind
   * @param {() => import("./time_plot.js").Look} look
   * @param {(act: Act) => void} act
   */
  constructor(kind, look, act) {
    this.#look = look;
    this.#header = this.#made(kind, act);
    this.#lines = new ChannelLines((what, name) => act({ what, name }));
  }

  /** From top to bottom. */
  get elements() {
    return [this.#header, ...this.#lines.elements];
  }

  /** @param {PlotSpec} spec */
  show(spec) {
    const names = this.#names = channelsOf(spec);
    this.#isOverlay = names.length > 1 && takesMore(spec);
    this.#heading.textContent = spec.kind === "transfer"
      ? printable(names.join(" → "))
      : spec.kind === "coherence"
      ? printable(names.join(" and "))
      : names.length > 1
      ? `${names.length} channels`
      : printable(spec.name);
    this.#heading.title = this.#meta.textContent = "";
    this.#described = null;
    for (const button of this.#header.querySelectorAll("button")) {
      button.setAttribute("aria-label", `${button.title}: ${titleOf(spec)}`);
      if (button.dataset.card !== undefined) button.dataset.card = names[0];
    }
    this.#lines.show(spec, this.#look().colour);
  }

  recolour() {
    this.#lines.recolour(this.#look().colour);
  }

  /** No figures, where the plot shows a reason instead of them. */
  sayNothing() {
    this.#value.textContent = "";
  }

  /**
   * @param {Plot} plot
   * @param {readonly Series[]} found those of its channels that the page has, one or more
   * @param {Now} now
   * @param {string} version changes when samples may have come
   */
  say(plot, found, now, version) {
    if (this.#isOverlay && !(plot instanceof Spectrogram)) {
      this.#each(plot, found, now);
    } else this.#one(plot, found[0], now);
    for (const series of found) {
      this.#lines.sayBetween(series, now.cursors, version);
    }
  }

  /**
   * @param {PlotSpec["kind"]} kind
   * @param {(act: Act) => void} act
   */
  #made(kind, act) {
    /**
     * @param {string} text
     * @param {string} title
     * @param {Act} what
     */
    const button = (text, title, what) =>
      el("button", {
        type: "button",
        textContent: text,
        title,
        "data-move": title.startsWith("Move"),
        onclick: () => act(what),
      });
    const others = SINGLE_KINDS.filter((k) => k !== kind).map((k) =>
      button(SIGNS[k], `Add its ${NAMES[k]}`, { what: "add", kind: k })
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
      moreButton(),
      el(
        "div",
        { class: "tools" },
        cardButton(""),
        ...others,
        takesMore({ kind }) &&
          button("⊕", "Add a channel to this plot", { what: "into" }),
        kind === "series" &&
          button("⇕", "Set the Y axis", { what: "axis" }),
        kind === "series" &&
          button("≷", "Set limits or a trigger", { what: "limits" }),
        kind !== "series" &&
          button("⚙", "Set window and averages", { what: "spectra" }),
        button("↑", "Move up", { what: "up" }),
        button("↓", "Move down", { what: "down" }),
        button("×", "Remove", { what: "remove" }),
      ),
    );
  }

  /**
   * @param {Plot} plot
   * @param {Series} series
   * @param {Now} now
   */
  #one(plot, { channel, ring, trend }, now) {
    if (channel !== this.#described || trend !== this.#trend) {
      this.#described = channel;
      this.#trend = trend;
      this.#meta.textContent = metaText(channel, trend);
      this.#heading.title = aboutText(channel);
    }
    const text = plot instanceof SpectralPlot
      ? plot.textAt()
      : this.#valueText(plot, ring, now);
    this.#sayValue(text);
  }

  /**
   * The value under the mouse; of a time series without the mouse, the newest.
   * @param {Exclude<Plot, SpectralPlot>} plot
   * @param {Series["ring"]} ring
   * @param {Now} now
   */
  #valueText(plot, ring, { hoverS, toS }) {
    if (hoverS !== null) return `${this.#when(hoverS)}  ${plot.textAt(hoverS)}`;
    return plot instanceof SeriesPlot && ring.end > 0
      ? plot.textAt(newestIn(ring, toS))
      : "";
  }

  /**
   * Of several channels: the legend says the value of each.
   * @param {SeriesPlot | SpectralPlot} plot
   * @param {readonly Series[]} found
   * @param {Now} now
   */
  #each(plot, found, { hoverS, toS, whyUnknown }) {
    found.forEach((series, i) => {
      const { channel, ring } = series;
      const text = plot instanceof SpectralPlot
        ? plot.textOf(channel.name)
        : ring.end > 0
        ? plot.textAt(hoverS ?? newestIn(ring, toS), i)
        : "";
      this.#lines.say(series, text);
    });
    if (found.length < this.#names.length) {
      for (const name of this.#names) {
        if (found.some(({ channel }) => channel.name === name)) continue;
        this.#lines.sayMissing(name, whyUnknown(name));
      }
    }
    const { trend } = found[0];
    const meta = trend ? `bins ${BIN_S[trend]} s` : "";
    if (this.#meta.textContent !== meta) this.#meta.textContent = meta;
    const when = hoverS === null ? "" : this.#when(hoverS);
    this.#sayValue(plot instanceof SpectralPlot ? plot.textAt() : when);
  }

  /** @param {number} gpsS */
  #when(gpsS) {
    const { time } = this.#look();
    return timeText(gpsS, time, time === "gps" ? 4 : 3);
  }

  /** @param {string} text */
  #sayValue(text) {
    if (this.#value.textContent !== text) this.#value.textContent = text;
  }
}

/**
 * @param {import("./series.js").Channel} channel
 * @param {Series["trend"]} trend
 */
function metaText(channel, trend) {
  const rate = channel.sample_rate.toLocaleString("en");
  const unit = channel.unit ? ` ·${unitText(channel)}` : "";
  const bins = trend ? ` · bins ${BIN_S[trend]} s` : "";
  return `${channel.data_type} · ${rate} Hz${unit}${bins}`;
}

/**
 * In the newest sample that is in sight, GPS s.
 * @param {Series["ring"]} ring
 * @param {number} toS
 */
function newestIn(ring, toS) {
  return Math.min(ring.endS - 0.5 / ring.rate, toS);
}
