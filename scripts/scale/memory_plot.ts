// Draws memory against clients as an SVG that is readable on light and dark pages.
// Invariant: the points are the measurement, the line is the fit, and the text gives its slope.
import type { Series } from "./memory.ts";

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 70;
const RIGHT = 32;
const TOP = 40;
const BOTTOM = 48;
const COLORS = ["#2563eb", "#d97706", "#059669", "#db2777"];
const TICKS = 5;
const LABEL_X = 360;

/** A round number not below `max` that five steps divide well. */
function roundUp(max: number): number {
  const step = 10 ** Math.floor(Math.log10(max / TICKS));
  const nice = [1, 2, 2.5, 5, 10].find((n) => n * step * TICKS >= max)!;
  return nice * step * TICKS;
}

export function memorySvg(series: readonly Series[], title: string): string {
  const points = series.flatMap((s) => s.points);
  const maxX = roundUp(Math.max(...points.map((p) => p.x)));
  const maxY = roundUp(Math.max(...points.map((p) => p.y / 1e6)));
  const x = (clients: number) => LEFT + (WIDTH - LEFT - RIGHT) * clients / maxX;
  const y = (megabytes: number) =>
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * megabytes / maxY;
  const parts: string[] = [];
  for (let i = 0; i <= TICKS; i++) {
    const clients = maxX * i / TICKS;
    const megabytes = maxY * i / TICKS;
    parts.push(
      line([LEFT, y(megabytes), WIDTH - RIGHT, y(megabytes)], "#8884"),
      text(LEFT - 8, y(megabytes) + 4, String(megabytes), "end"),
      text(x(clients), HEIGHT - BOTTOM + 18, clients.toLocaleString("en")),
    );
  }
  parts.push(
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "clients"),
    text(16, TOP - 12, "MB resident, without ring and slab", "start"),
    text(WIDTH - RIGHT, 18, title, "end"),
  );
  series.forEach(({ name, points, line: fit }, i) => {
    const color = COLORS[i % COLORS.length]!;
    const last = Math.max(...points.map((p) => p.x));
    const at = (clients: number) => (fit.intercept + fit.slope * clients) / 1e6;
    parts.push(line([x(0), y(at(0)), x(last), y(at(last))], color));
    for (const p of points) {
      parts.push(
        `<circle cx="${fixed(x(p.x))}" cy="${
          fixed(y(p.y / 1e6))
        }" r="3.5" fill="${color}"/>`,
      );
    }
    const label = `${name}: ${(fit.slope / 1e3).toFixed(1)} KB per client, R² ${
      fit.r2.toFixed(3)
    }`;
    // Low on the right: the memory without clients is above.
    const labelY = HEIGHT - BOTTOM - 12 - 18 * (series.length - 1 - i);
    parts.push(
      `<circle cx="${LABEL_X}" cy="${labelY - 4}" r="3.5" fill="${color}"/>`,
      text(LABEL_X + 10, labelY, label, "start"),
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#777">
<title>${escaped(title)}</title>
${parts.join("\n")}
</svg>
`;
}

function fixed(n: number): string {
  return String(Math.round(10 * n) / 10);
}

function line(ends: readonly number[], color: string): string {
  const [x1, y1, x2, y2] = ends.map(fixed);
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="1.2"/>`;
}

function text(x: number, y: number, words: string, anchor = "middle"): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}">${
    escaped(words)
  }</text>`;
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
