// Reads spans of history from the server into the series that the page shows.
// Invariant: cancel() ends every request under way; a request that was cancelled puts nothing more into a series.
import { gpsNow } from "./clock.js";
import { readRange } from "./qanat.js";
import { requestOf } from "./series.js";
import { BIN_S } from "./trend_choice.js";
import { fillUnrecorded } from "./unrecorded.js";

/** @typedef {import("./qanat.d.ts").StreamState} StreamState */
/** @typedef {import("./qanat.d.ts").Trend} Trend */
/** @typedef {import("./series.js").Series} Series */
/** @typedef {import("./series.js").Span} Span */

/** Most samples of one request. */
const SAMPLES_MAX = 3_000_000;
/** A span that the user chose may have so many times the samples. */
const CHOSEN_FACTOR = 4;

export class HistoryReader {
  /** Whether samples are read where no trend was recorded. */
  readsSamples = true;
  #controller = new AbortController();
  #readRange;
  #onChange;
  #onNote;

  /**
   * @param {{ read?: typeof readRange, onChange: () => void, onNote: (text: string) => void }} options
   *   onChange: a series has changed; onNote: takes a sentence for the user
   */
  constructor({ read = readRange, onChange, onNote }) {
    this.#readRange = read;
    this.#onChange = onChange;
    this.#onNote = onNote;
  }

  cancel() {
    this.#controller.abort();
    this.#controller = new AbortController();
  }

  /**
   * Reads one span. Resolves to whether the server sent it.
   * @param {Series[]} all
   * @param {{ fromS: number, toS: number, trend: Trend | null }} span
   * @returns {Promise<boolean>}
   */
  async read(all, { fromS, toS, trend }) {
    if (toS - fromS < 0.001) return true;
    const { signal } = this.#controller;
    const marks = all.map((series) => series.markAwaited(fromS, toS));
    const options = {
      ...requestOf(all, { fromS, toS }, this.#onChange),
      signal,
      onRow: (/** @type {any} */ row) => {
        for (const series of all) series.putRow(row);
        this.#onChange();
      },
      onState: (/** @type {StreamState} */ state) => {
        const isSignedOut = state.problem?.status === 401;
        if (state.state === "waiting" && state.detail && !isSignedOut) {
          this.#onNote(`History has to wait: ${state.detail}`);
        }
      },
    };
    const outcome =
      await (trend
        ? this.#readRange({ ...options, trend })
        : this.#readRange(options));
    for (const remove of marks) remove();
    this.#onChange();
    if (outcome.state !== "refused" || signal.aborted) {
      if (trend) await this.#fillUnrecorded(all, { fromS, toS, trend }, signal);
      return true;
    }
    const why = outcome.detail ?? outcome.reason;
    this.#onNote(`The server refused to send history: ${why}`);
    return false;
  }

  /**
   * @param {Series[]} all
   * @param {{ fromS: number, toS: number, trend: Trend }} span
   * @param {AbortSignal} signal
   */
  async #fillUnrecorded(all, span, signal) {
    if (!this.readsSamples || signal.aborted) return;
    const [read, onChange] = [this.#readRange, this.#onChange];
    await fillUnrecorded(all, span, { read, signal, onChange });
  }

  /**
   * Reads a span that the user chose; a note says so when it has too many samples. Resolves to whether it was sent.
   * @param {Series[]} all
   * @param {{ fromS: number, toS: number, trend: Trend | null }} span
   * @returns {Promise<boolean>}
   */
  async readChosen(all, span) {
    if (all.length === 0) return true;
    const seconds = span.toS - span.fromS;
    const rate = rateOf(all);
    if (seconds * rate > SAMPLES_MAX * CHOSEN_FACTOR) {
      this.#onNote(
        `${Math.round(seconds)} s of ${
          Math.round(rate)
        } samples per second are too many: choose a shorter span`,
      );
      return false;
    }
    return await this.read(all, span);
  }

  /**
   * Reads what is before the first live row of each series and was not read yet.
   * @param {Iterable<Series>} shown
   * @param {{ seconds: number, delayS: number, trend: Trend | null, isLate: boolean }} view seconds: how long a span is
   *   shown; isLate: read up to now for series that have no live row, too
   */
  readBeforeLive(shown, { seconds, delayS, trend, isLate }) {
    /** @type {Map<string, { fromS: number, toS: number, all: Series[] }>} */
    const spans = new Map();
    for (const series of shown) {
      const { firstLiveS, historyEndS } = series;
      if (firstLiveS === undefined && (!isLate || historyEndS !== undefined)) {
        continue;
      }
      // A range that ended within a bin would wait until the bin ends.
      const gridS = trend ? BIN_S[trend] : 1;
      const toS = firstLiveS ??
        Math.floor((gpsNow() - delayS) / gridS) * gridS;
      if (historyEndS !== undefined && historyEndS >= toS) continue;
      const fromS = historyEndS ?? toS - seconds - 1;
      series.historyEndS = toS;
      const key = `${fromS} ${toS}`;
      const span = spans.get(key) ?? { fromS, toS, all: [] };
      span.all.push(series);
      spans.set(key, span);
    }
    for (const { fromS, toS, all } of spans.values()) {
      const length = Math.min(toS - fromS, SAMPLES_MAX / rateOf(all));
      this.read(all, { fromS: toS - length, toS, trend });
    }
  }

  /**
   * Reads again the newest `seconds` of a gap; the rest of it, or all if the server refuses, becomes a gap.
   * @param {Series[]} all
   * @param {Span} gap
   * @param {{ seconds: number, trend: Trend | null }} view
   */
  async readAgain(all, { fromS, toS, reason }, { seconds, trend }) {
    const length = Math.min(seconds, SAMPLES_MAX / rateOf(all));
    const sinceS = Math.max(fromS, toS - length);
    const addGap = (/** @type {Span} */ span) => {
      for (const series of all) series.addGap(span);
      this.#onChange();
    };
    if (sinceS > fromS) addGap({ fromS, toS: sinceS, reason });
    const isThere = await this.read(all, { fromS: sinceS, toS, trend });
    if (!isThere) addGap({ fromS: sinceS, toS, reason });
  }
}

/** Values per second of some series. @param {Series[]} all */
function rateOf(all) {
  return all.reduce((sum, { valuesPerS }) => sum + valuesPerS, 0);
}
