// The status line: state of the streams, silence, latency, reconnects, the time, and notes.
// Invariant: it says "live" only while data come. Text is written only when it differs, and seconds that count up are
// outside the part that a screen reader announces.
import { gpsNow, timeText } from "./clock.js";
import { silenceOf, silenceText } from "./data_age.js";
import { byId } from "./dom.js";
import { endWords } from "./gap_words.js";
import { serverClock } from "./qanat.js";

const NOTE_MS = 12_000;
/** The worst state of several streams is shown. */
const WORST_FIRST = /** @type {const} */ ([
  "refused",
  "waiting",
  "connecting",
  "ended",
  "live",
]);

export class StatusLine {
  #noteMs = 0;
  #reconnectsShown = 0;
  #feed;

  /** @param {import("./feed.js").Feed} feed */
  constructor(feed) {
    this.#feed = feed;
  }

  /** @param {string} text */
  note(text) {
    this.#noteMs = performance.now();
    say("note", text);
  }

  /**
   * @param {Pick<import("./view.js").View, "endS" | "speed" | "time"> & { isWaiting: boolean, mark: string }} view
   *   isWaiting: playing waits for history; mark: what the title of the tab begins with
   */
  update({ endS, speed, isWaiting, time, mark }) {
    const held = speed === null
      ? "paused"
      : `playing ×${speed}${isWaiting ? ", waiting for history" : ""}`;
    this.#sayState(endS === null ? "" : held, mark);
    const now = gpsNow();
    say(
      "clock",
      time === "gps"
        ? `GPS ${timeText(now, "gps", 0)}`
        : `${timeText(now, "utc", 0)} UTC`,
    );
    say("meters", [...this.#feed.lanes.values()].map(meterOf).join(" · "));
    if (performance.now() - this.#noteMs > NOTE_MS) say("note", "");
  }

  /**
   * @param {string} held what the page does instead of following; empty while it follows
   * @param {string} mark
   */
  #sayState(held, mark) {
    const isPaused = held !== "";
    const states = [...this.#feed.lanes.values()].map(({ state }) => state);
    const worst = WORST_FIRST.find((s) => states.some((x) => x.state === s));
    const shown = states.find(({ state }) => state === worst);
    const silence = shown && !isPaused
      ? silenceText(silenceOf(this.#feed.series.values(), performance.now()))
      : "";
    const isSilent = worst === "live" && silence !== "";
    const words = shown ? wordsOf(shown, held) : "nothing selected";
    say("state", isSilent ? "no data" : words);
    say("age", isSilent ? silence.replace("no data ", "") : silence);
    const dot = isPaused && worst === "live" ? "paused" : worst ?? "connecting";
    byId("state", HTMLElement).dataset.state = isSilent ? "silent" : dot;
    const isSignedOut = shown?.problem?.status === 401;
    const trouble = isSignedOut
      ? "not signed in"
      : worst === "waiting"
      ? "connection lost"
      : silence;
    const marks = [mark, trouble].filter((text) => text !== "").join(" · ");
    const title = marks === "" ? "Qanat" : `${marks} – Qanat`;
    if (document.title !== title) document.title = title;
    const count = states.reduce((sum, { reconnects }) => sum + reconnects, 0);
    if (count <= this.#reconnectsShown || worst !== "live") return;
    this.#reconnectsShown = count;
    this.note("Connected again");
  }
}

/**
 * @param {import("./qanat.d.ts").StreamState} state
 * @param {string} held
 */
function wordsOf({ state, reason, detail, problem, retryInMs }, held) {
  if (problem?.status === 401) return "not signed in";
  if (state === "live") return held || "live";
  if (state === "refused") return `refused: ${detail ?? endWords(reason)}`;
  if (state === "ended") return `ended (${endWords(reason)})`;
  if (state === "connecting") return "connecting";
  const words = endWords(reason);
  const why = detail ? `${words}: ${detail}` : words;
  const when = retryInMs ? ` in ${(retryInMs / 1000).toFixed(1)} s` : "";
  return `connection lost (${why}), trying again${when}`;
}

/** @param {{ strideS: number, latencies: number[], rowMs: number, state: import("./qanat.d.ts").StreamState }} lane */
function meterOf({ strideS, latencies, rowMs, state }) {
  const rate = `${Number((1 / strideS).toPrecision(3))} rows/s`;
  const { reconnects } = state;
  const back = reconnects > 0
    ? `, ${reconnects} reconnect${reconnects > 1 ? "s" : ""}`
    : "";
  const newest = latencies.at(-1);
  if (newest === undefined) return `${rate}: no row yet${back}`;
  const quietS = (performance.now() - rowMs) / 1000;
  if (quietS > Math.max(2.5 * strideS, 1)) {
    return `${rate}: no row for ${quietS.toFixed(0)} s${back}`;
  }
  const { errorMs } = serverClock();
  const error = isFinite(errorMs) ? ` ±${Math.ceil(errorMs)}` : "";
  return `${rate}, latency ${(newest * 1000).toFixed(0)} ms${error}${back}`;
}

/**
 * @param {string} id
 * @param {string} text
 */
function say(id, text) {
  const element = byId(id, HTMLElement);
  if (element.textContent !== text) element.textContent = text;
}
