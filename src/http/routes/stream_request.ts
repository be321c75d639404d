// What a client asks of a stream: the fields of its query or body, checked, with the channels that they select.
// Invariant: every refusal names what was wrong and what would be right.
import { ROW_STRIDE_MAX_NS, rowStrideOf } from "../../blocks/row_stride.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { Channel } from "../../channels/channel.ts";
import { byName, sortedInSlices } from "../../channels/sorted_names.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { GapPolicy, SlowPolicy } from "../../clients/client_options.ts";
import type {
  Coding,
  LineFormat,
  RowEncoding,
} from "../../frames/stream_format.ts";
import {
  fits,
  TREND_BINS,
  type TrendBin,
  trendBinOf,
  type TrendName,
} from "../../trends/trend_bins.ts";
import type { Parameters } from "../documents/api_document.ts";
import { badParameter, problem, quoted } from "../transport/problem.ts";
import { chosenChannels, tooManyChannels } from "./channel_choice.ts";
import { type ResumePoint, resumePointOf } from "./resume_point.ts";
import type { StreamFields } from "./stream_fields.ts";
import { rangeOf, type StreamRange } from "./stream_range.ts";

/** A checked request. */
export interface StreamRequest extends StreamRange {
  /** Sorted by name, all of one context: live, or one replay. */
  readonly channels: readonly Channel[];
  /** Whether an expression chose them, or some of them. */
  readonly isByMatch: boolean;
  readonly encoding: RowEncoding;
  /** `format=` of lines, as given. */
  readonly format: LineFormat | undefined;
  /** Whether lines begin with units. */
  readonly hasUnits: boolean;
  /** `coding=`, as given. */
  readonly coding: Coding | undefined;
  readonly gaps: GapPolicy | undefined;
  readonly slow: SlowPolicy | undefined;
  /** Begins with the newest row, unless `resume` says where. */
  readonly latest: boolean;
  /** Length of the bins that are sent instead of rows. */
  readonly trend: TrendBin | undefined;
  /** Where a client that reconnects resumes; null when its id cannot be read, undefined when it sends none. */
  readonly resume: ResumePoint | null | undefined;
}

export interface StreamRequestOptions {
  /** Those that the path takes: a problem names no others. */
  readonly parameters: Parameters;
  readonly channelsMax: number;
  /** GPS time now, ns. */
  readonly nowNs: bigint;
  /** The header of this name. */
  readonly lastEventId?: string | undefined;
  /** Called for a selection that is too large. */
  readonly onTooMany?: () => void;
}

/** Replay contexts that a problem names. */
const REPLAYS_SHOWN_MAX = 100;
/** Channels whose strides are looked at in a step. */
const CHANNELS_A_STEP = 10;

/** Checks the fields and finds the channels. Throws {@linkcode LimitError}. */
export function* streamRequest(
  fields: StreamFields,
  catalog: Catalog,
  options: StreamRequestOptions,
): SlicedWork<StreamRequest | Response> {
  const wrong = wrongChoice(fields, options.parameters);
  if (wrong !== null) return wrong;
  // A reconnect repeats the URL with its first `after`; the id that the library adds is newer. Empty ids are ignored.
  const id = options.lastEventId || fields.lastEventId || fields.after;
  const resume = resumePointOf(id);
  const range = rangeOf(fields, { nowNs: options.nowNs, resume });
  if (range instanceof Response) return range;
  if (fields.latest === "1" && range.startNs !== undefined) {
    return problem("conflicting_parameters", {
      detail:
        "latest=1 begins with the newest row, and start with the row of its time; give one of them",
      param: "latest",
    });
  }
  const channels = yield* selectionOf(fields, catalog, options);
  if (channels instanceof Response) return channels;
  const trend = trendOf(fields, channels);
  if (trend instanceof Response) return trend;
  yield* catalog.notes.finding(channels);
  yield Math.ceil(channels.length / CHANNELS_A_STEP);
  const unfit = fields.trend === undefined ? unfitStrides(channels) : null;
  if (unfit !== null) return unfit;
  return {
    channels,
    isByMatch: (fields.match ?? "") !== "",
    encoding: (fields.encoding ?? "json") as RowEncoding,
    coding: fields.coding as Coding | undefined,
    format: fields.format as LineFormat | undefined,
    hasUnits: fields.units === "1",
    ...range,
    resume,
    trend: fields.trend === undefined ? undefined : trend,
    latest: fields.latest === "1",
    gaps: fields.gaps as GapPolicy | undefined,
    slow: fields.slow as SlowPolicy | undefined,
  };
}

