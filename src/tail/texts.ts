// Times, durations, sizes and numbers as text for people.
// Invariant: the functions are pure.

import { secondsText } from "../blocks/time_text.ts";
import { terminalText } from "../text/terminal.ts";

/** A gap in words; times in GPS ns. */
export function gapText(
  { from, to, reason }: {
    from: bigint | null;
    to: bigint | null;
    reason: string;
  },
): string {
  const span = from !== null && to !== null
    ? ` of ${durationText(Number(to - from) / 1e6)}`
    : "";
  const at = from !== null ? ` from GPS ${secondsText(from)}` : "";
  return `gap${span}${at}: ${terminalText(String(reason))}`;
}

/** A duration in ms as `71 ms`, `4.2 s`, `3 min 05 s` or `2 h 05 min`. */
export function durationText(ms: number): string {
  if (Number.isNaN(ms)) return "–";
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** A value in at most ten characters. */
export function shortNumber(value: number | string | null): string {
  if (value === null) return "–";
  const number = Number(value);
  const text = String(value);
  if (text.length <= 10) return terminalText(text);
  const size = Math.abs(number);
  if (size >= 1e-3 && size < 1e6) return number.toPrecision(7).slice(0, 10);
  return number.toExponential(3);
}

/** Bytes as `3.4 MB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000;
    unit++;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}
