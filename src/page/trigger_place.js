// The trigger of the page: gives it the rows, holds and releases the view for it, and shows what it does.
import { gpsNow, nsOf } from "./clock.js";
import { byId } from "./dom.js";
import { live } from "./navigation.js";
import { Trigger } from "./trigger.js";
import { TriggerBar } from "./trigger_bar.js";
import { armed, stopped } from "./trigger_spec.js";
import { triggerSaid } from "./trigger_words.js";

/** @typedef {import("./trigger_spec.js").TriggerSpec} TriggerSpec */
/** @typedef {import("./view.js").View} View */
/**
 * What the trigger needs of the page.
 * @typedef {object} TriggerHost
 * @property {View} view
 * @property {import("./feed.js").Feed} feed
 * @property {import("./qanat.d.ts").Trend | null} trend
 * @property {{ whyUnknown: (name: string) => string }} channels
 * @property {(changes: Partial<View>, options?: { isHere?: boolean, isSameStep?: boolean }) => Promise<void>} change
 * @property {() => void} sayStatus
 */

export class TriggerPlace {
  trigger = new Trigger({
    onHold: (endS, isNext) => this.#hold(endS, isNext),
  });
  #page;
  #bar = new TriggerBar(byId("trigger", HTMLElement), (act) => this.#act(act));

  /** @param {TriggerHost} page */
  constructor(page) {
    this.#page = page;
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  takeRow(row) {
    this.trigger.takeRow(row);
    // Timers of a hidden tab are slow; rows are not.
    if (this.trigger.state === "collecting") this.#advance();
  }

  /** @param {import("./view.js").View} view */
  show({ endS, trigger }) {
    this.trigger.set(trigger, { isLive: endS === null, nowNs: nsOf(gpsNow()) });
  }

  /** What plots show of it. @returns {import("./limit_lines.js").Mark} */
  get mark() {
    const { eventS, spec } = this.trigger;
    return { name: spec?.name ?? "", level: spec?.level, eventS };
  }

  /** Goes live, and waits for an event from now on. @param {TriggerSpec} spec */
  async arm(spec) {
    const trigger = armed(spec);
    const { view } = this.#page;
    const { changes } = view.endS === null ? { changes: {} } : live(view);
    await this.#page.change({ ...changes, trigger });
    // The same trigger again is armed again.
    this.trigger.arm(nsOf(gpsNow()));
    this.#page.sayStatus();
  }

  /** Holds the view if it is time, and writes what the trigger does. */
  say() {
    this.#advance();
    const { channels, feed, view } = this.#page;
    const { spec, state } = this.trigger;
    const series = feed.series.get(spec?.name ?? "");
    const said = triggerSaid(this.trigger, {
      time: view.time,
      spanS: view.spanS,
      isLive: view.endS === null,
      nowS: gpsNow(),
      strideS: series?.strideS ?? 1,
      rate: series?.ring.rate ?? 1,
      hasBins: series !== undefined && series.trend !== null,
      unknown: spec ? channels.whyUnknown(spec.name) : "",
    });
    this.#bar.say(said, state);
  }

  /** @param {import("./trigger_bar.js").TriggerAct} act */
  #act(act) {
    const { trigger } = this;
    const { spec } = trigger;
    if (act === "rearm" && spec) return this.arm(spec);
    if (act === "remove") this.#page.change({ trigger: null });
    else if (act === "stop" && spec) {
      // At once: no event may move the view until the change is done.
      trigger.stop();
      this.#page.change({ trigger: stopped(spec) });
    } else trigger.show(this.#shown);
    this.#page.sayStatus();
  }

  get #shown() {
    const { feed, view } = this.#page;
    return { endS: view.endS, spanS: view.spanS, newestS: feed.newestS };
  }

  #advance() {
    this.trigger.advance(this.#shown);
  }

  /**
   * Pauses the view at the event.
   * @param {number} endS
   * @param {boolean} isSameStep events one after another are one step of the browser's Back
   */
  #hold(endS, isSameStep) {
    const { feed, trend, view } = this.#page;
    const ring = feed.series.get(this.trigger.spec?.name ?? "")?.ring;
    const oldestS = ring ? ring.endS - ring.capacity / ring.rate : Infinity;
    const isHere = !feed.isHeld && feed.trend === trend &&
      endS - view.spanS >= oldestS;
    this.#page.change({ endS, speed: null }, { isHere, isSameStep });
  }
}
