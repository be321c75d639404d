// 128 numbers as JSON text: written as bytes, compared with String() and an encoder.
import { writeFloat64, writeInteger } from "../src/frames/number_text.ts";

const COUNT = 128;
const out = new Uint8Array(64 * COUNT);
const text = new TextEncoder();
let state = 1;
const next = () => state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
const floats = Float64Array.from(
  { length: COUNT },
  () => (next() / 2 ** 32 - 0.5) * 1e-18,
);
const integers = Int32Array.from({ length: COUNT }, () => next() | 0);
let sink = 0;

function withString(values: Float64Array | Int32Array): void {
  let at = 0;
  for (let i = 0; i < COUNT; i++) {
    at += text.encodeInto(String(values[i]), out.subarray(at)).written;
  }
  sink += at;
}

Deno.bench(
  "writeInteger",
  { group: "128 int32 as text", baseline: true },
  () => {
    let at = 0;
    for (let i = 0; i < COUNT; i++) at = writeInteger(out, at, integers[i]!);
    sink += at;
  },
);

Deno.bench("String() and encodeInto()", { group: "128 int32 as text" }, () => {
  withString(integers);
});

Deno.bench(
  "writeFloat64",
  { group: "128 float64 as text", baseline: true },
  () => {
    let at = 0;
    for (let i = 0; i < COUNT; i++) at = writeFloat64(out, at, floats[i]!);
    sink += at;
  },
);

Deno.bench(
  "String() and encodeInto(), float64",
  { group: "128 float64 as text" },
  () => {
    withString(floats);
  },
);

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
