// Writes the times with which lines begin: UTC in ISO 8601 with nine decimals, and GPS time.
// Invariant: both are the same time, also in a leap second.
import { utcTextOf } from "../blocks/utc_text.ts";
import type { LineFormat } from "./stream_format.ts";

const DIGITS = 9;
const ZERO = 48;
const SECOND_NS = 1_000_000_000;
const encoder = new TextEncoder();

/** The texts of a line's beginning, in a GPS second: nine decimals are written between each two of them. */
type TimeTexts = (second: number) => readonly string[];

/** `binNs`: length of the bins that lines have, ns; null for samples. */
function textsOf(format: LineFormat, binNs: bigint | null): TimeTexts {
  switch (format) {
    case "csv":
      return (second) => [`${utcTextOf(second)}.`, `Z,${second}`, ""];
    case "gwpy":
      return (second) => [`${second}.`, ""];
    case "ndjson": {
      const bin = binNs === null ? "" : `"bin_ns":${binNs},`;
      return (second) => [
        `{"time":"${utcTextOf(second)}.`,
        `Z","gps_ns":"${second}`,
        `",${bin}"channels":{`,
      ];
    }
  }
}

/** Writes times; the texts of a second are made once for all of its lines. */
export class LineTimes {
  readonly #textsOf: TimeTexts;
  #second = -1;
  #texts: readonly Uint8Array[] = [];
  #startSecond = 0;
  #startNs = 0;

  constructor(format: LineFormat, binNs: bigint | null = null) {
    this.#textsOf = textsOf(format, binNs);
  }

  /** Sets the time from which `write` counts, GPS ns. */
  begin(startNs: bigint): void {
    this.#startSecond = Number(startNs / BigInt(SECOND_NS));
    this.#startNs = Number(startNs % BigInt(SECOND_NS));
  }

  /** Writes the time `offsetNs` whole ns after the beginning; returns the byte offset behind it. */
  write(out: Uint8Array, at: number, offsetNs: number): number {
    const ns = this.#startNs + offsetNs;
    const seconds = Math.floor(ns / SECOND_NS);
    const texts = this.#textsIn(this.#startSecond + seconds);
    const last = texts.length - 1;
    for (let i = 0; i < last; i++) {
      at = putBytes(out, at, texts[i]!);
      at = writeDecimals(out, at, ns - seconds * SECOND_NS);
    }
    return putBytes(out, at, texts[last]!);
  }

  #textsIn(second: number): readonly Uint8Array[] {
    if (second !== this.#second) {
      this.#second = second;
      this.#texts = this.#textsOf(second).map((text) => encoder.encode(text));
    }
    return this.#texts;
  }
}

/** Copies a few bytes: faster than `set` up to about 50 of them. Returns the byte offset behind them. */
export function putBytes(
  out: Uint8Array,
  at: number,
  bytes: Uint8Array,
): number {
  const { length } = bytes;
  for (let i = 0; i < length; i++) out[at + i] = bytes[i]!;
  return at + length;
}

/** Nine digits. */
function writeDecimals(out: Uint8Array, at: number, ns: number): number {
  for (let i = at + DIGITS - 1; i >= at; i--) {
    const rest = (ns / 10) | 0;
    out[i] = ZERO + (ns - rest * 10);
    ns = rest;
  }
  return at + DIGITS;
}
