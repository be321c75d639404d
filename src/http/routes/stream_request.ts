// What a client asks of a stream: parsed from the query or a JSON body, checked, and turned into channels.
// Invariant: every refusal names what was wrong and what would be right.
import type { Catalog } from "../../channels/catalog.ts";
import type { Channel } from "../../channels/channel.ts";
import { byText, sortedInSlices } from "../../channels/sorted_names.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { gpsNsOfText } from "../../blocks/gps_time.ts";
import { ROW_STRIDE_MAX_NS, rowStrideOf } from "../../blocks/row_stride.ts";
import type { GapPolicy, SlowPolicy } from "../../clients/client.ts";
import type { Coding } from "../../frames/stream_format.ts";
import { decimalOf } from "./decimal.ts";
import {
  fits,
  TREND_BINS,
  TREND_NAMES,
  type TrendBin,
  trendBinOf,
  type TrendName,
} from "../../trends/trend_bins.ts";
import { problem, quoted } from "../transport/problem.ts";
import { searched } from "./searched.ts";
import { type ResumePoint, resumePointOf } from "./resume_point.ts";
import type { StreamFields } from "./stream_fields.ts";
import {
  CODINGS,
  DURATION_MAX_S,
  ENCODINGS,
  GAPS,
  SLOW,
  type StreamParameter,
} from "../documents/stream_parameters.ts";

/** A checked request. */
export interface StreamRequest {
  /** Sorted by name, all of one context. */
  readonly channels: readonly Channel[];
  readonly encoding: "json" | "arrow";
  /** `coding=`, as given. */
  readonly coding: Coding | undefined;
  readonly startNs: bigint | undefined;
  readonly endNs: bigint | undefined;
  readonly durationNs: bigint | undefined;
  readonly gaps: GapPolicy | undefined;
  readonly slow: SlowPolicy | undefined;
  /** Bins in the place of rows. */
  readonly trend: TrendBin | undefined;
  /** Where it goes on; null when its id is none of ours, undefined when it gives none. */
  readonly resume: ResumePoint | null | undefined;
}

/** Unknown channels that are named, with names like them. */
const UNKNOWN_MAX = 20;
/** Channels whose strides are looked at in a step. */
const CHANNELS_A_STEP = 10;

/** Checks the fields and finds the channels. Throws {@linkcode LimitError}. */
export function* streamRequest(
  fields: StreamFields,
  catalog: Catalog,
  options: {
    channelsMax: number;
    nowNs: bigint;
    /** The header of this name. */
    lastEventId?: string | undefined;
    /** Hears of a selection that is too large. */
    onTooMany?: () => void;
  },
): SlicedWork<StreamRequest | Response> {
  const { names, replay } = fields;
  // An empty expression would match every name; forms send one where nothing was typed.
  const match = fields.match || undefined;
  const { channelsMax } = options;
  const choices = [
    ["gaps", GAPS],
    ["slow", SLOW],
    ["trend", TREND_NAMES],
    ["encoding", ENCODINGS],
    ["coding", CODINGS],
  ];
  for (
    const [name, known] of choices as [StreamParameter, readonly string[]][]
  ) {
    const value = fields[name];
    if (value === undefined || known.some((k) => k === value)) continue;
    return bad(
      `${name} must be one of ${known.join(", ")}, not ${quoted(value)}`,
    );
  }
  // A reconnect repeats the URL with its first `after`: what the library adds is newer. Empty ones are not given.
  const id = options.lastEventId || fields.lastEventId || fields.after;
  const resume = resumePointOf(id);
  const range = rangeOf(fields, options.nowNs, resume);
  if (range instanceof Response) return range;
  const replayId = replay === undefined || replay === "" ? null : replay;
  if (replayId !== null && !catalog.hasContext(replayId)) {
    return problem(404, {
      title: "Unknown replay context",
      detail: `There is no replay context ${quoted(replayId)}`,
      known: catalog.replayIds().slice(0, 100),
    });
  }
  const chosen = yield* choose(catalog, {
    names,
    match,
    replayId,
    channelsMax,
  });
  if (chosen instanceof Response) return chosen;
  if (chosen.size > channelsMax) {
    options.onTooMany?.();
    return tooManyChannels(channelsMax);
  }
  if (chosen.size === 0) {
    return bad(
      match === undefined
        ? `Give channels=A,B or match=EXPRESSION${
          fields.match === "" ? "; an empty match selects nothing" : ""
        }`
        : `No channel matches ${quoted(match)}`,
      "Nothing selected",
    );
  }
  const found = yield* sortedInSlices([...chosen.values()], byName);
  const trend = trendOf(fields, found);
  if (trend instanceof Response) return trend;
  yield Math.ceil(found.length / CHANNELS_A_STEP);
  const strideNs = rowStrideOf([...new Set(found.map((c) => c.strideNs))]);
  if (fields.trend === undefined && strideNs > ROW_STRIDE_MAX_NS) {
    return bad(
      `The channels' strides have a least common multiple of ${strideNs} ns or more, at most ${ROW_STRIDE_MAX_NS} ns can be joined`,
      "Strides do not fit",
    );
  }
  return {
    channels: found,
    encoding: fields.encoding === "arrow" ? "arrow" : "json",
    coding: fields.coding as Coding | undefined,
    ...range,
    resume,
    trend: fields.trend === undefined ? undefined : trend,
    gaps: fields.gaps as GapPolicy | undefined,
    slow: fields.slow as SlowPolicy | undefined,
  };
}

