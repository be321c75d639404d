// The channels that the page shows: follows them live through the hub, and reads their history.
// All of them are rows, or all are bins of one trend.
// Invariant: while it is held (paused), incoming rows and gaps change nothing that is shown.
import { gpsNow } from "./clock.js";
import { gapNote } from "./gap_words.js";
import { HistoryReader } from "./history_reader.js";
import { openStream, readRange } from "./qanat.js";
import { Series, spanOf } from "./series.js";
import { delayOf, StrideLane } from "./stride_lane.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./series.js").Channel} Channel */
/** @typedef {import("./series.js").Span} Span */

/** History is read up to the first live row; up to now where none comes for so long. */
const FIRST_ROW_MS = 1500;
/** How often a channel is read again at most after this page was too slow: reading adds to the load. */
const SLOW_AGAIN_MS = 60_000;

export class Feed {
  /** @type {Map<string, Series>} */
  series = new Map();
  /** How far behind now the page shows the newest time, s. */
  delayS = 0.2;
  /** Grows with each change of what is drawn. */
  version = 0;
  rows = 0;
  isHeld = false;
  /** Takes a sentence for the user. */
  onNote = (/** @type {string} */ _text) => {};
  /** Takes a state of one of the streams. */
  onState = (/** @type {StreamState} */ _state) => {};
  /** The metadata of these channels have changed. */
  onStale = (/** @type {readonly string[]} */ _names) => {};
  /** @type {import("./qanat.d.ts").LiveStream | null} */
  #stream = null;
  /** By stride, ns. @type {Map<string, StrideLane>} */
  lanes = new Map();
  #seconds = 0;
  /** @type {Trend | null} */
  trend = null;
  /** Reads what is not live. */
  history;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #historyTimer;
  #now;
  #open;

  /**
   * @param {{ now?: () => number, open?: typeof openStream, read?: typeof readRange }} [options]
   *   now: a monotonic clock, ms
   */
  constructor(
    { now = () => performance.now(), open = openStream, read = readRange } = {},
  ) {
    this.#now = now;
    this.#open = open;
    this.history = new HistoryReader({
      read,
      onChange: () => this.version++,
      onNote: (text) => this.onNote(text),
    });
  }

