// Whether a figure that was taken many times grows.
// Invariant: one sample that differs from the others, however much, does not decide.
import { median } from "../../scripts/versus/side.ts";

/** A figure of the page that must not grow. */
export interface Bound {
  readonly title: string;
  readonly unit: "" | "MB";
  /** It may grow by so much in an hour. */
  readonly perHourMax: number;
  /** It may grow by so much in the whole run: less is the noise of the figure. */
  readonly noise: number;
}

export interface Point {
  /** Since any time, hours. */
  readonly hours: number;
  readonly value: number;
}

export interface Growth {
  readonly perHour: number;
  readonly isTooMuch: boolean;
}

/** Growth in an hour: the median of the slopes between all pairs of points; NaN of fewer than three points. */
export function slopeOf(points: readonly Point[]): number {
  if (points.length < 3) return NaN;
  return median(
    points.flatMap((b, i) =>
      points.slice(0, i).map((a) => (b.value - a.value) / (b.hours - a.hours))
    ),
  );
}

/** Judges the points of a figure; too few of them do not grow. */
export function growthOf(
  points: readonly Point[],
  { noise, perHourMax }: Bound,
): Growth {
  const perHour = slopeOf(points);
  const hours = (points.at(-1)?.hours ?? 0) - (points[0]?.hours ?? 0);
  const isTooMuch = perHour > perHourMax && perHour * hours > noise;
  return { perHour, isTooMuch };
}
