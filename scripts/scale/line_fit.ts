// A straight line through points, by least squares.

export interface Point2 {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** Share of the variance that the line explains; 1 for points on one line. */
  readonly r2: number;
}

/** Needs two points of different x. */
export function fitLine(points: readonly Point2[]): Line {
  const n = points.length;
  const meanX = points.reduce((sum, p) => sum + p.x, 0) / n;
  const meanY = points.reduce((sum, p) => sum + p.y, 0) / n;
  let xx = 0, xy = 0, yy = 0;
  for (const { x, y } of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
    yy += (y - meanY) ** 2;
  }
  if (xx === 0) throw new RangeError(`${n} points have no line: one x`);
  const slope = xy / xx;
  return {
    slope,
    intercept: meanY - slope * meanX,
    r2: yy === 0 ? 1 : xy ** 2 / (xx * yy),
  };
}