  /**
   * Shows these channels over so many seconds.
   * @param {Channel[]} channels
   * @param {number} seconds
   * @param {Trend | null} [trend] bins of this trend; null: rows
   * @param {{ fromS: number, toS: number }} [span] what is shown next; without it the newest seconds
   */
  show(channels, seconds, trend = null, span = undefined) {
    if (trend !== this.trend) this.#changeTrend(trend);
    const isLonger = seconds > this.#seconds;
    if (isLonger || seconds < this.#seconds / 4) {
      this.#seconds = seconds;
      this.#renew(span);
    }
    const names = new Set(channels.map(({ name }) => name));
    for (const name of this.series.keys()) {
      if (!names.has(name)) this.series.delete(name);
    }
    for (const channel of channels) {
      if (this.series.has(channel.name)) continue;
      this.series.set(channel.name, this.#seriesOf(channel));
    }
    this.version++;
    this.#follow(channels);
    if (!this.isHeld) this.#readHistoryLater();
  }

  /** Shows these channels and no others; all of them are shown already. @param {Channel[]} channels */
  keep(channels) {
    this.show(channels, this.#seconds, this.trend);
  }

  /** Holds what is shown. */
  hold() {
    this.isHeld = true;
    clearTimeout(this.#historyTimer);
  }

  /** Follows live rows again, and reads the time between. */
  release() {
    this.isHeld = false;
    this.#renew();
    this.#readHistoryLater();
  }

  /**
   * Shows a span of history and holds it. Resolves to whether the server sent it.
   * @param {number} fromS
   * @param {number} toS
   */
  load(fromS, toS) {
    this.hold();
    this.#renew({ fromS, toS });
    return this.readOn(fromS, toS);
  }

  /**
   * Reads a span in addition to what is held. Resolves to whether the server sent it.
   * @param {number} fromS
   * @param {number} toS
   */
  readOn(fromS, toS) {
    return this.history.readChosen([...this.series.values()], {
      fromS,
      toS: Math.min(toS, this.newestS),
      trend: this.trend,
    });
  }

  /** The newest time that can be shown, GPS s. */
  get newestS() {
    return gpsNow() - this.delayS;
  }

  /** The delay to approach: how far behind now rows can be shown without a pause between them, s. */
  targetDelayS() {
    return delayOf(this.lanes.values()) ?? this.delayS;
  }

  /** @param {Trend | null} trend */
  #changeTrend(trend) {
    this.trend = trend;
    this.#stream?.close();
    this.#stream = null;
    this.lanes.clear();
    this.#seconds = 0;
  }

  /** Subscribes to these channels. @param {Channel[]} channels */
  #follow(channels) {
    const { trend } = this;
    const hints = channels.map((c) => ({
      name: c.name,
      // The hub needs the stride; here a lane of bins is named by their length.
      strideNs: c.stride_ns,
      sampleRate: c.sample_rate,
    }));
    for (const stride of this.lanes.keys()) {
      if (trend === null && !hints.some((h) => String(h.strideNs) === stride)) {
        this.lanes.delete(stride);
      }
    }
    if (hints.length === 0) {
      this.#stream?.close();
      this.#stream = null;
    } else if (this.#stream) this.#stream.update(hints);
    else {
      // A late message of the stream before belongs to another trend.
      const only =
        (/** @type {(_: any) => void} */ take) =>
        (/** @type {any} */ message) => {
          if (this.trend === trend) take(message);
        };
      const options = {
        channels: hints,
        onRow: only((row) => this.#takeRow(row)),
        onGap: only((gap) => this.#takeGap(gap)),
        onState: only((state) => this.#takeState(state)),
      };
      this.#stream = trend
        ? this.#open({ ...options, trend })
        : this.#open(options);
    }
  }

  /**
   * Replaces every series by one that has no more than a span of it, so that plots show that until the rest is read.
   * @param {{ fromS: number, toS: number }} [span] without it the newest seconds
   */
  #renew(span = { fromS: this.newestS - this.#seconds - 1, toS: Infinity }) {
    this.history.cancel();
    for (const [name, old] of this.series) {
      const fresh = this.#seriesOf(old.channel);
      if (old.trend === this.trend) fresh.follow(old, span);
      this.series.set(name, fresh);
    }
    this.version++;
  }

  /** @param {Channel} channel */
  #seriesOf(channel) {
    const strideS = this.trend ? BIN_S[this.trend] : 0;
    const seconds = this.#seconds * 1.1 + 6 + 3 * strideS;
    const series = new Series(channel, seconds, this.trend);
    series.dataMs = this.#now();
    return series;
  }

  /** History is read with the first live row, or when none has come for a while. */
  #readHistoryLater() {
    clearTimeout(this.#historyTimer);
    this.#historyTimer = setTimeout(
      () => this.#readHistory(true),
      FIRST_ROW_MS,
    );
  }

  /** @param {boolean} isLate also for series without a live row */
  #readHistory(isLate) {
    if (this.isHeld) return;
    const { delayS, trend } = this;
    const view = { seconds: this.#seconds, delayS, trend, isLate };
    this.history.readBeforeLive(this.series.values(), view);
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  #takeRow(row) {
    this.rows++;
    if (row.latencyMs !== undefined) {
      const lane = this.lanes.get(String(row.strideNs));
      lane?.addRow(row.latencyMs, this.#now());
    }
    let isFirst = false;
    for (const name in row.channels) {
      const series = this.series.get(name);
      if (!series) continue;
      series.latencyMs = row.latencyMs ?? NaN;
      if (row.channels[name]) series.dataMs = this.#now();
      if (this.isHeld) continue;
      if (series.firstLiveS === undefined) {
        series.firstLiveS = Number(row.timeNs) / 1e9;
        isFirst = true;
      }
      series.putRow(row);
    }
    if (!this.isHeld) this.version++;
    if (!isFirst) return;
    this.#readHistory(false);
    this.#readHistoryLater();
  }

  /** @param {import("./qanat.d.ts").Gap} gap */
  #takeGap(gap) {
    if (this.isHeld) return;
    const span = spanOf(gap);
    const again = [];
    for (const name of gap.channels ?? []) {
      const series = this.series.get(name);
      if (!series) continue;
      const isDue = this.#now() - series.slowAgainMs >= SLOW_AGAIN_MS;
      if (gap.reason === "page-slow" && isDue) again.push(series);
      else series.addGap(span);
    }
    for (const series of again) series.slowAgainMs = this.#now();
    if (again.length > 0) {
      const view = { seconds: this.#seconds + 1, trend: this.trend };
      this.history.readAgain(again, span, view);
    }
    this.version++;
    this.onNote(gapNote(gap));
  }

  /** @param {StreamState} state */
  #takeState(state) {
    for (const name of state.channels ?? []) {
      const series = this.series.get(name);
      if (series) series.state = state;
    }
    if (state.reason === "changed" || state.reason === "time-reset") {
      for (const name of state.channels ?? []) this.series.delete(name);
      this.onStale(state.channels ?? []);
    }
    const { stride = "" } = state;
    if (!state.problem?.unknown) {
      const lane = this.lanes.get(stride);
      if (lane) lane.state = state;
      else {
        const strideS = Number(stride) / 1e9;
        this.lanes.set(stride, new StrideLane(strideS, state, this.#now()));
      }
    }
    this.onState(state);
  }
}
