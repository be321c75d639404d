// The legend of a plot with several channels: colour, name, unit and value of each, and what hides, moves or removes it.
// Invariant: it lists the plot's channels in their order; a plot of one channel has none.
import { el } from "./dom.js";
import { channelsOf } from "./plot_spec.js";
import { printable } from "./quoting.js";

/** @typedef {{ item: HTMLElement, shown: HTMLElement, unit: HTMLElement, value: HTMLElement }} Entry */
/** @typedef {"toggle" | "split" | "drop"} LegendAct */

export class Legend {
  element = el("ul", {
    class: "legend",
    hidden: true,
    "aria-label": "Channels of this plot",
  });
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #act;

  /** @param {(what: LegendAct, name: string) => void} act */
  constructor(act) {
    this.#act = act;
  }

  /**
   * @param {import("./plot_spec.js").PlotSpec} plot
   * @param {(name: string) => string} colour
   */
  show(plot, colour) {
    const names = channelsOf(plot);
    const isAlone = names.length === 1;
    this.element.hidden = isAlone;
    const before = this.#entries;
    this.#entries = new Map(
      isAlone
        ? []
        : names.map((name) => [name, before.get(name) ?? this.#made(name)]),
    );
    const items = [...this.#entries.values()].map(({ item }) => item);
    const isSame = items.length === this.element.children.length &&
      items.every((item, i) => this.element.children[i] === item);
    if (!isSame) this.element.replaceChildren(...items);
    for (const [name, { item, shown }] of this.#entries) {
      const isHidden = plot.hidden?.includes(name) ?? false;
      shown.setAttribute("aria-pressed", String(!isHidden));
      shown.title = `${isHidden ? "Show" : "Hide"} ${printable(name)}`;
      item.classList.toggle("off", isHidden);
    }
    this.recolour(colour);
  }

  /** @param {(name: string) => string} colour */
  recolour(colour) {
    for (const [name, { item }] of this.#entries) {
      item.style.setProperty("--plot-colour", colour(name));
    }
  }

  /**
   * @param {string} name
   * @param {{ about: string, unit: string, value: string }} what about: for a tooltip
   */
  say(name, { about, unit, value }) {
    const entry = this.#entries.get(name);
    if (!entry) return;
    if (entry.item.title !== about) entry.item.title = about;
    if (entry.unit.textContent !== unit) entry.unit.textContent = unit;
    if (entry.value.textContent !== value) entry.value.textContent = value;
  }

  /** @param {string} name @returns {Entry} */
  #made(name) {
    /**
     * @param {LegendAct} what
     * @param {string} textContent
     * @param {string} title
     */
    const button = (what, textContent, title) =>
      el("button", {
        type: "button",
        textContent,
        title,
        "aria-label": `${title}: ${printable(name)}`,
        onclick: () => this.#act(what, name),
      });
    const shown = el("button", {
      type: "button",
      class: "name",
      textContent: printable(name),
      onclick: () => this.#act("toggle", name),
    });
    const unit = el("span", { class: "unit" });
    const value = el("output", {});
    const tools = el(
      "span",
      { class: "tools" },
      button("split", "↗", "Move into a plot of its own"),
      button("drop", "×", "Remove from this plot"),
    );
    const item = el(
      "li",
      { "data-name": name },
      shown,
      unit,
      value,
      tools,
    );
    return { item, shown, unit, value };
  }
}
