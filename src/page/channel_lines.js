// What a plot says about each of its channels: the legend, and what is between the cursors.
// Invariant: a plot of one channel has no legend; a hidden channel has a value there, and no line about the cursors.
import { BetweenLine } from "./between_line.js";
import { aboutText } from "./channel_note.js";
import { el } from "./dom.js";
import { Legend } from "./legend.js";
import { channelsOf, takesMore } from "./plot_spec.js";
import { printable } from "./quoting.js";

/** @typedef {import("./series.js").Series} Series */

export class ChannelLines {
  #legend;
  /** By channel. @type {Map<string, BetweenLine>} */
  #betweens = new Map();
  #lines = el("div", {});
  /** Which channels have a line about the cursors. */
  #said = "";

  /** @param {(what: import("./legend.js").LegendAct, name: string) => void} act */
  constructor(act) {
    this.#legend = new Legend(act);
  }

  get elements() {
    return [this.#legend.element, this.#lines];
  }

  /**
   * @param {import("./plot_spec.js").PlotSpec} plot
   * @param {(name: string) => string} colour
   */
  show(plot, colour) {
    const { kind, name } = plot;
    const isOfTime = kind === "series";
    // Two that are compared have no legend: there is one line.
    this.#legend.show(takesMore(plot) ? plot : { kind, name }, colour);
    const all = isOfTime ? channelsOf(plot) : [];
    const shown = all.filter((name) => !plot.hidden?.includes(name));
    const key = JSON.stringify([all.length > 1, shown]);
    if (key !== this.#said) {
      this.#said = key;
      this.#betweens = new Map(shown.map((name) => [
        name,
        new BetweenLine(all.length > 1 ? printable(name) : ""),
      ]));
      const lines = [...this.#betweens.values()].map((line) => line.element);
      this.#lines.replaceChildren(...lines);
    }
    this.recolour(colour);
  }

  /** @param {(name: string) => string} colour */
  recolour(colour) {
    this.#legend.recolour(colour);
    for (const [name, { element }] of this.#betweens) {
      element.style.setProperty("--plot-colour", colour(name));
    }
  }

  /**
   * What the legend says of a channel that the page does not have.
   * @param {string} name
   * @param {string} why
   */
  sayMissing(name, why) {
    this.#legend.say(name, { about: "", unit: "", value: why });
  }

  /**
   * @param {Series} series
   * @param {string} value
   */
  say({ channel, state }, value) {
    const { data_type, name, sample_rate, unit } = channel;
    const rate = `${data_type}, ${sample_rate.toLocaleString("en")} Hz`;
    const about = aboutText(channel);
    this.#legend.say(name, {
      about: about ? `${rate}; ${about}` : rate,
      unit: unit ?? "",
      value: state.state === "refused" ? state.detail ?? "refused" : value,
    });
  }

  /**
   * @param {Series} series
   * @param {import("./cursors.js").Times} cursors
   * @param {string} version changes when samples may have come
   */
  sayBetween(series, cursors, version) {
    this.#betweens.get(series.channel.name)?.say(series, cursors, version);
  }
}
