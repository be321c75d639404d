// A V8 CPU profile, and what part of the work each sample belongs to.
// Invariant: every microsecond of the profile is counted in exactly one group.

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}

/** As the DevTools protocol's Profiler.stop hands it out; times in µs. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export const GROUPS = [
  "Kafka",
  "decode",
  "join",
  "encode",
  "write",
  "GC",
  "runtime",
  "other",
  "idle",
] as const;

export type Group = typeof GROUPS[number];

/** Where code lies, and what it does there; the first that fits counts. */
const PLACES: readonly (readonly [RegExp, Group])[] = [
  [/\/src\/(kafka|source)\/|\/kafkajs\//, "Kafka"],
  [/\/src\/arrow\/row_template/, "encode"],
  [/\/src\/arrow\//, "decode"],
  [/\/src\/(blocks|memory\/page_ring)/, "join"],
  [/\/src\/(frames|memory\/slab)/, "encode"],
  [/\/src\/(clients|http|flight)\//, "write"],
  [/\/src\//, "other"],
  [/\/npm\/.*\/(hono|@hono)\//, "other"],
];

/** Functions that the runtime calls by itself. */
const RUNTIME_WRITES = /write|drain|finish/i;

const BY_NAME: Readonly<Record<string, Group>> = {
  "(idle)": "idle",
  "(garbage collector)": "GC",
};

/** Self time of one function, µs. */
export interface SelfTime {
  readonly name: string;
  readonly place: string;
  readonly group: Group;
  readonly micros: number;
}

/** A node with its parent, own time and group. */
export interface TimedNode {
  readonly node: ProfileNode;
  readonly parent: TimedNode | null;
  readonly group: Group;
  micros: number;
}

/** All nodes, parents first, with their own times. */
export function timedNodesOf(profile: CpuProfile): TimedNode[] {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const ordered: TimedNode[] = [];
  const timed = new Map<number, TimedNode>();
  const visit: [ProfileNode, TimedNode | null][] = [[profile.nodes[0]!, null]];
  for (let next = visit.pop(); next !== undefined; next = visit.pop()) {
    const [node, parent] = next;
    const own: TimedNode = {
      node,
      parent,
      group: groupOf(node.callFrame, parent),
      micros: 0,
    };
    timed.set(node.id, own);
    ordered.push(own);
    for (const id of node.children ?? []) visit.push([byId.get(id)!, own]);
  }
  // A delta is the time up to its sample, and is counted for that sample.
  profile.samples.forEach((id, i) => {
    timed.get(id)!.micros += Math.max(0, profile.timeDeltas[i]!);
  });
  return ordered;
}

/** Code of the runtime and of V8 counts for the function of Qanat that has called it. */
function groupOf(frame: CallFrame, parent: TimedNode | null): Group {
  const named = BY_NAME[frame.functionName];
  if (named) return named;
  const path = frame.url.replace(/\?.*$/, "");
  for (const [pattern, group] of PLACES) if (pattern.test(path)) return group;
  const above = parent?.group ?? "runtime";
  if (above !== "runtime") return above;
  return RUNTIME_WRITES.test(frame.functionName) ? "write" : "runtime";
}

/** µs in each group. */
export function timesByGroup(
  nodes: readonly TimedNode[],
): Record<Group, number> {
  const times = Object.fromEntries(GROUPS.map((g) => [g, 0]));
  for (const { group, micros } of nodes) times[group]! += micros;
  return times as Record<Group, number>;
}

/** Functions by self time, longest first; one that works for two groups is there twice. */
export function selfTimesOf(nodes: readonly TimedNode[]): SelfTime[] {
  const known = new Map<string, SelfTime & { micros: number }>();
  for (const { node, group, micros } of nodes) {
    if (micros === 0) continue;
    const { functionName, url, lineNumber } = node.callFrame;
    const place = placeOf(url, lineNumber);
    const name = functionName || "(anonymous)";
    const key = `${name} ${place} ${group}`;
    const self = known.get(key);
    if (self) (self as { micros: number }).micros += micros;
    else known.set(key, { name, place, group, micros });
  }
  return [...known.values()].sort((a, b) => b.micros - a.micros);
}

/** `src/frames/frame.ts:14`, or a package and its file. */
export function placeOf(url: string, lineNumber: number): string {
  if (url === "") return "";
  const line = lineNumber >= 0 ? `:${lineNumber + 1}` : "";
  const path = url.includes("/npm/")
    ? url.replace(/^.*\/npm\/[^/]+\//, "")
    : url.replace(/^.*\/(src\/)/, "$1");
  return path + line;
}
