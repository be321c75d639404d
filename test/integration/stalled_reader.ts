// One client that reads, stops, and reads on; it checks what it heard. For where the test itself cannot connect to.
// Invariant: bounded in seconds, loopback only, ends by itself.
// deno run … stalled_reader.ts STRIDE_NS STALL_S URL: says what check() found and {"hiddenBytes"}: rows sent into the stall.
import { RawStream } from "./raw_stream.ts";

const STALL_S_MAX = 600;
const BEFORE_MS = 1500;
const AFTER_MS = 3000;

const [strideNs, stallText, url] = Deno.args as [string, string, string];
const stallS = Number(stallText);
if (!(stallS > 0 && stallS <= STALL_S_MAX)) {
  throw new Error(`At most ${STALL_S_MAX} s: asked for ${stallText} s`);
}
if (new URL(url).hostname !== "127.0.0.1") {
  throw new Error(`Only 127.0.0.1 is read: ${url}`);
}

const readyUrl = new URL("/readyz", url);
while (!await fetch(readyUrl).then(({ ok }) => ok, () => false)) {
  await new Promise((resolve) => setTimeout(resolve, 100));
}
let isDone = false;
// Next to it one that continues to read: the partitions stay read, and its bytes are what the other is compared with.
const steady = await RawStream.open(url);
const steadyReads = steady.readWhile(() => !isDone);
await new Promise((resolve) => setTimeout(resolve, BEFORE_MS));
const stalled = await RawStream.open(url);
await stalled.read(BEFORE_MS);
const read = stalled.check(BigInt(strideNs));
await new Promise((resolve) => setTimeout(resolve, 1000 * stallS));
await stalled.read(AFTER_MS);
isDone = true;
await steadyReads;
const checked = stalled.check(BigInt(strideNs), steady.digests());
const hiddenBytes = checked.bytesBeforeGap - read.bytesBeforeGap;
const said = JSON.stringify({ ...checked, hiddenBytes });
Deno.stdout.writeSync(new TextEncoder().encode(said + "\n"));
Deno.exit(0);
