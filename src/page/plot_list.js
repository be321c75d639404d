// The plots in their order: makes and closes their cards, arranges them in columns, and draws the visible ones.
// Invariant: there is one card for each plot of the view, in the view's order; equal plots have one together.
import { actOn, cardsFor, keyOf, onceEach, withY } from "./plot_actions.js";
import { PlotCard } from "./plot_card.js";
import { takesMore } from "./plot_spec.js";
import { columnsFor, columnWidth, isTall } from "./plot_grid.js";

/** @typedef {import("./view.js").PlotSpec} PlotSpec */
/** @typedef {(card: PlotCard, onY: (y: PlotSpec["y"]) => void) => void} OnAxis opens what sets the axis, or the limits, of a card's plot */

/** Next to the plots: axis and padding. */
const MARGIN_PX = 80;

export class PlotList {
  /** @type {Map<string, PlotCard>} */
  #cards = new Map();
  /** Columns that are shown. */
  columns = 1;
  /** Opens the settings of spectra. */
  onSpectra = (/** @type {PlotCard} */ _card) => {};
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
   * @param {{ look: () => import("./time_plot.js").Look, events: import("./time_plot.js").PlotEvents, onPlots: (plots: PlotSpec[]) => void, onAxis: OnAxis, onLimits: OnAxis, onInto: (card: PlotCard) => void }} options
   *   onInto: channels that the user picks now go into a card's plot
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
    /** @type {Map<string, PlotCard>} */
    const seen = new Map();
    // An address may name a plot twice.
    const shown = onceEach(plots);
    const cards = cardsFor(shown, [...this.#cards.values()]);
    shown.forEach((spec, i) => {
      const card = cards[i] ?? this.#made(spec);
      card.spec = spec;
      seen.set(keyOf(spec), card);
      if (this.#parent.children[i] !== card.element) {
        this.#parent.insertBefore(
          card.element,
          this.#parent.children[i] ?? null,
        );
      }
    });
    for (const card of this.#cards.values()) {
      if (cards.includes(card)) continue;
      this.#visible.unobserve(card.element);
      card.close();
    }
    this.#cards = seen;
    this.recolour();
    this.arrange(columns);
  }

  /** @param {PlotSpec} spec */
  #made(spec) {
    const { look, events } = this.#options;
    const card = new PlotCard(spec, {
      look,
      events,
      act: (act) => this.#act(card, act),
    });
    this.#visible.observe(card.element);
    return card;
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

  /** @param {"up" | "down" | "remove"} what */
  actFocused(what) {
    const card = this.focused;
    if (!card) return;
    this.#act(card, { what });
    if (what !== "remove") card.element.focus();
  }

  /** Sets the axis, or the limits, of the plot that has the focus, or of the first. @param {"axis" | "limits"} what */
  setFocused(what) {
    const card = this.#ofTime();
    if (card) this.#set(card, what);
  }

  /** Picked channels go into the plot that has the focus, or into the first. Returns whether it takes several. */
  pickIntoFocused() {
    const { focused } = this;
    const card = [...this.#cards.values()].find((some) =>
      takesMore(some.spec) && (!focused || some === focused)
    );
    if (card) this.#options.onInto(card);
    return card !== undefined;
  }

  /** The plot over time that has the focus; the first where no plot has it. */
  #ofTime() {
    const { focused } = this;
    return [...this.#cards.values()].find((card) =>
      card.ends !== null && (!focused || card === focused)
    );
  }

  /**
   * @param {PlotCard} card
   * @param {import("./plot_heading.js").Act} act
   */
  #act(card, act) {
    if (act.what === "axis") return this.#set(card, "axis");
    if (act.what === "limits") return this.#set(card, "limits");
    if (act.what === "into") return this.#options.onInto(card);
    if (act.what === "spectra") return this.onSpectra(card);
    const { onPlots } = this.#options;
    const changed = actOn(this.#plots, card.spec, act);
    if (!changed) return;
    const isLegend = act.what === "split" || act.what === "drop";
    onPlots(changed);
    // The button that had the focus is removed.
    if (isLegend) card.element.focus();
  }

  /**
   * @param {PlotCard} card
   * @param {"axis" | "limits"} what
   */
  #set(card, what) {
    const { onAxis, onLimits, onPlots } = this.#options;
    const open = what === "axis" ? onAxis : onLimits;
    open(card, (y) => {
      const key = keyOf(card.spec);
      onPlots(
        this.#plots.map((spec) => keyOf(spec) === key ? withY(spec, y) : spec),
      );
    });
  }

  get #plots() {
    return [...this.#cards.values()].map((card) => card.spec);
  }

  #focused() {
    return document.activeElement?.closest(".plot");
  }
}
