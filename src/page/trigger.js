// The trigger of the page: waits for an event in rows as they arrive, then for the data after it, then holds the view.
// Invariant: it moves the view only while that is live, or where the trigger put it; every other event is said, not shown.
import { levelText } from "./levels.js";
import { TriggerEdges } from "./trigger_edges.js";
import { armed, triggerText } from "./trigger_spec.js";

/** @typedef {import("./trigger_spec.js").TriggerSpec} TriggerSpec */
/** @typedef {import("./trigger_edges.js").TriggerEvent} TriggerEvent */
/**
 * "off": there is none; "wrong": its address gives no level; "collecting": an event came, and the data after it are
 * awaited; "held": the view shows the event; "happened": an event that the view does not show.
 * @typedef {"off" | "wrong" | "armed" | "collecting" | "held" | "happened" | "stopped"} TriggerState
 */
/** @typedef {{ endS: number | null, spanS: number, newestS: number }} Shown endS, spanS: of the view; newestS: the newest time that can be shown, GPS s */

/** So long after their time the data after an event are awaited, s. */
const LATE_S = 3;

export class Trigger {
  /** @type {TriggerState} */
  state = "off";
  /** @type {TriggerSpec | null} */
  spec = null;
  /** The newest event that counts. @type {TriggerEvent | null} */
  event = null;
  /** Events that came too soon after it. */
  ignored = 0;
  #text = "";
  /** @type {TriggerEdges | null} */
  #edges = null;
  /** Events before it do not count. [GPS ns] */
  #fromNs = 0n;
  /** Right edge of the view that it holds, GPS s. @type {number | null} */
  #heldEndS = null;
  #onHold;

  /**
   * @param {{ onHold: (endS: number, isNext: boolean) => void }} options onHold: the view is to be paused with this time
   *   at its right edge; isNext: there it shows an earlier event, which this one follows
   */
  constructor({ onHold }) {
    this.#onHold = onHold;
  }

  /**
   * Uses the trigger of the view. A new one is armed, unless it is stopped or the view is paused; so is one that was stopped.
   * @param {TriggerSpec | null} spec
   * @param {{ isLive: boolean, nowNs: bigint }} options nowNs: GPS ns
   */
  set(spec, { isLive, nowNs }) {
    const text = spec ? triggerText(armed(spec)) : "";
    const before = this.spec;
    this.spec = spec;
    if (text === this.#text) {
      if (spec?.isStopped) this.stop();
      else if (before?.isStopped && isLive) this.arm(nowNs);
      return;
    }
    this.#text = text;
    this.#edges = spec && new TriggerEdges(spec);
    this.#heldEndS = null;
    if (!spec) this.state = "off";
    else if (levelText(spec.level) === "NaN") this.state = "wrong";
    else if (isLive && !spec.isStopped) this.arm(nowNs);
    else this.state = "stopped";
  }

  /** Waits for an event after this time. @param {bigint} nowNs GPS ns */
  arm(nowNs) {
    if (!this.spec || this.state === "wrong") return;
    this.state = "armed";
    this.event = null;
    this.ignored = 0;
    this.#fromNs = nowNs;
  }

  stop() {
    if (this.state !== "off" && this.state !== "wrong") this.state = "stopped";
  }

  /** Shows the event that the view does not show. @param {Shown} shown */
  show(shown) {
    if (this.state === "happened") this.#hold(shown, false);
  }

  /** The side of the newest sample; NaN before the first. */
  get side() {
    return this.#edges?.side ?? NaN;
  }

  /** End of the newest data of its channel, GPS s. */
  get dataS() {
    return this.#edges?.endS ?? -Infinity;
  }

  /** Time of the event, GPS s; null without one. */
  get eventS() {
    return this.event && Number(this.event.timeNs) / 1e9;
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  takeRow(row) {
    const { spec, state } = this;
    const data = spec && row.channels[spec.name];
    if (!spec || !data || !this.#edges || state === "wrong") return;
    const { event, others } = this.#edges.take(row, data, this.#fromNs);
    if (state === "stopped") return;
    if (!this.#takesNext) {
      if (spec.repeats) this.ignored += others + (event ? 1 : 0);
    } else if (event) this.#fire(event, spec, others);
    else if (state !== "armed") this.ignored += others;
  }

  /** Whether the next event counts. */
  get #takesNext() {
    const { spec, state } = this;
    const isBetween = state === "held" || state === "happened";
    return state === "armed" || (isBetween && spec?.repeats === true);
  }

  /**
   * @param {TriggerEvent} event
   * @param {TriggerSpec} spec
   * @param {number} others
   */
  #fire(event, spec, others) {
    this.state = "collecting";
    this.event = event;
    this.ignored = event.timeNs >= this.#fromNs && spec.repeats ? others : 0;
    this.#fromNs = event.timeNs + BigInt(Math.round(spec.holdoffS * 1e9));
  }

  /** Holds the view as soon as the data after the event are there. @param {Shown} shown */
  advance(shown) {
    const { endS, newestS } = shown;
    if (this.state === "held" && endS !== this.#heldEndS) {
      this.state = "happened";
    }
    if (this.state !== "collecting") return;
    const dueS = this.dueS(shown.spanS);
    if (newestS < dueS) return;
    if (this.dataS < dueS - 1e-6 && newestS - dueS < LATE_S) return;
    const isNext = endS === this.#heldEndS && endS !== null;
    if (endS === null || isNext) this.#hold(shown, isNext);
    else this.state = "happened";
  }

  /** When the right edge of the view is to be held, GPS s. @param {number} spanS */
  dueS(spanS) {
    return (this.eventS ?? 0) + (1 - (this.spec?.pre ?? 0)) * spanS;
  }

  /** @param {Shown} shown @param {boolean} isNext */
  #hold({ spanS }, isNext) {
    this.state = "held";
    this.#heldEndS = Number(this.dueS(spanS).toFixed(6));
    this.#onHold(this.#heldEndS, isNext);
  }
}
