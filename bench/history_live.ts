// The cost of histories for live clients: p99 of live rows in alternation with 0 and with 4 histories that are read
// from Kafka at full speed. Run `deno task bench:history`; the broker needs Java and Maven.
// Invariant: both figures come from the same run, the same broker, the same clients.
import { roundsOrExit } from "./rounds.ts";
import { startKafka } from "../scripts/kafka/broker.ts";
import { nowGpsNs } from "../src/blocks/gps_time.ts";
import {
  freePort,
  launchQanat,
  Process,
  say,
  sleep,
  streamUrl,
} from "../test/integration/chain.ts";

const ROUNDS = roundsOrExit(
  "bench:history",
  "Measure live latency with 0 and with 4 histories (needs Java and Maven)",
);
const HISTORIES = 4;
const LIVE_CLIENTS = 40;
const PHASE_S = 10;
/** So much is written before the first history is asked for. */
const PAST_S = 60;
const EXTRA_CHANNELS = 200;

interface Latency {
  readonly rows: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
}

const directory = await Deno.makeTempDir({ prefix: "qanat-bench-" });
const broker = await startKafka({ port: freePort(), dir: directory });
const publisher = new Process("publish", Deno.execPath(), [
  "task",
  "publish",
  `--kafka=${broker.address}`,
  `--channels=${EXTRA_CHANNELS}`,
]);
const { qanat, url } = launchQanat([
  `--kafka=${broker.address}`,
  // So little is read ahead of clients that a history comes from Kafka.
  "--resume-window-ms=1000",
  "--linger-ms=0",
]);
try {
  await publisher.says(/Publishing/);
  await qanat.answers(`${url}/readyz`);
  const names = await channelNames();
  say(`${names.length} channels; ${PAST_S} s are written first`);
  await sleep(1000 * PAST_S);
  const without: Latency[] = [];
  const beside: Latency[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    without.push(await live(names));
    const stop = histories(names);
    beside.push(await live(names));
    const bytes = await stop();
    say(
      `round ${round + 1}: p99 ${without[round]!.p99} ms without, ${
        beside[round]!.p99
      } ms with ${HISTORIES} histories at ${
        (bytes / PHASE_S / 1e6).toFixed(1)
      } MB/s`,
    );
  }
  const p99 = [median(without, "p99"), median(beside, "p99")] as const;
  const p50 = [median(without, "p50"), median(beside, "p50")] as const;
  const lost = [...without, ...beside].reduce((n, l) => n + l.lost, 0);
  say(
    `live, ${LIVE_CLIENTS} clients, medians of ${ROUNDS}: p99 ${
      p99[0]
    } ms with 0 histories, ${p99[1]} ms with ${HISTORIES} (${
      (p99[1] / p99[0]).toFixed(2)
    } times); p50 ${p50[0]} and ${p50[1]} ms; ${lost} rows lost`,
  );
} finally {
  await qanat.stop();
  await publisher.stop();
  await broker.stop();
  await Deno.remove(directory, { recursive: true });
}
Deno.exit(0);

/** Once the publisher's metadata has been read. */
async function channelNames(): Promise<string[]> {
  for (;;) {
    const response = await fetch(
      `${url}/v1/channels?min_rate=2048&max_rate=2048`,
    );
    const { channels } = await response.json();
    const names = channels.map((c: { name: string }) => c.name);
    if (names.length >= EXTRA_CHANNELS) return names;
    await sleep(100);
  }
}

/** Latency of live rows, ten channels a client. */
async function live(names: readonly string[]): Promise<Latency> {
  const urls = Array.from({ length: LIVE_CLIENTS }, (_, i) => {
    const chosen = Array.from(
      { length: 10 },
      (_, k) => names[(i * 7 + k * 13) % names.length]!,
    );
    return streamUrl(url, "events", [...new Set(chosen)].sort());
  });
  const reader = new Process("latency_reader", Deno.execPath(), [
    "run",
    "--no-prompt",
    "--allow-net=127.0.0.1",
    "test/integration/latency_reader.ts",
    String(PHASE_S),
    ...urls,
  ]);
  if (await reader.ends() !== 0) throw new Error(reader.log);
  return JSON.parse(reader.output.trim().split("\n").at(-1)!);
}

/** Histories one after another, as fast as they come; returns what ends them and says how many bytes came. */
function histories(names: readonly string[]): () => Promise<number> {
  let isOn = true;
  let bytes = 0;
  const running = Array.from({ length: HISTORIES }, async (_, i) => {
    const chosen = names.slice(40 * i, 40 * i + 40);
    while (isOn) {
      const start = Number(nowGpsNs() / 1_000_000_000n) - PAST_S + 5;
      const query = `&start=${start}&duration=${PAST_S - 10}`;
      const response = await fetch(streamUrl(url, "arrow", chosen) + query);
      if (!response.ok) throw new Error(await response.text());
      for await (const part of response.body!) {
        bytes += part.byteLength;
        if (!isOn) break;
      }
    }
  });
  return async () => {
    isOn = false;
    await Promise.all(running);
    return bytes;
  };
}

function median(all: readonly Latency[], key: "p50" | "p99"): number {
  const sorted = all.map((l) => l[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
