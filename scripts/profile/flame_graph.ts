// A flame graph as one static SVG: widths are shares of the time at work, colours are groups.
// Invariant: no script, no font and no address of this machine in it; equal profiles give equal pictures.
import {
  type Group,
  GROUPS,
  placeOf,
  type TimedNode,
  timesByGroup,
} from "./cpu_profile.ts";

const WIDTH = 1200;
const ROW = 17;
const TOP = 58;
/** Frames narrower than this are left out, px. */
const NARROWEST = 0.4;
const CHAR = 6.2;

const COLOURS: Readonly<Record<Group, string>> = {
  Kafka: "#e8c468",
  decode: "#d99a5b",
  join: "#c9a26d",
  encode: "#8fb573",
  write: "#6ea8c9",
  GC: "#d06a5f",
  runtime: "#b9b4c7",
  other: "#cfcbc2",
  idle: "#eeeeee",
};

interface Flame {
  readonly name: string;
  readonly place: string;
  readonly group: Group;
  micros: number;
  readonly children: Map<string, Flame>;
}

/** Draws all that was not idle. */
export function flameGraph(
  nodes: readonly TimedNode[],
  title: string,
): string {
  const root: Flame = {
    name: "all",
    place: "",
    group: "runtime",
    micros: 0,
    children: new Map(),
  };
  const flames = new Map<TimedNode, Flame>();
  for (const timed of nodes) {
    if (timed.group === "idle") continue;
    if (timed.parent === null) {
      flames.set(timed, root);
      continue;
    }
    const above = flames.get(timed.parent) ?? root;
    const { functionName, url, lineNumber } = timed.node.callFrame;
    const key = `${functionName} ${url}:${lineNumber}`;
    let flame = above.children.get(key);
    if (!flame) {
      flame = {
        name: functionName || "(anonymous)",
        place: placeOf(url, lineNumber),
        group: timed.group,
        micros: 0,
        children: new Map(),
      };
      above.children.set(key, flame);
    }
    flames.set(timed, flame);
    for (let at: TimedNode | null = timed; at !== null; at = at.parent) {
      flames.get(at)!.micros += timed.micros;
    }
  }
  return svgOf(root, title, timesByGroup(nodes));
}

function svgOf(
  root: Flame,
  title: string,
  times: Readonly<Record<Group, number>>,
): string {
  const frames: string[] = [];
  let depthMax = 0;
  const draw = (flame: Flame, x: number, depth: number) => {
    const width = WIDTH * flame.micros / root.micros;
    if (!(width >= NARROWEST)) return;
    depthMax = Math.max(depthMax, depth);
    frames.push(frameOf(flame, { x, depth, width, all: root.micros }));
    const children = [...flame.children.values()]
      .sort((a, b) => b.micros - a.micros);
    for (const child of children) {
      draw(child, x, depth + 1);
      x += WIDTH * child.micros / root.micros;
    }
  };
  draw(root, 0, 0);
  const height = TOP + ROW * (depthMax + 1) + 4;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="ui-monospace, monospace" font-size="11">
<rect width="${WIDTH}" height="${height}" fill="#fffdf8"/>
<text x="8" y="20" font-size="14">${escaped(title)}</text>
${legendOf(times)}
${frames.join("\n")}
</svg>
`;
}

function legendOf(times: Readonly<Record<Group, number>>): string {
  const all = GROUPS.reduce((sum, group) => sum + times[group], 0);
  let x = 8;
  return GROUPS.map((group) => {
    const text = `${group} ${(100 * times[group] / all).toFixed(1)} %`;
    const entry = `<rect x="${x}" y="32" width="11" height="11" fill="${
      COLOURS[group]
    }" stroke="#999" stroke-width="0.5"/><text x="${
      x + 15
    }" y="42">${text}</text>`;
    x += 32 + Math.ceil(text.length * CHAR * 1.05);
    return entry;
  }).join("\n");
}

function frameOf(
  flame: Flame,
  at: { x: number; depth: number; width: number; all: number },
): string {
  const y = TOP + ROW * at.depth;
  const share = (100 * flame.micros / at.all).toFixed(1);
  const title = `${flame.name} ${flame.place} ${share} %`;
  const room = Math.floor((at.width - 4) / CHAR);
  const label = room < 3
    ? ""
    : `<text x="${(at.x + 3).toFixed(1)}" y="${y + 12}">${
      escaped(flame.name.slice(0, room))
    }</text>`;
  return `<g><title>${escaped(title)}</title><rect x="${
    at.x.toFixed(1)
  }" y="${y}" width="${at.width.toFixed(1)}" height="${ROW - 1}" fill="${
    COLOURS[flame.group]
  }"/>${label}</g>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
