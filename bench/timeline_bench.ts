// Joining four partitions: Timeline.advance() after each arrival, compared with a map of times.
// Both keep the blocks in the page ring; only the join differs.
import { Timeline } from "../src/blocks/timeline.ts";
import { PageRing } from "../src/memory/page_ring.ts";
import {
  blocksOf,
  noise,
  SAMPLES,
  SteadyMessage,
  STRIDE_NS,
} from "./steady_blocks.ts";

const PARTITIONS = 4;
const message = new SteadyMessage([noise(SAMPLES)]);
let sink = 0;

function partitions() {
  const ring = new PageRing(new Uint8Array(1 << 22));
  const all = Array.from(
    { length: PARTITIONS },
    (_, i) => blocksOf(`arrakis-P${i}`, ring),
  );
  for (const blocks of all) {
    blocks.append(message.at(0), NaN);
    blocks.caughtUp(NaN);
  }
  return all;
}

const joined = partitions();
const timeline = new Timeline(joined, STRIDE_NS, 0);
let released = 0;
timeline.listeners.add({
  onRow: () => released++,
  onGap: () => {},
  onReset: () => {},
  onReady: () => {},
});
let row = 0;

Deno.bench(
  "Timeline.advance()",
  { group: "join a row", baseline: true },
  () => {
    const bytes = message.at(++row);
    for (let i = 0; i < PARTITIONS; i++) {
      joined[i]!.append(bytes, NaN);
      timeline.advance(0);
    }
  },
);

const plain = partitions();
const waiting = new Map<string, { count: number; topics: string[] }>();
let plainRow = 0;

Deno.bench("a map of times", { group: "join a row" }, () => {
  const bytes = message.at(++plainRow);
  for (let i = 0; i < PARTITIONS; i++) {
    plain[i]!.append(bytes, NaN);
    const key = String(BigInt(plainRow) * STRIDE_NS);
    let entry = waiting.get(key);
    if (!entry) waiting.set(key, entry = { count: 0, topics: [] });
    entry.count++;
    entry.topics.push(plain[i]!.topic);
    if (entry.count < PARTITIONS) continue;
    waiting.delete(key);
    sink += entry.topics.length;
  }
});

Deno.bench("appending alone", { group: "join a row" }, () => {
  const bytes = message.at(++plainRow);
  for (let i = 0; i < PARTITIONS; i++) plain[i]!.append(bytes, NaN);
  sink++;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0 || released < row) throw new Error("rows were not joined");
});
