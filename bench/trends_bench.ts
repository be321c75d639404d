// Recording one block of 16,384 Hz in a channel's trends, compared with numpy-like loops over copies.
import { newSampleStats, StatsReader } from "../src/trends/sample_stats.ts";
import { TrendRing } from "../src/trends/trend_ring.ts";
import { PageRing } from "../src/memory/page_ring.ts";

const SAMPLES = 1024;
const ring = new PageRing(new Uint8Array(1 << 20));
const floats = new Float32Array(ring.bytes.buffer, 0, SAMPLES);
for (let i = 0; i < SAMPLES; i++) floats[i] = Math.sin(i * 0.37) * 1e-3;
const bigs = new BigInt64Array(ring.bytes.buffer, 65536, SAMPLES);
for (let i = 0; i < SAMPLES; i++) bigs[i] = BigInt(i * 7919) << 20n;
const stats = newSampleStats();
const float32 = new StatsReader(ring, "float32");
const int64 = new StatsReader(ring, "int64");
for (const type of ["float64", "int16", "int32", "uint32"] as const) {
  const reader = new StatsReader(ring, type);
  // Every type is known, as in a process that has them all.
  for (let i = 0; i < 2000; i++) reader.read(131072, 512, stats);
}
let bin = 0;
const bins = new TrendRing("float32", 7200);
let sink = 0;

Deno.bench("StatsReader.read(), 1,024 float32", {
  group: "f32",
  baseline: true,
}, () => {
  float32.read(0, SAMPLES, stats);
  sink += stats.max;
});

Deno.bench("reduce() three times, 1,024 float32", { group: "f32" }, () => {
  sink += floats.reduce((a, b) => Math.min(a, b), Infinity) +
    floats.reduce((a, b) => Math.max(a, b), -Infinity) +
    floats.reduce((a, b) => a + b, 0);
});

Deno.bench(
  "StatsReader.read(), 1,024 int64",
  { group: "i64", baseline: true },
  () => {
    int64.read(65536, SAMPLES, stats);
    sink += stats.sum;
  },
);

Deno.bench("a loop over BigInt, 1,024 int64", { group: "i64" }, () => {
  let min = bigs[0]!;
  let max = min;
  let sum = 0n;
  for (let i = 0; i < SAMPLES; i++) {
    const value = bigs[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  sink += Number(sum) + Number(max - min);
});

Deno.bench("TrendRing.add()", () => {
  bins.add(bin++ >> 4, stats);
});

globalThis.addEventListener("unload", () => {
  if (Number.isNaN(sink)) throw new Error("sink");
});
