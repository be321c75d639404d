// The log: one JSON object a line, with a level. The caller chooses where lines go.
// Invariant: a line is printable text whatever its fields contain, so that a terminal that shows it acts on nothing.
import { printableJson } from "../text/printable_json.ts";

/** All levels, the lowest first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
/** From the lowest to the highest: `debug`, `info`, `warn`, `error`. */
export type LogLevel = typeof LOG_LEVELS[number];

/** Each method takes the name of an event and its fields. */
export interface Logger {
  /** For developers. */
  debug(event: string, fields?: Record<string, unknown>): void;
  /** What happens as expected. */
  info(event: string, fields?: Record<string, unknown>): void;
  /** What an operator should look at. */
  warn(event: string, fields?: Record<string, unknown>): void;
  /** What does not work. */
  error(event: string, fields?: Record<string, unknown>): void;
}

/**
 * A logger that writes lines such as `{"time":"…","level":"info","event":"client-open",…}`. `common`: fields of all of
 * them.
 */
export function jsonLogger(
  write: (line: string) => void,
  level: LogLevel,
  common: Record<string, unknown> = {},
): Logger {
  const lowest = LOG_LEVELS.indexOf(level);
  const time = new TimeText();
  const at = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) < lowest) return () => {};
    return (event: string, fields?: Record<string, unknown>) =>
      write(lineOf(time.now(), name, event, { ...common, ...fields }));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** One line of the log, of this moment. */
export function logLine(
  level: LogLevel,
  event: string,
  fields?: Record<string, unknown>,
): string {
  return lineOf(new TimeText().now(), level, event, fields);
}

function lineOf(
  time: string,
  level: LogLevel,
  event: string,
  fields: Record<string, unknown> | undefined,
): string {
  const entry = { time, level, event, ...fields };
  try {
    return printableJson(JSON.stringify(entry));
  } catch {
    // A replacer costs more than the rest of a line, and few lines contain a bigint.
    return printableJson(JSON.stringify(entry, bigintAsText));
  }
}

/** The time as ISO 8601. It is kept for a millisecond, since thousands of lines may have the same one. */
class TimeText {
  #ms = -1;
  #text = "";

  now(): string {
    const nowMs = Date.now();
    if (nowMs !== this.#ms) {
      this.#ms = nowMs;
      this.#text = new Date(nowMs).toISOString();
    }
    return this.#text;
  }
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
