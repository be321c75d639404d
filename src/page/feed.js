// The channels that are shown: their samples, gaps and latency; live from the hub, the past by ranges.
// They are drawn from rows, or all from bins of one trend.
// Invariant: while it is held (paused) nothing that comes in changes what is shown.
import { gpsNow, nsOf } from "./clock.js";
import { openStream, readRange } from "./qanat.js";
import { Series } from "./series.js";
import { BIN_S } from "./trend_choice.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./series.js").Channel} Channel */
/** @typedef {import("./series.js").Span} Span */

/** Most samples of one request for the past. */
const PAST_SAMPLES_MAX = 3_000_000;
/** The past is asked for up to the first live row; where none comes, up to now. */
const FIRST_ROW_MS = 1500;
const LATENCIES = 64;
/** What this page was too slow for is read again so often at most: a page that stays too slow has to end with it. */
const SLOW_AGAIN_MS = 60_000;

export class Feed {
  /** @type {Map<string, Series>} */
  series = new Map();
  /** From the end of a row to when it was here, and its stride, of the quickest stride, s. */
  delayS = 0.2;
  /** Something to draw has changed. */
  version = 0;
  rows = 0;
  isHeld = false;
  /** Says what happened, for people. */
  onNote = (/** @type {string} */ _text) => {};
  /** @type {() => void} */
  onState = () => {};
  /** What was known of these channels does not hold any more. */
  onStale = (/** @type {readonly string[]} */ _names) => {};
  /** @type {import("./qanat.d.ts").LiveStream | null} */
  #stream = null;
  /** @type {Map<string, { strideS: number, latencies: number[], rowMs: number, state: StreamState }>} */
  lanes = new Map();
  #seconds = 0;
  /** @type {Trend | null} */
  trend = null;
  /** @type {AbortController} */
  #past = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pastTimer;
  #now;
  #open;
  #readRange;

  /**
   * @param {{ now?: () => number, open?: typeof openStream, read?: typeof readRange }} [options]
   *   now: a clock that is never set, ms
   */
  constructor(
    { now = () => performance.now(), open = openStream, read = readRange } = {},
  ) {
    this.#now = now;
    this.#open = open;
    this.#readRange = read;
  }

  /**
   * Shows these channels over so many seconds.
   * @param {Channel[]} channels
   * @param {number} seconds
   * @param {Trend | null} [trend] what of them: bins, or rows
   */
  show(channels, seconds, trend = null) {
    if (trend !== this.trend) {
      this.trend = trend;
      this.#stream?.close();
      this.#stream = null;
      this.lanes.clear();
      this.#seconds = 0;
    }
    const isLonger = seconds > this.#seconds;
    if (isLonger || seconds < this.#seconds / 4) {
      this.#seconds = seconds;
      this.#renew();
    }
    const names = new Set(channels.map(({ name }) => name));
    for (const name of this.series.keys()) {
      if (!names.has(name)) this.series.delete(name);
    }
    for (const channel of channels) {
      if (!this.series.has(channel.name)) {
        this.series.set(
          channel.name,
          this.#made(channel),
        );
      }
    }
    this.version++;
    const hints = channels.map((c) => ({
      name: c.name,
      // The hub hears the stride; here a lane of bins goes by their length.
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
      // A message under way from the stream before is not for this one.
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
    if (!this.isHeld) this.#askPastLater();
  }

  /** Shows these and no others; all of them are there already. @param {Channel[]} channels */
  keep(channels) {
    this.show(channels, this.#seconds, this.trend);
  }

  /** Holds what is shown. */
  hold() {
    this.isHeld = true;
    clearTimeout(this.#pastTimer);
  }

  /** Goes on with what is live; the time between is read again. */
  release() {
    this.isHeld = false;
    this.#renew();
    this.#askPastLater();
  }

  /**
   * Shows a span of the past; held from then on.
   * @param {number} fromS
   * @param {number} toS
   * @returns {Promise<void>}
   */
  async load(fromS, toS) {
    this.hold();
    this.#renew();
    const all = [...this.series.values()];
    const rate = all.reduce((sum, s) => sum + s.valuesPerS, 0);
    if (all.length === 0) return;
    if ((toS - fromS) * rate > PAST_SAMPLES_MAX * 4) {
      return this.onNote(
        `${Math.round(toS - fromS)} s of ${
          Math.round(rate)
        } samples a second are too much at once: zoom in`,
      );
    }
    await this.#read(all, {
      fromS,
      toS: Math.min(toS, gpsNow() - this.delayS),
    });
  }

  #renew() {
    this.#past.abort();
    this.#past = new AbortController();
    for (const [name, old] of this.series) {
      const fresh = this.#made(old.channel);
      if (old.trend === this.trend) {
        fresh.state = old.state;
        fresh.latencyMs = old.latencyMs;
        fresh.dataMs = old.dataMs;
        fresh.slowAgainMs = old.slowAgainMs;
      }
      this.series.set(name, fresh);
    }
    this.version++;
  }

  /** @param {Channel} channel */
  #made(channel) {
    const strideS = this.trend ? BIN_S[this.trend] : 0;
    const seconds = this.#seconds * 1.1 + 6 + 3 * strideS;
    const series = new Series(channel, seconds, this.trend);
    series.dataMs = this.#now();
    return series;
  }

  /** What comes before the first live row is asked for with it, or when none has come for a while. */
  #askPastLater() {
    clearTimeout(this.#pastTimer);
    this.#pastTimer = setTimeout(() => this.#askPast(true), FIRST_ROW_MS);
  }

  /**
   * Reads what lies before the first live row, of the channels for which it was not read yet.
   * @param {boolean} isLate those without a live row, too: up to now
   */
  #askPast(isLate) {
    if (this.isHeld) return;
    /** @type {Map<string, { fromS: number, toS: number, all: Series[] }>} */
    const spans = new Map();
    for (const series of this.series.values()) {
      const { firstLiveS, pastEndS } = series;
      if (firstLiveS === undefined && (!isLate || pastEndS !== undefined)) {
        continue;
      }
      // A range that ended within a bin would wait for the bin's end.
      const gridS = this.trend ? BIN_S[this.trend] : 1;
      const toS = firstLiveS ??
        Math.floor((gpsNow() - this.delayS) / gridS) * gridS;
      if (pastEndS !== undefined && pastEndS >= toS) continue;
      const fromS = pastEndS ?? toS - this.#seconds - 1;
      series.pastEndS = toS;
      const key = `${fromS} ${toS}`;
      const span = spans.get(key) ?? { fromS, toS, all: [] };
      span.all.push(series);
      spans.set(key, span);
    }
    for (const { fromS, toS, all } of spans.values()) {
      const rate = all.reduce((sum, s) => sum + s.valuesPerS, 0);
      const seconds = Math.min(toS - fromS, PAST_SAMPLES_MAX / rate);
      this.#read(all, { fromS: toS - seconds, toS });
    }
  }

