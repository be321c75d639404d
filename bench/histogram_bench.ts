// Adding one value to a histogram, as for every message, compared with prom-client's histogram.
import { Histogram as PromHistogram, Registry } from "prom-client";
import { Histogram, SECONDS_BOUNDS } from "../src/telemetry/histogram.ts";

const own = new Histogram();
const theirs = new PromHistogram({
  name: "x",
  help: "x",
  buckets: [...SECONDS_BOUNDS],
  registers: [new Registry()],
});
const values = Float64Array.from({ length: 1024 }, (_, i) => 0.002 + i / 1e4);
let turn = 0;

Deno.bench("Histogram.observe()", { group: "value", baseline: true }, () => {
  own.observe(values[turn++ & 1023]!);
});

Deno.bench("prom-client", { group: "value" }, () => {
  theirs.observe(values[turn++ & 1023]!);
});

globalThis.addEventListener("unload", () => {
  if (own.count === 0) throw new Error("nothing was done");
});
