// What a client asks of a stream: parsed from the query or a JSON body, checked, and turned into channels.
// Invariant: every refusal names what was wrong and what would be right.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import { gpsNsOfText } from "../blocks/gps_time.ts";
import { ROW_STRIDE_MAX_NS, rowStrideOf } from "../blocks/timeline.ts";
import type { GapPolicy, SlowPolicy } from "../clients/client.ts";
import type { Coding } from "../clients/selection_group.ts";
import { decimalOf } from "./decimal.ts";
import {
  fits,
  TREND_BINS,
  TREND_NAMES,
  type TrendBin,
  trendBinOf,
  type TrendName,
} from "../trends/trend_bins.ts";
import { badExpression, problem, quoted } from "./problem.ts";
import {
  CODINGS,
  DURATION_MAX_S,
  ENCODINGS,
  GAPS,
  SLOW,
  STREAM_PARAMETER_NAMES,
  type StreamParameter,
} from "./stream_parameters.ts";

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
  /** `after=`, as given. */
  readonly after: string | undefined;
}

type Name = StreamParameter;
type Fields = Partial<Record<Name, string>> & { names?: string[] };

/** Fields of a body that may be numbers. `after` may not: a double holds no GPS ns. */
const NUMBERS: ReadonlySet<Name> = new Set(["start", "end", "duration"]);

/** Reads a GET's query. */
export function fieldsOfQuery(url: URL): Fields | Response {
  const fields: Fields = {};
  for (const [name, value] of url.searchParams) {
    if (!isName(name)) return unknownField(name, "query parameter");
    if (name === "channels") {
      (fields.names ??= []).push(...value.split(",").filter((n) => n !== ""));
    } else if (fields[name] !== undefined) {
      return bad(`The query parameter '${name}' is given twice`);
    } else fields[name] = value;
  }
  return fields;
}

/** Reads a POST's JSON body: the same names, `channels` as a list of strings. */
export function fieldsOfBody(text: string): Fields | Response {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return bad(`The body is not JSON: ${(error as Error).message}`);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return bad(`The body must be a JSON object such as {"channels":["A"]}`);
  }
  const fields: Fields = {};
  for (const [name, value] of Object.entries(body)) {
    if (!isName(name)) return unknownField(name, "field");
    if (name === "channels") {
      if (
        !Array.isArray(value) || value.some((v) => typeof v !== "string")
      ) return bad(`'channels' must be a list of channel names`);
      fields.names = value;
    } else if (typeof value === "string") fields[name] = value;
    else if (typeof value === "number" && NUMBERS.has(name)) {
      // A time's text has nine decimals at most; a double may show more.
      fields[name] = name === "duration" ? String(value) : gpsText(value);
    } else {
      return bad(
        `'${name}' must be a string${NUMBERS.has(name) ? " or number" : ""}`,
      );
    }
  }
  return fields;
}

function gpsText(seconds: number): string {
  return seconds < 0 ? String(seconds) : seconds.toFixed(9);
}

/** Checks the fields and finds the channels. */
export function streamRequest(
  fields: Fields,
  catalog: Catalog,
  options: {
    channelsMax: number;
    nowNs: bigint;
    /** Hears of a selection that is too large. */
    onTooMany?: () => void;
  },
): StreamRequest | Response {
  const { names, match, replay, after } = fields;
  const { channelsMax } = options;
  const choices = [
    ["gaps", GAPS],
    ["slow", SLOW],
    ["trend", TREND_NAMES],
    ["encoding", ENCODINGS],
    ["coding", CODINGS],
  ];
  for (const [name, known] of choices as [Name, readonly string[]][]) {
    const value = fields[name];
    if (value === undefined || known.some((k) => k === value)) continue;
    return bad(`${name} must be one of ${known.join(", ")}, not '${value}'`);
  }
  const range = rangeOf(fields, options.nowNs);
  if (range instanceof Response) return range;
  const replayId = replay === undefined || replay === "" ? null : replay;
  if (replayId !== null && !catalog.replayIds().includes(replayId)) {
    return problem(404, {
      title: "Unknown replay context",
      detail: `There is no replay context '${replayId}'`,
      known: catalog.replayIds().slice(0, 100),
    });
  }
  const found = find(catalog, names, match, replayId);
  if (found instanceof Response) return found;
  if (found.length > channelsMax) {
    options.onTooMany?.();
    return bad(
      `The selection has ${found.length} channels, at most ${channelsMax} are allowed`,
      "Too many channels",
    );
  }
  const trend = trendOf(fields, found);
  if (trend instanceof Response) return trend;
  const strideNs = rowStrideOf(found.map((c) => c.strideNs));
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
    after,
    trend: fields.trend === undefined ? undefined : trend,
    gaps: fields.gaps as GapPolicy | undefined,
    slow: fields.slow as SlowPolicy | undefined,
  };
}

/** The bins of `trend=`, or of 1 s for `slow=trend`; undefined where neither is asked for. */
function trendOf(
  { trend, slow }: Fields,
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
  { start, end, duration, after }: Fields,
  nowNs: bigint,
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
  const isFromNow = startNs === undefined && after === undefined;
  if (isFromNow && endNs !== undefined && endNs <= nowNs) {
    return bad("end lies in the past: give a start, too");
  }
  return { startNs, endNs, durationNs };
}

function find(
  catalog: Catalog,
  names: readonly string[] | undefined,
  match: string | undefined,
  replayId: string | null,
): Channel[] | Response {
  const chosen = new Map<string, Channel>();
  const unknown: { name: string; near: string[] }[] = [];
  for (const name of names ?? []) {
    const channel = catalog.get(name, replayId);
    if (channel) chosen.set(name, channel);
    else if (unknown.length < 20) {
      unknown.push({ name, near: catalog.near(name, replayId) });
    }
  }
  if (unknown.length > 0) {
    return problem(404, {
      title: "Unknown channels",
      detail: `No such channel: ${unknown.map((u) => u.name).join(", ")}`,
      unknown,
    });
  }
  if (match !== undefined) {
    try {
      for (const channel of catalog.find({ match, replayId })) {
        chosen.set(channel.name, channel);
      }
    } catch (error) {
      return badExpression(error);
    }
  }
  if (chosen.size === 0) {
    return bad(
      match === undefined
        ? "Give channels=A,B or match=EXPRESSION"
        : `No channel matches '${match}'`,
      "Nothing selected",
    );
  }
  return [...chosen.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

function isName(name: string): name is Name {
  return (STREAM_PARAMETER_NAMES as readonly string[]).includes(name);
}

function unknownField(name: string, kind: string): Response {
  return bad(
    `Unknown ${kind} '${name}'; known are ${STREAM_PARAMETER_NAMES.join(", ")}`,
  );
}

function bad(detail: string, title = "Bad request"): Response {
  return problem(400, { title, detail });
}
