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
/** A range that ends later than that before now ends now. */
const NOW_MS = 1000;
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

/**
 * Parameters of `/v1/events`. `toMs`: Unix ms; null: the stream continues live. Null where the range has no whole bin. What
 * has not come yet is left out: Qanat would wait for it, and answer a panel of "Today" at midnight.
 */
export function eventParameters(
  names: readonly string[],
  detail: Detail,
  { fromMs, toMs, nowMs }: {
    readonly fromMs: number;
    readonly toMs: number | null;
    readonly nowMs: number;
  },
): Parameters | null {
  const startNs = gpsNsOf(fromMs);
  const end = toMs === null ? null : endText(detail, { startNs, toMs, nowMs });
  if (end === "") return null;
  return {
    channels: names.join(","),
    start: secondsText(startNs),
    ...(end === null ? {} : { end }),
    ...(detail === null ? {} : { trend: detail }),
    // A span without data is one event and one null, however long it is.
    gaps: "skip",
  };
}

/** The end of a range; empty where it has no whole bin. */
function endText(
  detail: Detail,
  { startNs, toMs, nowMs }: { startNs: bigint; toMs: number; nowMs: number },
): string {
  if (detail === null) {
    // By Qanat's clock: the browser's may be ahead of it.
    return toMs >= nowMs - NOW_MS ? "now" : secondsText(gpsNsOf(toMs));
  }
  const { seconds } = BINS.find(({ trend }) => trend === detail)!;
  const binNs = BigInt(seconds * NS_PER_S);
  const endNs = gpsNsOf(Math.min(toMs, nowMs)) / binNs * binNs;
  return endNs > startNs ? secondsText(endNs) : "";
}
