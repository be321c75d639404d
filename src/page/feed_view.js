// Gives the feed what the view needs: channels, rows or bins, and a span that is live, held or played.
// Invariant: what the feed holds already is not read again.
import { aheadOf, Playback } from "./playback.js";
import { channelsOf } from "./plot_spec.js";
import { reachFor } from "./spectral_options.js";
import { BIN_S, trendOf } from "./trend_choice.js";
import { emptyView, namesOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./series.js").Channel} Channel */

/** The feed keeps so much more than one period of the close-up, s. */
const REACH_MARGIN_S = 2;
/** Of a span that is held: how much is read before and after it, as shares of it. */
const BEFORE_SHARE = 0.25;
const AFTER_SHARE = 0.25;
const EPSILON_S = 1e-6;
/** Less is the rounding of a time. */
const FUTURE_MIN_S = 0.05;
/** So much after its end a span that was in the future is read. */
const LATE_MS = 1000;
/** A page that stays open for longer than this does not read what comes then. */
const FUTURE_MAX_S = 86_400;

export class FeedView {
  /** What the view is drawn from: bins, or rows (null). @type {import("./qanat.d.ts").Trend | null} */
  trend = null;
  /** @type {Playback | null} */
  playback = null;
  #feed;
  #channels;
  #onNewest;
  #onRefused;
  #before = emptyView();
  /** Until what is shown has come. @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Names what is played, so that a change of something else does not begin again. */
  #playedKey = "";
  /** @type {View["closeUp"]} */
  #closeUp = null;
  /** How much spectra need before the right edge, s. */
  #reachS = 0;
  /** What was held for them at the change before, s. */
  #heldReachS = 0;

  /**
   * @param {import("./feed.js").Feed} feed
   * @param {import("./channel_book.js").ChannelBook} channels
   * @param {{ onNewest: () => void, onRefused: () => void }} options onNewest: playing has reached the newest time;
   *   onRefused: the server does not send what would be played next
   */
  constructor(feed, channels, { onNewest, onRefused }) {
    this.#feed = feed;
    this.#channels = channels;
    this.#onNewest = onNewest;
    this.#onRefused = onRefused;
  }

  /** The close-up; null where there are no samples for it. */
  get closeUp() {
    return this.#closeUp;
  }

  /**
   * Chooses between rows and bins.
   * @param {View} view
   * @param {{ pixels: number, saves: boolean }} screen
   */
  choose(view, { pixels, saves }) {
    const strides = namesOf(view).flatMap((name) =>
      this.#channels.get(name)?.stride_ns ?? []
    );
    this.trend = trendOf({ spanS: view.spanS, pixels, saves, strides });
    this.#feed.history.readsSamples = !saves;
    this.#closeUp = this.trend === null ? view.closeUp : null;
    const reaches = view.plots.map((plot) =>
      reachFor(
        plot,
        channelsOf(plot).map((name) =>
          this.#channels.get(name)?.sample_rate ?? 1
        ),
      )
    );
    this.#reachS = this.trend === null ? Math.max(0, ...reaches) : 0;
  }

  /**
   * @param {View} view
   * @param {boolean} isHere the span is on the screen already
   */
  apply(view, isHere) {
    clearTimeout(this.#timer);
    const before = this.#before;
    this.#before = view;
    const { endS, spanS, speed } = view;
    const channels = namesOf(view).map((name) => this.#channels.get(name))
      .filter((c) => c !== undefined);
    if (endS !== null && speed !== null) {
      return this.#play({ endS, spanS, speed }, channels);
    }
    const hasPlayed = this.playback !== null;
    this.playback = null;
    this.#playedKey = "";
    if (endS === null) return this.#follow(channels, spanS);
    const isInside = before.endS !== null && !hasPlayed &&
      this.#reachS <= this.#heldReachS &&
      endS <= before.endS + EPSILON_S &&
      endS - spanS >= before.endS - before.spanS - EPSILON_S;
    this.#hold({ endS, spanS }, channels, isHere || isInside);
  }

  /**
   * @param {Channel[]} channels
   * @param {number} spanS
   */
  #follow(channels, spanS) {
    const { closeUp } = this;
    const reach = closeUp
      ? closeUp.everyS + closeUp.widthS + REACH_MARGIN_S
      : 0;
    this.#heldReachS = this.#reachS;
    const seconds = Math.max(spanS, reach, this.#reachS);
    this.#feed.show(channels, seconds, this.trend);
    if (this.#feed.isHeld) this.#feed.release();
  }

  /**
   * @param {{ endS: number, spanS: number }} view
   * @param {Channel[]} channels
   * @param {boolean} isHere
   */
  #hold({ endS, spanS }, channels, isHere) {
    const feed = this.#feed;
    const isNew = channels.some(({ name }) => !feed.series.has(name));
    // The feed has these samples already: nothing to read.
    if (isHere && !isNew && feed.trend === this.trend) {
      feed.hold();
      feed.keep(channels);
      return this.#awaitFuture({ endS, spanS }, channels);
    }
    this.#heldReachS = this.#reachS;
    const beforeS = Math.max(spanS * (1 + BEFORE_SHARE), this.#reachS);
    const afterS = spanS * AFTER_SHARE;
    const read = { fromS: endS - beforeS, toS: endS + afterS };
    feed.show(channels, Math.max(beforeS + afterS, 4), this.trend, read);
    feed.load(read.fromS, read.toS);
    this.#awaitFuture({ endS, spanS }, channels);
  }

  /**
   * Says which part of a span has not come yet, and reads it once it has.
   * @param {{ endS: number, spanS: number }} view
   * @param {Channel[]} channels
   */
  #awaitFuture({ endS, spanS }, channels) {
    const { newestS, series } = this.#feed;
    const restS = endS - newestS;
    if (restS < FUTURE_MIN_S) return;
    const fromS = Math.max(newestS, endS - spanS * (1 + BEFORE_SHARE));
    const toS = endS + spanS * AFTER_SHARE;
    for (const one of series.values()) {
      one.addGap({ fromS, toS, reason: "not-yet" });
    }
    if (restS > FUTURE_MAX_S) return;
    this.#timer = setTimeout(
      () => this.#hold({ endS, spanS }, channels, false),
      restS * 1000 + LATE_MS,
    );
  }

  /**
   * @param {{ endS: number, spanS: number, speed: number }} view
   * @param {Channel[]} channels
   */
  #play({ endS, spanS, speed }, channels) {
    const from = `${endS} ${spanS} ${speed}`;
    const names = channels.map(({ name }) => name).join("\n");
    const key = `${from} ${this.trend} ${names}`;
    if (key === this.#playedKey) return;
    // Another choice of channels continues at the same time.
    const isOn = this.#playedKey.startsWith(`${from} `);
    const edgeS = isOn ? this.playback?.edgeS ?? endS : endS;
    this.#playedKey = key;
    const feed = this.#feed;
    const shownS = Math.max(spanS * (1 + BEFORE_SHARE), this.#reachS);
    feed.hold();
    const aheadS = 2 * aheadOf(speed);
    const span = { fromS: edgeS - shownS, toS: edgeS + aheadS };
    feed.show(channels, shownS + aheadS, this.trend, span);
    const gridS = this.trend ? BIN_S[this.trend] : 0;
    this.playback = new Playback({
      edgeS,
      speed,
      readFirst: (toS) => feed.load(edgeS - shownS, toS),
      read: (fromS, toS) => feed.readOn(fromS, toS),
      // A range that ended within a bin would wait until the bin ends.
      newestS: () =>
        gridS > 0 ? Math.floor(feed.newestS / gridS) * gridS : feed.newestS,
      onNewest: this.#onNewest,
      onRefused: this.#onRefused,
    });
  }
}
