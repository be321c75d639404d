// The log: one JSON object a line, with a level. Where lines go is the caller's choice.
// Invariant: a line is printable, whatever its fields hold: who reads it in a terminal sees text and nothing else.
import { printableJson } from "../text/printable_json.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Takes an event's name and its fields. */
export interface Logger {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** A logger that writes lines such as `{"time":"…","level":"info","event":"client-open",…}`. */
export function jsonLogger(
  write: (line: string) => void,
  level: LogLevel,
): Logger {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => {
    if (LOG_LEVELS.indexOf(name) < lowest) return () => {};
    return (event: string, fields?: Record<string, unknown>) =>
      write(logLine(name, event, fields));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** One line of the log. */
export function logLine(
  level: LogLevel,
  event: string,
  fields?: Record<string, unknown>,
): string {
  const entry = { time: timeText(), level, event, ...fields };
  try {
    return printableJson(JSON.stringify(entry));
  } catch {
    // A replacer costs more than all the rest of a line; few lines need it.
    return printableJson(JSON.stringify(entry, bigintAsText));
  }
}

let textOfMs = -1;
let text = "";

/** Thousands of lines may fall in one ms. */
function timeText(): string {
  const nowMs = Date.now();
  if (nowMs !== textOfMs) {
    textOfMs = nowMs;
    text = new Date(nowMs).toISOString();
  }
  return text;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
