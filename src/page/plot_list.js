// The plots in their order: makes and closes their cards, arranges them in columns, and draws the visible ones.
// Invariant: there is one card for each kind and channel of the view, in the view's order.
import { PlotCard } from "./plot_card.js";
import { columnsFor, columnWidth, isTall } from "./plot_grid.js";

/** @typedef {import("./view.js").PlotSpec} PlotSpec */
/** @typedef {"up" | "down" | "remove" | "add"} Act */
/** @typedef {(card: PlotCard, onY: (y: PlotSpec["y"]) => void) => void} OnAxis opens what sets the axis of a card's plot */

/** Next to the plots: axis and padding. */
const MARGIN_PX = 80;

export class PlotList {
  /** @type {Map<string, PlotCard>} */
  #cards = new Map();
  /** Columns that are shown. */
  columns = 1;
  #parent;
  #options;
  #visible = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      for (const card of this.#cards.values()) {
        if (card.element === target) card.isVisible = isIntersecting;
      }
    }
  }, { rootMargin: "60px" });

  /**
   * @param {HTMLElement} parent
   * @param {{ look: () => import("./time_plot.js").Look, events: import("./time_plot.js").PlotEvents, onPlots: (plots: PlotSpec[]) => void, onAxis: OnAxis }} options
   */
  constructor(parent, options) {
    this.#parent = parent;
    this.#options = options;
  }

  get size() {
    return this.#cards.size;
  }

  /** Width of a plot, pixels of the display. */
  get pixels() {
    const width = columnWidth(this.#parent.clientWidth, this.columns);
    return Math.max(width - MARGIN_PX, 200) * devicePixelRatio;
  }

  /**
   * @param {PlotSpec[]} plots
   * @param {number} columns
   */
  show(plots, columns) {
    const { look, events, onPlots } = this.#options;
    /** @type {Map<string, PlotCard>} */
    const seen = new Map();
    // An address may name a plot twice.
    const each = new Map(plots.map((spec) => [keyOf(spec), spec]));
    [...each].forEach(([key, spec], i) => {
      const card = this.#cards.get(key) ??
        new PlotCard(spec, {
          look,
          events,
          act: (what, kind) => {
            if (what === "axis") return this.#setAxis(key);
            const changed = actOn(this.#plots, spec, { what, kind });
            if (changed) onPlots(changed);
          },
        });
      card.spec = spec;
      if (!this.#cards.has(key)) this.#visible.observe(card.element);
      seen.set(key, card);
      if (this.#parent.children[i] !== card.element) {
        this.#parent.insertBefore(
          card.element,
          this.#parent.children[i] ?? null,
        );
      }
    });
    for (const [key, card] of this.#cards) {
      if (seen.has(key)) continue;
      this.#visible.unobserve(card.element);
      card.close();
    }
    this.#cards = seen;
    this.recolour();
    this.arrange(columns);
  }

  recolour() {
    for (const card of this.#cards.values()) card.recolour();
  }

  /** Arranges the plots in columns; how many there is room for. @param {number} chosen */
  arrange(chosen) {
    const count = this.#cards.size;
    const width = this.#parent.clientWidth;
    this.columns = columnsFor(chosen, { count, width, windowPx: innerWidth });
    const { columns } = this;
    this.#parent.style.setProperty("--columns", String(columns));
    [...this.#cards.values()].forEach(({ element }, i) =>
      element.classList.toggle("tall", isTall(i, { count, columns }))
    );
    return columns;
  }

  /** @param {(card: PlotCard) => void} draw called for each visible card */
  draw(draw) {
    for (const card of this.#cards.values()) {
      if (card.isVisible) card.attempt(() => draw(card));
    }
  }

  /** The plot that has the focus; undefined without one. */
  get focused() {
    const element = this.#focused();
    return [...this.#cards.values()].find((c) => c.element === element);
  }

  /** In the order of the view. */
  get cards() {
    return this.#cards.values();
  }

  /** Moves the focus by a number of plots. @param {number} step */
  focus(step) {
    const all = [...this.#cards.values()].map((card) => card.element);
    const at = all.indexOf(/** @type {HTMLElement} */ (this.#focused()));
    all[Math.min(Math.max(at + step, 0), all.length - 1)]?.focus();
  }

  /** @param {Exclude<Act, "add">} what */
  actFocused(what) {
    const card = this.focused;
    const changed = card && actOn(this.#plots, card.spec, { what });
    if (!changed) return;
    this.#options.onPlots(changed);
    if (what !== "remove") card.element.focus();
  }

  /** Sets the axis of the plot that has the focus, or of the first. */
  setAxisFocused() {
    const element = this.#focused();
    for (const [key, card] of this.#cards) {
      const isIt = element ? card.element === element : card.ends !== null;
      if (isIt && card.ends !== null) return this.#setAxis(key);
    }
  }

  /** @param {string} key */
  #setAxis(key) {
    const card = this.#cards.get(key);
    if (!card) return;
    const { onAxis, onPlots } = this.#options;
    onAxis(card, (y) => {
      onPlots(this.#plots.map((spec) => {
        if (keyOf(spec) !== key) return spec;
        const { kind, name } = spec;
        return y ? { kind, name, y } : { kind, name };
      }));
    });
  }

  get #plots() {
    return [...this.#cards.values()].map((card) => card.spec);
  }

  #focused() {
    return document.activeElement?.closest(".plot");
  }
}

/** @param {PlotSpec} spec */
function keyOf({ kind, name }) {
  return JSON.stringify([kind, name]);
}

/**
 * The plots after an action on one of them; null when it changes nothing.
 * @param {PlotSpec[]} before
 * @param {PlotSpec} spec
 * @param {{ what: Act, kind?: import("./view.js").PlotKind | undefined }} act
 */
export function actOn(before, spec, { what, kind }) {
  const plots = [...before];
  const at = plots.findIndex((p) => keyOf(p) === keyOf(spec));
  if (at < 0) return null;
  if (what === "remove") plots.splice(at, 1);
  else if (what === "add") {
    const added = { kind: kind ?? spec.kind, name: spec.name };
    if (plots.some((p) => keyOf(p) === keyOf(added))) return null;
    plots.splice(at + 1, 0, added);
  } else {
    const to = at + (what === "up" ? -1 : 1);
    if (to < 0 || to >= plots.length) return null;
    [plots[at], plots[to]] = [plots[to], plots[at]];
  }
  return plots;
}
