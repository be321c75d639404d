// The widget of LivePlot (jupyter.py): streams into plots, a button that pauses, and a line that says how it is.
// Invariant: a view that is paused or removed holds no stream and draws nothing.
import { gpsNs, nsOf, Panels } from "./panels.js";
import { moduleOf, obstacleOf, tokenFunctionOf, wordsOf } from "./server.js";

/** @typedef {import("./server.js").Model} Model */
/** @typedef {import("./server.js").QanatModule} QanatModule */
/** @typedef {import("../../../../../src/page/qanat.d.ts").StreamState} StreamState */
/** @typedef {import("../../../../../src/page/qanat.d.ts").Trend} Trend */
/** @typedef {{ base: string, token: (() => Promise<string>) | undefined }} Connection */
/** @typedef {{ name: string, sampleRate?: number }} Channel */

const FRAME_MS = 40;
/** Longer spans are drawn from bins. */
const ROWS_SPAN_MAX_S = 120;
/** Up to which span the bins of a trend are used, so that one is about a column wide. @type {readonly [number, Trend, bigint][]} */
const TRENDS = [
  [1500, "1s", 1_000_000_000n],
  [15_000, "10s", 10_000_000_000n],
  [Infinity, "60s", 60_000_000_000n],
];
/** Most samples of history that are read when a plot begins. */
const HISTORY_SAMPLES_MAX = 3_000_000;
/** The line says what is worst. */
const ORDER = ["refused", "waiting", "ended", "connecting", "live"];
/** What changes the plot when it changes in the model. */
const FIELDS = ["channels", "seconds", "paused"];