/** The bins of `trend=`, or of 1 s for `slow=trend`; undefined where neither is asked for. */
function trendOf(
  { trend, slow }: StreamFields,
  channels: readonly Channel[],
): TrendBin | undefined | Response {
  if (trend === undefined && slow !== "trend") return undefined;
  if (trend !== undefined && slow === "trend") {
    return bad(
      "slow=trend is for rows; a stream of trends takes gap, latest or close",
    );
  }
  const bin = trendBinOf((trend ?? "1s") as TrendName);
  const odd = channels.find(({ strideNs }) => !fits(bin, strideNs));
  if (!odd) return bin;
  const would = TREND_BINS.filter((b) => fits(b, odd.strideNs));
  return bad(
    `Blocks of ${odd.name} span ${odd.strideNs} ns, which does not divide ` +
      `bins of ${bin.name}; ${
        would.length === 0
          ? "it has no trends"
          : `it has trends of ${would.map((b) => b.name).join(", ")}`
      }`,
    "Strides do not fit",
  );
}

/** Blocks may be stamped a little ahead of this clock. */
const AHEAD_NS = 2_000_000_000n;

/** The range of time that is asked for. A replay's times are of the past, whatever the clock says. */
function rangeOf(
  { start, end, duration }: StreamFields,
  nowNs: bigint,
  resume: ResumePoint | null | undefined,
): Pick<StreamRequest, "startNs" | "endNs" | "durationNs"> | Response {
  let durationNs: bigint | undefined;
  if (duration !== undefined) {
    const seconds = decimalOf(duration);
    if (!(seconds > 0 && seconds <= DURATION_MAX_S)) {
      return bad(
        `duration must be a number of seconds above 0 and at most ${DURATION_MAX_S}, not ${
          quoted(duration)
        }`,
      );
    }
    durationNs = BigInt(Math.round(seconds * 1e9));
  }
  const times: (bigint | undefined)[] = [];
  for (const [name, text] of [["start", start], ["end", end]] as const) {
    const timeNs = text === undefined ? undefined : gpsNsOfText(text);
    if (timeNs === null) {
      return bad(
        `${name} must be GPS seconds such as ${nowNs / 1_000_000_000n} or ` +
          `1126259462.42 (at most 10 digits before the point and 9 behind it), or ISO 8601 UTC from ` +
          `1980-01-06T00:00:00Z on such as 2015-09-14T09:50:45.4Z, not ${
            quoted(text!)
          }`,
      );
    }
    times.push(timeNs);
  }
  const [startNs, endNs] = times;
  if (endNs !== undefined && durationNs !== undefined) {
    return bad("Give end or duration, not both");
  }
  if (startNs !== undefined && startNs > nowNs + AHEAD_NS) {
    return bad(
      `start lies ${
        (startNs - nowNs) / 1_000_000_000n
      } s in the future; now is GPS ${nowNs / 1_000_000_000n}`,
    );
  }
  if (startNs !== undefined && endNs !== undefined && endNs <= startNs) {
    return bad("end must lie after start");
  }
  // A reconnect asks for what is left of a range that began at the now of its first request.
  const isFromNow = startNs === undefined && !resume;
  if (isFromNow && endNs !== undefined && endNs <= nowNs) {
    return bad("end lies in the past: give a start, too");
  }
  return { startNs, endNs, durationNs };
}

interface Selection {
  readonly names: readonly string[] | undefined;
  readonly match: string | undefined;
  readonly replayId: string | null;
  readonly channelsMax: number;
}

/** The channels by name: those of `names`, and those that match. One more than are allowed, if there are more. */
function* choose(
  catalog: Catalog,
  { names = [], match, replayId, channelsMax }: Selection,
): SlicedWork<Map<string, Channel> | Response> {
  const chosen = new Map<string, Channel>();
  const unknown: string[] = [];
  for (const name of names) {
    yield 1;
    const channel = catalog.get(name, replayId);
    if (channel) chosen.set(name, channel);
    else if (unknown.length < UNKNOWN_MAX) unknown.push(name);
    if (chosen.size > channelsMax) return chosen;
  }
  if (unknown.length > 0) {
    return yield* unknownChannels(catalog, unknown, replayId);
  }
  if (match === undefined) return chosen;
  // Any number of those that match may be among the names.
  const limit = channelsMax + 1;
  const page = { limit: limit + chosen.size };
  const found = yield* searched(catalog.search({ match, replayId }, page));
  if (found instanceof Response) return found;
  for (const channel of found.channels) {
    yield 1;
    chosen.set(channel.name, channel);
  }
  return chosen;
}

function* unknownChannels(
  catalog: Catalog,
  names: readonly string[],
  replayId: string | null,
): SlicedWork<Response> {
  const unknown: { name: string; near: string[] }[] = [];
  for (const name of names) {
    unknown.push({ name, near: yield* catalog.nearing(name, replayId) });
  }
  return problem(404, {
    title: "Unknown channels",
    detail: `No such channel: ${names.join(", ")}`,
    unknown,
  });
}

/** More channels than a selection may have. */
export function tooManyChannels(channelsMax: number): Response {
  return bad(
    `The selection has more than ${channelsMax} channels, at most ${channelsMax} are allowed`,
    "Too many channels",
  );
}

function byName(a: Channel, b: Channel): number {
  return byText(a.name, b.name);
}

function bad(detail: string, title = "Bad request"): Response {
  return problem(400, { title, detail });
}
