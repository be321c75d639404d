// Storing a message of 8 KiB: the page ring compared with a queue of copies of the same total size.
import { PageRing } from "../src/memory/page_ring.ts";

const BYTES = 8192;
const BUDGET_BYTES = 1 << 24;
const ring = new PageRing(new Uint8Array(BUDGET_BYTES));
const message = new Uint8Array(BYTES).fill(7);
const kept: (Uint8Array | undefined)[] = new Array(BUDGET_BYTES / BYTES);
let turn = 0;
let sink = 0;

Deno.bench("PageRing reserve and copy", {
  group: "keep 8 KiB",
  baseline: true,
}, () => {
  const position = ring.reserve(BYTES);
  ring.bytes.set(message, ring.byteOffset(position));
  sink += position;
});

Deno.bench("a copy each, the oldest dropped", { group: "keep 8 KiB" }, () => {
  kept[turn++ % kept.length] = message.slice();
  sink++;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
