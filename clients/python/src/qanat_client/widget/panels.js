// The plots of a widget, one for each channel: takes rows and gaps, and draws all of them over the same time.
// Invariant: times are seconds since the first time that was taken, since GPS nanoseconds exceed a double.
import { Columns } from "./columns.js";
import { drawChannel, TIMES_PX } from "./drawing.js";

/** @typedef {{ timeNs: bigint, strideNs: bigint, channels: any, missing: any, latencyMs?: number | undefined }} AnyRow a row or a bin */
/** @typedef {{ fromNs: bigint, toNs: bigint, reason: string, channels?: readonly string[] | undefined }} AnyGap */
/** @typedef {{ gpsMinusLocalMs: number, gpsMinusUnixMs: number }} Clock */
/** @typedef {{ columns: Columns, canvas: HTMLCanvasElement, message: HTMLElement, colour: string, isRefused: boolean }} Panel */

const COLOURS = ["#2f7fc1", "#c8620e", "#2f8f57", "#9a5fc7", "#c7407f"];
const PLOT_PX = 110;
const DELAY_MAX_S = 5;
/** So much may be missing at the right edge without a word: 2.5 rows, and a second. */
const LATE_ROWS = 2.5;
const LATE_S = 1;

export class Panels {
  #element;
  #seconds;
  /** @type {Map<string, Panel>} */
  #all = new Map();
  /** GPS time of the time 0, ns. @type {bigint | null} */
  #originNs = null;
  /** How far behind now the right edge is, so that rows are there when they are shown, s. */
  #delayS = 0;

  /**
   * @param {HTMLElement} element its children are replaced
   * @param {string[]} names
   * @param {number} seconds that are shown
   */
  constructor(element, names, seconds) {
    this.#element = element;
    this.#seconds = seconds;
    element.replaceChildren();
    names.forEach((name, i) => {
      const colour = COLOURS[i % COLOURS.length];
      const title = document.createElement("div");
      title.textContent = name;
      title.style.cssText = `font-size:12px;font-weight:600;color:${colour}`;
      const message = document.createElement("div");
      const canvas = document.createElement("canvas");
      const height = PLOT_PX + (i === names.length - 1 ? TIMES_PX : 0);
      canvas.style.cssText = `display:block;width:100%;height:${height}px`;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `live plot of ${name}`);
      element.append(title, message, canvas);
      const columns = new Columns(seconds);
      this.#all.set(name, {
        columns,
        canvas,
        message,
        colour,
        isRefused: false,
      });
    });
  }

  get names() {
    return [...this.#all.keys()];
  }

  /** Takes a row or a bin, live or of history; returns its channels with their rates. @param {AnyRow} row */
  take({ timeNs, strideNs, channels, missing, latencyMs }) {
    const fromS = this.#secondsOf(timeNs);
    const strideS = Number(strideNs) / 1e9;
    if (latencyMs !== undefined) {
      const delayS = Math.min(latencyMs / 1000, DELAY_MAX_S) + strideS;
      this.#delayS = Math.max(delayS, this.#delayS - strideS / 100);
    }
    const rates = [];
    for (const [name, { columns }] of this.#all) {
      const samples = channels[name];
      if (samples === undefined) continue;
      if (samples === null) {
        const reason = missing[name] ?? "missing";
        columns.addGap({ fromS, toS: fromS + strideS, reason });
      } else if ("count" in samples) columns.putBin(fromS, strideS, samples);
      else columns.putSamples(fromS, strideS, samples);
      rates.push({ name, sampleRate: (samples?.length ?? 0) / strideS });
    }
    return rates;
  }

  /** @param {AnyGap} gap */
  takeGap({ fromNs, toNs, reason, channels }) {
    const fromS = this.#secondsOf(fromNs);
    const toS = this.#secondsOf(toNs);
    for (const name of channels ?? this.#all.keys()) {
      this.#all.get(name)?.columns.addGap({ fromS, toS, reason });
    }
  }

  /** Shows why a channel has no plot; empty: the plot. @param {string} name @param {string} why */
  refuse(name, why) {
    const panel = this.#all.get(name);
    if (!panel) return;
    panel.isRefused = why !== "";
    panel.message.textContent = why;
    panel.canvas.style.display = panel.isRefused ? "none" : "block";
  }

  /**
   * Draws all. Returns the newest time without data that is in sight, in words; empty where there is none.
   * @param {Clock} clock
   * @param {string} pending why the newest data are not there, where they are not
   */
  draw({ gpsMinusLocalMs, gpsMinusUnixMs }, pending) {
    if (this.#originNs === null) return "";
    const toS = this.#secondsOf(gpsNs(gpsMinusLocalMs)) - this.#delayS;
    const fromS = toS - this.#seconds;
    const ink = getComputedStyle(this.#element).color;
    const utcS = Number(this.#originNs / 1000n) / 1e6 - gpsMinusUnixMs / 1000;
    let [gapWords, silence] = ["", ""];
    const shown = [...this.#all.values()].filter(({ isRefused }) => !isRefused);
    for (const [i, { columns, canvas, colour }] of shown.entries()) {
      const gaps = columns.gaps.filter((gap) => gap.toS > fromS);
      const gap = gaps.at(-1);
      if (gap) {
        gapWords = `gap of ${rounded(gap.toS - gap.fromS)} s: ${gap.reason}`;
      }
      const silentS = toS - columns.endS;
      if (silentS > LATE_S + LATE_ROWS * columns.strideS) {
        gaps.push({ fromS: columns.endS, toS, reason: pending });
        // A channel of which nothing has come has no such time.
        silence = silentS === Infinity
          ? pending
          : `${pending} for ${Math.floor(silentS)} s`;
      }
      const hasTimes = i === shown.length - 1;
      const picture = { fromS, toS, colour, ink, utcS, hasTimes, gaps };
      drawChannel(canvas, columns, picture);
    }
    return [silence, gapWords].filter((words) => words !== "").join(" · ");
  }

  /** Seconds since the time 0. @param {bigint} ns */
  #secondsOf(ns) {
    this.#originNs ??= ns;
    return Number(ns - this.#originNs) / 1e9;
  }
}

/** A number with three digits, without zeros at its end. @param {number} value */
function rounded(value) {
  return Number(value.toPrecision(3));
}

/** GPS time now, ns. @param {number} gpsMinusLocalMs */
export function gpsNs(gpsMinusLocalMs) {
  return BigInt(Math.round((Date.now() + gpsMinusLocalMs) * 1000)) * 1000n;
}

/** A length of time in ns, rounded up to microseconds. @param {number} seconds */
export function nsOf(seconds) {
  return BigInt(Math.ceil(seconds * 1e6)) * 1000n;
}