/** Refuses a value that is none of those which the path takes. */
function wrongChoice(
  fields: StreamFields,
  parameters: Parameters,
): Response | null {
  for (const [name, { enum: known }] of Object.entries(parameters)) {
    const value = fields[name as keyof StreamFields] as string | undefined;
    if (known === undefined || value === undefined) continue;
    const values = known as readonly string[];
    if (values.includes(value)) continue;
    return badParameter(
      name,
      `${name} must be one of ${values.join(", ")}, not ${quoted(value)}`,
    );
  }
  return null;
}

/** The channels that the fields select, sorted by name. */
function* selectionOf(
  fields: StreamFields,
  catalog: Catalog,
  { channelsMax, onTooMany }: StreamRequestOptions,
): SlicedWork<readonly Channel[] | Response> {
  const { names, replay } = fields;
  // An empty expression would match every name; forms send one for an empty input.
  const match = fields.match || undefined;
  const replayId = replay === undefined || replay === "" ? null : replay;
  if (replayId !== null && !catalog.hasContext(replayId)) {
    return problem("unknown_replay", {
      detail: `There is no replay context ${quoted(replayId)}`,
      param: "replay",
      known: catalog.replayIds(REPLAYS_SHOWN_MAX),
    });
  }
  const chosen = yield* chosenChannels(catalog, {
    names,
    match,
    replayId,
    channelsMax,
  });
  if (chosen instanceof Response) return chosen;
  if (chosen.size > channelsMax) {
    onTooMany?.();
    return tooManyChannels(channelsMax);
  }
  if (chosen.size === 0) {
    return problem("nothing_selected", {
      detail: match === undefined
        ? `The request selects no channels; give channels=A,B or match=EXPRESSION${
          fields.match === "" ? " (an empty match selects nothing)" : ""
        }`
        : `No channel matches ${quoted(match)}`,
      param: match === undefined ? "channels" : "match",
    });
  }
  return yield* sortedInSlices([...chosen.values()], byName);
}

/** The bins of `trend=`, or of 1 s for `slow=trend`; undefined where neither is asked for. */
function trendOf(
  { trend, slow }: StreamFields,
  channels: readonly Channel[],
): TrendBin | undefined | Response {
  if (trend === undefined && slow !== "trend") return undefined;
  if (trend !== undefined && slow === "trend") {
    return problem("conflicting_parameters", {
      detail:
        "slow=trend works with streams of rows only; with trend=, give slow=gap, latest or close",
      param: "slow",
    });
  }
  const bin = trendBinOf((trend ?? "1s") as TrendName);
  const odd = channels.find(({ strideNs }) => !fits(bin, strideNs));
  if (!odd) return bin;
  const would = TREND_BINS.filter((b) => fits(b, odd.strideNs));
  return problem("strides_do_not_fit", {
    detail:
      `A bin of ${bin.name} is not a whole number of blocks of ${odd.name}, which are ${odd.strideNs} ns long; ` +
      (would.length === 0
        ? "this channel has no trends"
        : `this channel has trends of ${would.map((b) => b.name).join(", ")}`),
    param: trend === undefined ? "slow" : "trend",
  });
}

/** A problem where the channels' blocks cannot be joined into rows; else null. */
function unfitStrides(channels: readonly Channel[]): Response | null {
  const strides = [...new Set(channels.map((c) => c.strideNs))];
  const strideNs = rowStrideOf(strides);
  if (strideNs <= ROW_STRIDE_MAX_NS) return null;
  return problem("strides_do_not_fit", {
    detail:
      `A row of these channels would span ${strideNs} ns or more, the least common multiple of their strides; ` +
      `at most ${ROW_STRIDE_MAX_NS} ns are allowed. Select channels of more similar strides`,
    param: "channels",
  });
}

/** Whether a client that comes back has received all of its range. */
export function hasWholeRange(
  { startNs, endNs, durationNs, hasMovingEnd, resume }: StreamRequest,
): boolean {
  if (!resume) return false;
  const { afterNs, untilNs } = resume;
  const lastNs = hasMovingEnd ? untilNs : endNs ??
    (durationNs === undefined ? undefined : startNs! + durationNs);
  return lastNs !== undefined && afterNs >= lastNs;
}
