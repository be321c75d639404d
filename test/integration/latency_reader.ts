// Reads event streams of one Qanat on this machine and measures from a row's end to its last byte, in a process of
// its own. Invariant: bounded in streams and seconds, loopback only, ends by itself.
// deno run … latency_reader.ts SECONDS URL…: says `attached`, at the end {"rows", "lost", "p50", "p99", "p99Typical",
// "max"} (ms; `rows` were measured; `p99Typical` is the median of each second's p99).
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";

const STREAMS_MAX = 200;
const SECONDS_MAX = 600;
/** Rows so soon after all are attached measure the start of this process. */
const SETTLE_MS = 2000;
const DOUBLE_LF = "\n\n";

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

const [secondsText, ...urls] = Deno.args;
const seconds = Number(secondsText);
if (!(seconds > 0 && seconds <= SECONDS_MAX) || urls.length > STREAMS_MAX) {
  throw new Error(
    `At most ${STREAMS_MAX} streams for ${SECONDS_MAX} s: asked for ${urls.length} for ${secondsText} s`,
  );
}
if (urls.some((url) => new URL(url).hostname !== "127.0.0.1")) {
  throw new Error("Only 127.0.0.1 is read");
}

const latenciesMs: number[] = [];
/** The same, by the second in which they came. */
const bySecond = new Map<number, number[]>();
let lost = 0;
let attached = 0;
let measuredFromMs = Infinity;

async function read(url: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  const reader = response.body!.pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<
      string,
      Uint8Array<ArrayBuffer>
    >,
  ).getReader();
  const timer = setTimeout(() => reader.cancel(), 1000 * seconds);
  let rest = "";
  let strideNs = 0n;
  let lastNs = 0n;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const nowMs = gpsMsOfUnixMs(
      performance.timeOrigin + performance.now(),
    );
    const events = (rest + value).split(DOUBLE_LF);
    rest = events.pop()!;
    for (const event of events) {
      const stride = /"stride_ns":(\d+)/.exec(event);
      if (stride && strideNs === 0n) {
        strideNs = BigInt(stride[1]!);
        if (++attached === urls.length) {
          say("attached");
          measuredFromMs = nowMs + SETTLE_MS;
        }
      }
      const id = /^id: (\d+)\ndata/.exec(event);
      if (!id) continue;
      const endNs = BigInt(id[1]!);
      if (nowMs >= measuredFromMs) {
        const latencyMs = nowMs - Number(endNs) / 1e6;
        latenciesMs.push(latencyMs);
        const second = Math.floor((nowMs - measuredFromMs) / 1000);
        const inSecond = bySecond.get(second);
        if (inSecond) inSecond.push(latencyMs);
        else bySecond.set(second, [latencyMs]);
      }
      if (lastNs > 0n) lost += Number((endNs - lastNs) / strideNs) - 1;
      lastNs = endNs;
    }
  }
  clearTimeout(timer);
}

await Promise.all(urls.map(read));
function at(part: number, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(10 * sorted[Math.floor(part * (sorted.length - 1))]!) / 10;
}

say(JSON.stringify({
  rows: latenciesMs.length,
  lost,
  p50: at(0.5, latenciesMs),
  p99: at(0.99, latenciesMs),
  // What lasts shows here, a burst of other work on the machine does not.
  p99Typical: at(0.5, [...bySecond.values()].map((v) => at(0.99, v))),
  max: at(1, latenciesMs),
}));
Deno.exit(0);