class LivePlotView {
  #model;
  #el;
  #plots = document.createElement("div");
  #button = document.createElement("button");
  #status = document.createElement("output");
  /** @type {Panels | null} */
  #panels = null;
  /** By channel. @type {Map<string, StreamState>} */
  #states = new Map();
  /** Ends what runs now. @type {AbortController | null} */
  #running = null;
  #isInSight = true;
  #sight = new IntersectionObserver((seen) => {
    this.#isInSight = seen.at(-1)?.isIntersecting ?? true;
  });
  #again = () => this.#begin();

  /**
   * @param {Model} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.#model = model;
    this.#el = el;
    this.#button.onclick = () => {
      model.set("paused", !model.get("paused"));
      model.save_changes();
    };
    const bar = document.createElement("div");
    bar.style.cssText = "display:flex;gap:10px;align-items:center";
    this.#status.style.fontSize = "12px";
    bar.append(this.#button, this.#status);
    el.append(this.#plots, bar);
    this.#sight.observe(el);
    for (const name of FIELDS) model.on(`change:${name}`, this.#again);
    this.#begin();
  }

  close() {
    this.#running?.abort();
    this.#sight.disconnect();
    for (const name of FIELDS) this.#model.off(`change:${name}`, this.#again);
    this.#el.replaceChildren();
  }

  /** Does what the model says: streams from now on, or is paused. A paused plot keeps its picture. */
  #begin() {
    this.#running?.abort();
    const isPaused = this.#model.get("paused");
    this.#button.textContent = isPaused ? "Resume" : "Pause";
    if (!isPaused || !this.#panels) this.#renew();
    if (isPaused) return this.#say("paused");
    const running = this.#running = new AbortController();
    this.#say("connecting");
    this.#follow(running.signal).catch((error) => {
      if (!running.signal.aborted) this.#say("failed", `failed: ${error}`);
    });
  }

  /** Begins with empty plots. */
  #renew() {
    const [names, seconds] = [this.#model.get("channels"), this.#seconds];
    this.#states.clear();
    this.#panels = new Panels(this.#plots, names, seconds);
  }

  /** @returns {number} */
  get #seconds() {
    return this.#model.get("seconds");
  }

  /** Streams and draws until the signal is aborted. @param {AbortSignal} signal */
  async #follow(signal) {
    const base = `${this.#model.get("url")}/`;
    const say = (/** @type {string} */ why) => this.#say("waiting", why);
    const qanat = await moduleOf(base, { signal, say });
    if (!qanat || signal.aborted) return;
    const connection = { base, token: tokenFunctionOf(this.#model, signal) };
    const isTrend = this.#seconds > ROWS_SPAN_MAX_S;
    if (isTrend) this.#followBins(qanat, connection, signal);
    else this.#followRows(qanat, connection, signal);
    this.#drawUntil(signal, () => qanat.serverClock(connection));
  }

  /**
   * @param {QanatModule} qanat
   * @param {Connection} connection
   * @param {AbortSignal} signal
   */
  #followRows(qanat, connection, signal) {
    let hasHistory = false;
    const stream = qanat.openStream({
      ...this.#optionsOf(connection, signal),
      latest: true,
      onRow: (row) => {
        const rates = this.#panels?.take(row) ?? [];
        if (hasHistory) return;
        hasHistory = true;
        // With the rates the module chooses the encoding.
        stream.update(rates);
        const rate = rates.reduce((sum, one) => sum + one.sampleRate, 0);
        const seconds = Math.min(this.#seconds, HISTORY_SAMPLES_MAX / rate);
        qanat.readRange({
          ...this.#optionsOf(connection, signal, rates),
          startNs: row.timeNs - nsOf(seconds),
          endNs: row.timeNs,
          onRow: (old) => void this.#panels?.take(old),
        });
      },
    });
    signal.addEventListener("abort", () => stream.close());
  }

  /**
   * @param {QanatModule} qanat
   * @param {Connection} connection
   * @param {AbortSignal} signal
   */
  async #followBins(qanat, connection, signal) {
    const [, trend, binNs] = /** @type {typeof TRENDS[0]} */ (
      TRENDS.find(([seconds]) => this.#seconds <= seconds)
    );
    const options = {
      ...this.#optionsOf(connection, signal),
      trend,
      onRow: (/** @type {import("./panels.js").AnyRow} */ row) =>
        void this.#panels?.take(row),
    };
    const stream = qanat.openStream(options);
    signal.addEventListener("abort", () => stream.close());
    while (qanat.serverClock(connection).errorMs === Infinity) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (signal.aborted) return;
    }
    // A range that ended within a bin would wait for its end.
    const { gpsMinusLocalMs } = qanat.serverClock(connection);
    const endNs = gpsNs(gpsMinusLocalMs) / binNs * binNs;
    const startNs = endNs - nsOf(this.#seconds) / binNs * binNs;
    const channels = options.channels.filter(({ name }) =>
      this.#states.get(name)?.state !== "refused"
    );
    if (channels.length === 0) return;
    qanat.readRange({
      ...options,
      ...this.#optionsOf(connection, signal, channels),
      startNs,
      endNs,
    });
  }

  /**
   * What streams and ranges share.
   * @param {Connection} connection
   * @param {AbortSignal} signal
   * @param {readonly Channel[]} [known] of a range; without, all, and their states are shown
   */
  #optionsOf(connection, signal, known) {
    const names = this.#panels?.names ?? [];
    return {
      ...connection,
      signal,
      channels: known ?? names.map((name) => ({ name })),
      onGap: (/** @type {import("./panels.js").AnyGap} */ gap) =>
        this.#panels?.takeGap(gap),
      onState: (/** @type {StreamState} */ state) => {
        if (!known) this.#takeState(state, connection.base, signal);
      },
    };
  }

  /**
   * @param {StreamState} state
   * @param {string} base
   * @param {AbortSignal} signal
   */
  async #takeState(state, base, signal) {
    // The server's time began again: what was drawn is of another time.
    if (state.reason === "time-reset") this.#renew();
    for (const name of state.channels ?? []) {
      this.#states.set(name, state);
      const isRefused = state.state === "refused";
      this.#panels?.refuse(name, isRefused ? state.detail ?? "refused" : "");
    }
    const worst = this.#worst;
    if (!worst) return;
    this.#say(worst.state, wordsOf(worst, this.#model));
    if (worst.reason !== "connection") return;
    const why = await obstacleOf(base);
    if (why && worst === this.#worst && !signal.aborted) {
      this.#say(worst.state, why);
    }
  }

  get #worst() {
    const all = [...this.#states.values()];
    return ORDER.map((kind) => all.find(({ state }) => state === kind))
      .find((state) => state !== undefined);
  }

  /**
   * Draws again and again until the signal is aborted.
   * @param {AbortSignal} signal
   * @param {() => import("./panels.js").Clock} clock
   */
  #drawUntil(signal, clock) {
    let drawnMs = -Infinity;
    const frame = () => {
      if (signal.aborted) return;
      requestAnimationFrame(frame);
      const nowMs = performance.now();
      if (!this.#isInSight || nowMs - drawnMs < FRAME_MS) return;
      drawnMs = nowMs;
      const isLive = this.#worst?.state !== "waiting";
      const pending = isLive ? "no data" : "connection lost";
      const gap = this.#panels?.draw(clock(), pending);
      this.#status.dataset.gap = gap ? ` · ${gap}` : "";
      this.#write();
    };
    frame();
  }

  /**
   * @param {string} state
   * @param {string} [words]
   */
  #say(state, words = state) {
    this.#status.dataset.state = state;
    this.#status.dataset.words = words;
    this.#write();
  }

  #write() {
    const { words = "", gap = "" } = this.#status.dataset;
    const text = words + gap;
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}

export default {
  /** @param {{ model: Model, el: HTMLElement }} options */
  render({ model, el }) {
    const view = new LivePlotView(model, el);
    return () => view.close();
  },
};
