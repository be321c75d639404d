// The dialog "Loudest": the largest magnitude of each channel that the list has, in the span that is shown.
// Invariant: one search at a time; closing the dialog ends it.
import { valueText } from "./axis_text.js";
import { nsOf, timeText } from "./clock.js";
import { closeButton, el } from "./dom.js";
import { Peaks, peakTrend } from "./loudest_bins.js";
import { zoomTo } from "./navigation.js";
import { channelsOf } from "./plot_spec.js";
import { readRange } from "./qanat.js";
import { printable } from "./quoting.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./loudest_bins.js").Peak} Peak */
/** @typedef {import("./qanat.d.ts").Trend} Trend */

/** Most channels of one search. */
const CHANNELS_MAX = 100;

export class LoudestDialog {
  #dialog;
  #page;
  #said = el("p", { role: "status" });
  #list = el("ol", { class: "results" });
  #search = new AbortController();

  /**
   * @param {HTMLDialogElement} dialog
   * @param {import("./page.js").Page} page
   */
  constructor(dialog, page) {
    this.#dialog = dialog;
    this.#page = page;
    dialog.addEventListener("close", () => this.#search.abort());
    dialog.replaceChildren(
      el(
        "header",
        {},
        el("h2", { id: "loudest-title", textContent: "Loudest channels" }),
        closeButton(dialog),
      ),
      this.#said,
      this.#list,
    );
  }

  /** The button that opens it. */
  button() {
    return el("button", {
      type: "button",
      textContent: "Loudest",
      title: "The largest magnitude of each channel of this list",
      onclick: () => this.open(),
    });
  }

  async open() {
    const { edgeS, finder, view } = this.#page;
    const names = [...finder.channels.keys()].slice(0, CHANNELS_MAX);
    const trend = peakTrend(view.spanS);
    const binS = BIN_S[trend];
    // A range that ended within a bin would wait until the bin ends.
    const toS = Math.floor(edgeS / binS) * binS;
    const fromS = Math.floor((edgeS - view.spanS) / binS) * binS;
    this.#list.replaceChildren();
    this.#said.textContent = "Reading …";
    this.#dialog.showModal();
    const found = await this.#read(names, { fromS, toS, trend });
    if (found === null) return;
    const { peaks, problem } = found;
    const of = `${names.length} ${
      names.length === 1 ? "channel" : "channels"
    } of the list from ${this.#time(fromS)} to ${this.#time(toS)}`;
    const late = peaks.firstS > fromS + binS
      ? `, recorded since ${this.#time(peaks.firstS)}`
      : "";
    const ranked = peaks.ranked();
    const others = names.length - ranked.length;
    const left = others > 0
      ? ` Of ${others} of them no trend is recorded in this span.`
      : "";
    this.#said.textContent = problem ||
      (ranked.length > 0
        ? `Largest magnitude of ${of}${late}.${left} Click one to see its second.`
        : `Nothing is recorded of ${of}`);
    this.#list.replaceChildren(
      ...ranked.map((one) => this.#item(one, binS)),
    );
    this.#list.querySelector("button")?.focus();
  }

  /**
   * @param {{ name: string } & Peak} peak
   * @param {number} binS
   */
  #item({ name, value, atS }, binS) {
    const { unit } = this.#page.finder.channels.get(name) ?? {};
    const text = `${valueText(value)}${unit ? ` ${unit}` : ""}`;
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", onclick: () => this.#show(name, atS, binS) },
        printable(name),
        el("small", { textContent: `${text} at ${this.#time(atS)}` }),
      ),
    );
  }

  /**
   * Shows the loudest second of a bin, at the top; the whole bin where seconds are not recorded.
   * @param {string} name
   * @param {number} atS start of the bin
   * @param {number} binS
   */
  async #show(name, atS, binS) {
    let span = { fromS: atS, toS: atS + binS };
    if (binS > 1) {
      const found = await this.#read([name], { ...span, trend: "1s" });
      if (found === null) return;
      const peak = found.peaks.of(name);
      if (peak) span = { fromS: peak.atS, toS: peak.atS + 1 };
    }
    this.#dialog.close();
    const { channels, edgeS, finder, view } = this.#page;
    const channel = finder.channels.get(name);
    if (channel) channels.add(channel);
    const isShown = view.plots.some((plot) => channelsOf(plot).includes(name));
    this.#page.change({
      ...zoomTo(view, edgeS, span).changes,
      plots: isShown
        ? view.plots
        : [{ kind: /** @type {const} */ ("series"), name }, ...view.plots],
    });
  }

  /**
   * What the span has, and why that is not all of it. Null where another search, or the end of the dialog, has ended this one.
   * @param {string[]} names
   * @param {{ fromS: number, toS: number, trend: Trend }} span
   */
  async #read(names, { fromS, toS, trend }) {
    this.#search.abort();
    const { signal } = this.#search = new AbortController();
    const peaks = new Peaks();
    if (names.length === 0) return { peaks, problem: "The list is empty" };
    const outcome = await readRange({
      channels: names,
      startNs: nsOf(fromS),
      endNs: nsOf(toS),
      trend,
      signal,
      onRow: (/** @type {import("./qanat.d.ts").TrendRow} */ row) =>
        peaks.put(row),
    });
    if (signal.aborted) return null;
    const { detail, reason, state } = outcome;
    const problem = state === "refused"
      ? `The server refused: ${detail ?? reason}`
      : reason === "complete"
      ? ""
      : `The server ended the search: ${detail ?? reason}`;
    return { peaks, problem };
  }

  /** @param {number} gpsS */
  #time(gpsS) {
    const { time } = this.#page.view;
    return time === "utc"
      ? `${timeText(gpsS, "utc", 0)} UTC`
      : `GPS ${timeText(gpsS, "gps", 0)}`;
  }
}
