// Recycled slots compared with new arrays: frames of 8 KiB, 32 in use. Both give an array that can be written.
import { Slab } from "../src/memory/slab.ts";

const BYTES = 8192;
const ALIVE = 32;
const slab = new Slab({ budgetBytes: 1 << 24 });
const handles = new Int32Array(ALIVE).fill(-1);
const arrays: (Uint8Array | null)[] = new Array(ALIVE).fill(null);
let turn = 0;
let sink = 0;

Deno.bench("Slab claim, view and release", {
  group: "8 KiB frame",
  baseline: true,
}, () => {
  const at = turn++ % ALIVE;
  if (handles[at]! >= 0) slab.release(handles[at]!);
  handles[at] = slab.claim(BYTES);
  sink += slab.view(handles[at]!, BYTES).length;
});

Deno.bench("new Uint8Array", { group: "8 KiB frame" }, () => {
  const at = turn++ % ALIVE;
  arrays[at] = new Uint8Array(BYTES);
  sink += arrays[at]!.length;
});

const OWNERS = 16;
const shared = slab.claim(BYTES);
const owners = new Map<Uint8Array, number>();
const array = new Uint8Array(BYTES);
owners.set(array, 1);

Deno.bench("Slab retain and release", {
  group: "16 more owners",
  baseline: true,
}, () => {
  for (let i = 0; i < OWNERS; i++) slab.retain(shared);
  for (let i = 0; i < OWNERS; i++) slab.release(shared);
  sink++;
});

Deno.bench("a Map of counts", { group: "16 more owners" }, () => {
  for (let i = 0; i < OWNERS; i++) owners.set(array, owners.get(array)! + 1);
  for (let i = 0; i < OWNERS; i++) owners.set(array, owners.get(array)! - 1);
  sink++;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
