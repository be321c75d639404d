// The status of a process of several threads, from those of its threads: what /v1/status answers with --workers above 1.
// Invariant: a field has the same name, place and meaning as with one worker; only `workers` is added.
import type { SlicedWork } from "../../channels/sliced_work.ts";

type Status = Readonly<Record<string, unknown>>;

/** `own`: that of the thread that answers, as all have the same. */
type Way = "own" | "sum" | "max";

/** Each field without a row is joined as the object that it is in. */
const WAYS: Readonly<Record<string, Way>> = {
  "": "own",
  clock: "max",
  uptime_s: "max",
  event_loop_delay_ms: "max",
  access: "sum",
  "access.files": "max",
  "access.issuers": "sum",
  "access.issuers.failing_s": "max",
  flight: "sum",
  "flight.port": "own",
  clients: "sum",
  selections: "sum",
  clients_opened: "sum",
  clients_refused: "sum",
  frames_sent: "sum",
  rows_late: "sum",
  gaps_told: "sum",
  relays: "sum",
  // All threads have one limit.
  "relays.streams_max": "own",
  past: "sum",
  // All threads count in the same pools.
  "past.histories": "max",
  "past.resumes": "max",
  ring: "max",
  slab: "sum",
  trends: "sum",
  memory: "sum",
  "memory.rss_bytes": "max",
  lag: "max",
};

/** Partitions that are joined in one part, and the steps that it takes. */
const PARTITIONS_PER_PART = 100;
const STEPS_PER_PART = 300;

/** Fields of a partition that every thread that reads it counts by itself. */
const OWN_OF_PARTITION: ReadonlySet<string> = new Set([
  "topic",
  "lag_messages",
  "state",
  "newest_end_ns",
  "age_s",
]);

export interface ThreadsStatus {
  /** Of the thread that answers. */
  readonly own: Status;
  /** Of the other serving threads. */
  readonly others: readonly Status[];
  /** Fields that the reading thread has. */
  readonly reading: Status;
  readonly workers: readonly Status[];
}

/** In slices. */
export function* processStatus(
  { own, others, reading, workers }: ThreadsStatus,
): SlicedWork<Record<string, unknown>> {
  yield STEPS_PER_PART;
  const { partitions: _, ...fields } = own;
  const joinedFields = joined([fields, ...others], "") as Status;
  const lags = [own, ...others, reading].map(({ lag }) => lag);
  return {
    ...joined([joinedFields, reading], null) as Status,
    // A topic's messages are counted by one thread, which may be the reading one.
    lag: joined(lags, "lag"),
    ready: own["ready"],
    workers,
    partitions: yield* joinedPartitions([own, ...others, reading]),
  };
}

/** Values of the same field. `path` null: the last one counts, objects field by field. */
function joined(values: readonly unknown[], path: string | null): unknown {
  const [first] = values;
  if (isObject(first)) return joinedObject(values.filter(isObject), path);
  if (path === null) return values.at(-1);
  const way = wayOf(path);
  if (way === "own") return first;
  if (Array.isArray(first)) {
    const lists = values.filter(Array.isArray);
    return first.map((_, i) =>
      joined(lists.flatMap((list) => list.slice(i, i + 1)), path)
    );
  }
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length === 0) return first;
  return way === "sum"
    ? numbers.reduce((sum, value) => sum + value, 0)
    : Math.max(...numbers);
}

function joinedObject(
  objects: readonly Status[],
  path: string | null,
): Status {
  const names = new Set(objects.flatMap((object) => Object.keys(object)));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      joined(
        objects.filter((object) => name in object).map((each) => each[name]),
        path === null ? null : path === "" ? name : `${path}.${name}`,
      ),
    ]),
  );
}

function wayOf(path: string): Way {
  for (let known = path;;) {
    const way = WAYS[known];
    if (way) return way;
    known = known.slice(0, Math.max(0, known.lastIndexOf(".")));
  }
}

/** Each partition once. Its leases are summed; of what each thread has counted by itself, the largest count is shown. */
function* joinedPartitions(
  all: readonly Status[],
): SlicedWork<readonly Status[]> {
  const byTopic = new Map<unknown, Record<string, unknown>>();
  let seen = 0;
  for (const partition of all.flatMap(partitionsOf)) {
    if (seen++ % PARTITIONS_PER_PART === 0) yield STEPS_PER_PART;
    const known = byTopic.get(partition["topic"]);
    if (!known) {
      byTopic.set(partition["topic"], { ...partition });
      continue;
    }
    for (const [name, value] of Object.entries(partition)) {
      const other = known[name];
      if (typeof value !== "number" || typeof other !== "number") continue;
      if (name === "leases") known[name] = other + value;
      else if (!OWN_OF_PARTITION.has(name)) {
        known[name] = Math.max(other, value);
      }
    }
  }
  return [...byTopic.values()];
}

function partitionsOf({ partitions }: Status): readonly Status[] {
  return (partitions ?? []) as readonly Status[];
}

function isObject(value: unknown): value is Status {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
