// Which request answers a panel: samples where they are few enough, else bins of trends.
// Invariant: what a panel keeps of a channel is limited, whatever its range and its rate.
import { gpsNsOf, secondsText } from "./gps_time.js";
import type { Channel, Parameters } from "./qanat_api.js";

/** Bins that Qanat has, the finest first. */
const BINS = [
  { trend: "1s", seconds: 1 },
  { trend: "10s", seconds: 10 },
  { trend: "60s", seconds: 60 },
] as const;
const NS_PER_S = 1e9;
/** With fewer bins than this part of the panel's points, a range is short: its samples are drawn. */
const FEW_BINS = 0.1;
/** Samples of one channel of a range. */
export const RANGE_SAMPLES_MAX = 200_000;

/** `trend` is null for samples. */
export type Detail = "1s" | "10s" | "60s" | null;

/** For a range of some seconds: `pointsMax` is what the panel can draw. */
export function detailOfRange(
  channel: Channel,
  seconds: number,
  pointsMax: number,
): Detail {
  const samples = channel.sample_rate * seconds;
  const isShort = seconds < FEW_BINS * pointsMax;
  if (samples <= pointsMax || (isShort && samples <= RANGE_SAMPLES_MAX)) {
    return null;
  }
  return finestBin(channel, seconds, pointsMax);
}

/** For channels that continue live after the range. */
export function detailOfLive(
  channels: readonly Channel[],
  seconds: number,
  samplesMax: number,
): Detail {
  const rate = Math.max(...channels.map((c) => c.sample_rate));
  if (rate * seconds <= samplesMax) return null;
  const longest = channels.reduce((a, b) => a.stride_ns > b.stride_ns ? a : b);
  return finestBin(longest, seconds, samplesMax);
}

/** Null where no bin is a whole multiple of the channel's stride. */
function finestBin(
  { stride_ns }: Channel,
  seconds: number,
  binsMax: number,
): Detail {
  const fitting = BINS.filter((bin) =>
    bin.seconds * NS_PER_S % stride_ns === 0
  );
  const found = fitting.find((bin) => seconds / bin.seconds <= binsMax) ??
    fitting.at(-1);
  return found?.trend ?? null;
}

/** Parameters of `/v1/events`. `toMs` null: the stream continues live. */
export function eventParameters(
  names: readonly string[],
  detail: Detail,
  fromMs: number,
  toMs: number | null,
): Parameters {
  return {
    channels: names.join(","),
    start: secondsText(gpsNsOf(fromMs)),
    ...(toMs === null ? {} : { end: secondsText(gpsNsOf(toMs)) }),
    ...(detail === null ? {} : { trend: detail }),
    // A span without data is one event and one null, however long it is.
    gaps: "skip",
  };
}
