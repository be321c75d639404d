// Hatching: what is not there, and why, in plots over time.
// Invariant: a span is hatched at its own time only.

/** @typedef {import("./feed.js").Series} Series */
/** @typedef {{ ctx: CanvasRenderingContext2D, bbox: { left: number, top: number, width: number, height: number } }} Area a uPlot */

/**
 * Hatches what is still to come of a series, up to the right edge.
 * @param {Area} u
 * @param {Series} series
 * @param {{ pending: string, fromS: number, toS: number, colours: import("./dom.js").Colours }} options pending: why; empty when nothing is
 */
export function paintPending(u, { ring }, { pending, ...options }) {
  const { fromS, toS } = options;
  if (pending === "" || ring.endS >= toS) return;
  const sinceS = Math.max(ring.endS, fromS);
  paintGaps(u, [{ fromS: sinceS, toS, reason: pending }], options);
}

/**
 * Says why nothing is seen of samples that have come, unless a gap says it.
 * @param {Area} u
 * @param {Series} series
 * @param {{ fromS: number, toS: number, colours: import("./dom.js").Colours }} options
 */
export function paintBlank(u, { ring, gaps }, options) {
  const { fromS, toS } = options;
  const oldestS = ring.endS - ring.capacity / ring.rate;
  const isThere = ring.end > 0 && ring.endS > fromS && oldestS < toS;
  if (!isThere || gaps.some((g) => g.toS > fromS && g.fromS < toS)) return;
  paintGaps(u, [{
    fromS: Math.max(fromS, oldestS),
    toS: Math.min(toS, ring.endS),
    reason: "null or not finite",
  }], options);
}

/**
 * Hatches spans and writes why, where there is room.
 * @param {Area} u
 * @param {{ fromS: number, toS: number, reason: string }[]} gaps
 * @param {{ fromS: number, toS: number, colours: import("./dom.js").Colours }} options
 */
export function paintGaps(u, gaps, { fromS, toS, colours }) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const perS = width / (toS - fromS);
  const ratio = devicePixelRatio;
  for (const gap of gaps) {
    if (gap.toS <= fromS || gap.fromS >= toS) continue;
    const x0 = left + Math.max(0, (gap.fromS - fromS) * perS);
    const x1 = left + Math.min(width, (gap.toS - fromS) * perS);
    const wide = Math.max(x1 - x0, ratio);
    ctx.fillStyle = colours.gap;
    ctx.fillRect(x0, top, wide, height);
    ctx.save();
    ctx.beginPath();
    ctx.rect(x0, top, wide, height);
    ctx.clip();
    ctx.strokeStyle = colours.gapText;
    ctx.globalAlpha = 0.35;
    ctx.lineWidth = ratio;
    ctx.beginPath();
    for (let x = x0 - height; x < x1; x += 8 * ratio) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    const text = ctx.measureText(gap.reason).width;
    if (text + 8 * ratio < wide) {
      const y = top + height / 2;
      ctx.fillStyle = colours.back;
      ctx.fillRect(
        (x0 + x1 - text) / 2 - 4 * ratio,
        y - 8 * ratio,
        text + 8 * ratio,
        16 * ratio,
      );
      ctx.fillStyle = colours.gapText;
      ctx.fillText(gap.reason, (x0 + x1) / 2, y);
    }
    ctx.restore();
  }
}