  /**
   * Reads a span; resolves to whether the server gave it.
   * @param {Series[]} all
   * @param {{ fromS: number, toS: number }} span
   * @returns {Promise<boolean>}
   */
  async #read(all, { fromS, toS }) {
    if (toS - fromS < 0.001) return true;
    const { signal } = this.#past;
    const { trend } = this;
    const options = {
      channels: all.map(({ channel }) => ({
        name: channel.name,
        sampleRate: channel.sample_rate,
      })),
      startNs: nsOf(fromS),
      endNs: nsOf(toS),
      signal,
      onRow: (/** @type {any} */ row) => {
        for (const series of all) this.#putRow(series, row);
        this.version++;
      },
      onGap: (/** @type {import("./qanat.d.ts").Gap} */ gap) => {
        for (const series of all) series.addGap(spanOf(gap));
        this.version++;
      },
      onState: (/** @type {StreamState} */ state) => {
        if (state.state === "waiting" && state.detail) {
          this.onNote(`The past has to wait: ${state.detail}`);
        }
      },
    };
    const outcome =
      await (trend
        ? this.#readRange({ ...options, trend })
        : this.#readRange(options));
    if (outcome.state === "refused" && !signal.aborted) {
      this.onNote(
        `The past was refused: ${outcome.detail ?? outcome.reason}`,
      );
      return false;
    }
    return true;
  }

  /** @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row */
  #takeRow(row) {
    this.rows++;
    const lane = this.lanes.get(String(row.strideNs));
    if (lane && row.latencyMs !== undefined) {
      lane.rowMs = this.#now();
      lane.latencies.push(row.latencyMs / 1000);
      if (lane.latencies.length > LATENCIES) lane.latencies.shift();
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
      this.#putRow(series, row);
    }
    this.version++;
    if (!isFirst) return;
    this.#askPast(false);
    this.#askPastLater();
  }

  /**
   * @param {Series} series
   * @param {import("./qanat.d.ts").Row | import("./qanat.d.ts").TrendRow} row
   */
  #putRow(series, row) {
    const { name } = series.channel;
    const samples = row.channels[name];
    if (samples && "count" in samples) {
      return series.putBin(row.timeNs, samples);
    }
    if (samples) return series.put(row.timeNs, samples);
    if (samples === undefined) return;
    const fromS = Number(row.timeNs) / 1e9;
    series.addGap({
      fromS,
      toS: fromS + Number(row.strideNs) / 1e9,
      reason: row.missing[name] ?? "not in its block",
    });
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
    if (again.length > 0) this.#readAgain(again, span);
    this.version++;
    this.onNote(
      `Gap of ${
        Number((gap.toNs - gap.fromNs) / 1_000_000n) / 1000
      } s: ${gap.reason}`,
    );
  }

  /**
   * Reads again what this page was too slow for, as far as it is shown; the rest is a gap.
   * @param {Series[]} all
   * @param {Span} span
   */
  async #readAgain(all, { fromS, toS, reason }) {
    const rate = all.reduce((sum, s) => sum + s.valuesPerS, 0);
    const seconds = Math.min(this.#seconds + 1, PAST_SAMPLES_MAX / rate);
    const sinceS = Math.max(fromS, toS - seconds);
    const addGap = (/** @type {Span} */ span) => {
      for (const series of all) series.addGap(span);
      this.version++;
    };
    for (const series of all) series.slowAgainMs = this.#now();
    if (sinceS > fromS) addGap({ fromS, toS: sinceS, reason });
    const isThere = await this.#read(all, { fromS: sinceS, toS });
    if (!isThere) addGap({ fromS: sinceS, toS, reason });
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
        this.lanes.set(stride, {
          strideS: Number(stride) / 1e9,
          latencies: [],
          rowMs: this.#now(),
          state,
        });
      }
    }
    this.onState();
  }

  /** How far behind now the newest can be shown without stumbling, s. */
  targetDelayS() {
    let best = Infinity;
    for (const { strideS, latencies, state } of this.lanes.values()) {
      if (latencies.length === 0 || state.state !== "live") continue;
      best = Math.min(best, Math.max(...latencies) + strideS + 0.03);
    }
    return best === Infinity ? this.delayS : Math.min(Math.max(best, 0), 5);
  }
}

/** @param {{ fromNs: bigint, toNs: bigint, reason: string }} gap */
function spanOf({ fromNs, toNs, reason }) {
  return { fromS: Number(fromNs) / 1e9, toS: Number(toNs) / 1e9, reason };
}
