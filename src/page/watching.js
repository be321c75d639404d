// Watches the samples of the page: limits of plots, in the plots, in the title of the tab and for screen readers; and the
// trigger.
// Invariant: every row that arrives is checked once, also while the view is paused; history that is read while the view is
// paused is not, since it is not new.
import { byId } from "./dom.js";
import { LimitAnnouncer } from "./limit_announcer.js";
import { LimitSpan } from "./limit_span.js";
import { limitsOf, LimitWatch } from "./limit_watch.js";
import { plotSaid, titleMark } from "./limit_words.js";
import { LimitsDialog } from "./limits_dialog.js";
import { keyOf } from "./plot_actions.js";
import { channelsOf, titleOf } from "./plot_spec.js";
import { openStream, readRange } from "./qanat.js";
import { TriggerPlace } from "./trigger_place.js";

/** @typedef {import("./plot_card.js").PlotCard} PlotCard */
/** @typedef {import("./view.js").PlotSpec} PlotSpec */
/** What it needs of the page. @typedef {import("./trigger_place.js").TriggerHost & { edgeS: number, plots: { cards: Iterable<PlotCard> } }} Host */

export class Watching {
  limits = new LimitWatch();
  trigger;
  #page;
  #announcer = new LimitAnnouncer();
  /** By channel. @type {WeakMap<PlotCard, Map<string, LimitSpan>>} */
  #spans = new WeakMap();
  #dialog = new LimitsDialog(
    byId("limits", HTMLDialogElement),
    (spec) => this.trigger.arm(spec),
  );
  #said = byId("said", HTMLElement);

  /** @param {Host} page */
  constructor(page) {
    this.#page = page;
    this.trigger = new TriggerPlace(page);
  }

  /** What reads for the feed: as `openStream` and `readRange`, and every row comes here, too. */
  get readers() {
    /** @param {any} options @param {(row: any) => void} take */
    const tapped = (options, take) => ({
      ...options,
      onRow: (/** @type {any} */ row) => {
        options.onRow?.(row);
        take(row);
      },
    });
    const takeLive = (/** @type {any} */ row) => this.#takeRow(row);
    const takeHistory = (/** @type {any} */ row) => {
      if (!this.#page.feed.isHeld) this.#takeRow(row);
    };
    return {
      open: (/** @type {any} */ options) =>
        openStream(tapped(options, takeLive)),
      read: (/** @type {any} */ options) =>
        readRange(tapped(options, takeHistory)),
    };
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  #takeRow(row) {
    this.limits.takeRow(row);
    this.trigger.takeRow(row);
  }

  /** @param {import("./view.js").View} view */
  show(view) {
    this.limits.show(view.plots);
    this.trigger.show(view);
  }

  /** @param {PlotCard} card @param {(y: PlotSpec["y"]) => void} onY */
  openLimits({ spec }, onY) {
    const { trigger } = this.#page.view;
    this.#dialog.open(spec, { names: channelsOf(spec), trigger, onY });
  }

  /** Forgets what was beyond; of all plots, unless this one has limits. @param {PlotSpec} [plot] */
  acknowledge(plot) {
    this.limits.acknowledge(plot && limitsOf(plot) ? plot : undefined);
    this.#page.sayStatus();
  }

  /** Writes the states of the trigger and of all limits; returns what the title of the tab begins with. */
  say() {
    this.trigger.say();
    const plots = [];
    for (const card of this.#page.plots.cards) {
      const said = this.#sayOf(card);
      if (!said) continue;
      plots.push({ key: keyOf(card.spec), name: titleOf(card.spec), ...said });
    }
    const words = this.#announcer.next(plots, performance.now());
    if (words !== "") this.#said.textContent = words;
    return titleMark(plots);
  }

  /** Writes the state of a plot's limits; null where it has none. @param {PlotCard} card */
  #sayOf(card) {
    const { spec } = card;
    const { endS, time } = this.#page.view;
    const limits = limitsOf(spec);
    const said = limits &&
      plotSaid(this.limits.of(spec), { limits, time });
    const kind = said?.kind ?? "";
    if (card.element.dataset.limits !== kind) {
      card.element.dataset.limits = kind;
    }
    if (!limits || !said) {
      card.limits.say(null, "");
      return null;
    }
    if (endS === null) this.#forgetSpans(card);
    const text = endS === null
      ? said.text
      : `in view: ${this.#inView(card, limits)} · live: ${said.text}`;
    card.limits.onAcknowledge = () => this.acknowledge(spec);
    card.limits.say({ ...said, text }, titleOf(spec));
    return said;
  }

  /** Keeps no samples of what a card showed, except those of some channels. @param {PlotCard} card @param {readonly string[]} [names] */
  #forgetSpans(card, names = []) {
    const spans = this.#spans.get(card) ?? new Map();
    for (const [name, span] of spans) {
      if (names.includes(name)) continue;
      span.close();
      spans.delete(name);
    }
  }

  /**
   * What a paused plot shows.
   * @param {PlotCard} card
   * @param {import("./crossings.js").Limits} limits
   */
  #inView(card, limits) {
    const { edgeS, feed, view } = this.#page;
    const spans = this.#spans.get(card) ?? new Map();
    this.#spans.set(card, spans);
    const names = channelsOf(card.spec);
    this.#forgetSpans(card, names);
    const texts = names.map((name) => {
      const span = spans.get(name) ?? new LimitSpan();
      spans.set(name, span);
      const series = feed.series.get(name);
      const words = series
        ? span.words(series, {
          limits,
          fromS: edgeS - view.spanS,
          toS: edgeS,
          nowMs: performance.now(),
        })
        : "no data";
      return names.length > 1 ? `${name} ${words}` : words;
    });
    return texts.join("; ");
  }
}
