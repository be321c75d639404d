// The range of time of a stream: `start`, and `end` or `duration`.
import {
  BEFORE_GPS,
  beforeGpsText,
  secondsText,
  type TextTime,
  timeOfText,
} from "../../blocks/time_text.ts";
import { DURATION_MAX_S } from "../documents/stream_parameters.ts";
import { badParameter, problem, quoted } from "../transport/problem.ts";
import { decimalOf } from "./decimal.ts";
import type { ResumePoint } from "./resume_point.ts";
import type { StreamFields } from "./stream_fields.ts";

/** A range of time, GPS ns; what is undefined was not given. */
export interface StreamRange {
  readonly startNs: bigint | undefined;
  /** Exclusive. */
  readonly endNs: bigint | undefined;
  readonly durationNs: bigint | undefined;
  /** The end is not the same when the request is repeated: it was given relative to now, or counts from such a start. */
  readonly hasMovingEnd: boolean;
  /** The start was given relative to now: when the request is repeated, it is later than what was received. */
  readonly hasMovingStart: boolean;
  /** Whether no time was given relative to now. */
  readonly isFixed: boolean;
}

/** Publishers' clocks may be a little ahead of this one. */
const AHEAD_NS = 2_000_000_000n;

/** The range that the fields ask for, or 400. */
export function rangeOf(
  { start, end, duration }: StreamFields,
  { nowNs, resume }: {
    /** GPS time now. */
    readonly nowNs: bigint;
    readonly resume: ResumePoint | null | undefined;
  },
): StreamRange | Response {
  const durationNs = durationOf(duration);
  if (durationNs instanceof Response) return durationNs;
  const from = timeOf("start", start, nowNs);
  if (from instanceof Response) return from;
  const to = timeOf("end", end, nowNs);
  if (to instanceof Response) return to;
  const startNs = from?.timeNs;
  const endNs = to?.timeNs;
  if (endNs !== undefined && durationNs !== undefined) {
    return problem("conflicting_parameters", {
      detail: "end and duration are both given; give one of them",
      param: "duration",
    });
  }
  if (startNs !== undefined && startNs > nowNs + AHEAD_NS) {
    return noRange(
      "start",
      `start is ${
        (startNs - nowNs) / 1_000_000_000n
      } s in the future; the time is GPS ${nowNs / 1_000_000_000n} now`,
    );
  }
  if (startNs !== undefined && endNs !== undefined && endNs <= startNs) {
    return noRange("end", "end must be later than start");
  }
  // A reconnect asks for the rest of a range that began at the time of its first request.
  const isFromNow = startNs === undefined && !resume;
  if (isFromNow && endNs !== undefined && endNs <= nowNs) {
    return noRange(
      "end",
      "end is in the past and start is not given; give a start, too",
    );
  }
  const hasMovingEnd = durationNs === undefined
    ? to?.isRelative === true
    : from?.isRelative !== false;
  const hasMovingStart = from?.isRelative === true;
  const isFixed = !hasMovingStart && to?.isRelative !== true;
  return {
    startNs,
    endNs,
    durationNs,
    hasMovingEnd,
    hasMovingStart,
    isFixed,
  };
}

function noRange(param: "start" | "end", detail: string): Response {
  return problem("bad_range", { detail, param });
}

/** `duration=` in ns. */
function durationOf(text: string | undefined): bigint | undefined | Response {
  if (text === undefined) return undefined;
  const seconds = decimalOf(text);
  if (seconds > 0 && seconds <= DURATION_MAX_S) {
    return BigInt(Math.round(seconds * 1e9));
  }
  return badParameter(
    "duration",
    `duration must be a number of seconds above 0 and at most ${DURATION_MAX_S}, not ${
      quoted(text)
    }`,
  );
}

/** `start=` or `end=`. */
function timeOf(
  name: "start" | "end",
  text: string | undefined,
  nowNs: bigint,
): TextTime | undefined | Response {
  if (text === undefined) return undefined;
  const time = timeOfText(text, nowNs);
  if (time === BEFORE_GPS) {
    return badParameter(name, `${name} ${beforeGpsText(nowNs)}`);
  }
  if (time !== null) return time;
  return badParameter(
    name,
    `${name} must be GPS seconds such as ${nowNs / 1_000_000_000n} or ` +
      `1126259462.42 (at most 10 digits before the point and 9 after it), or UTC in ISO 8601 such as ` +
      `2015-09-14T09:50:45.4Z (not before 1980-01-06T00:00:00Z), or relative such as now, -60 (seconds before now), -15m or -2h, ` +
      `not ${quoted(text)}`,
  );
}

/** Headers with the range as GPS seconds, so that a client which asked for relative times can ask for it again. */
export function rangeHeaders(
  { startNs, endNs, durationNs }: StreamRange,
): Record<string, string> {
  const toNs = endNs ??
    (startNs === undefined || durationNs === undefined
      ? undefined
      : startNs + durationNs);
  return {
    ...(startNs === undefined ? {} : { "x-start": secondsText(startNs) }),
    ...(toNs === undefined ? {} : { "x-end": secondsText(toNs) }),
  };
}
