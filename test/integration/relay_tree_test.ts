// A tree of three levels of relays below an origin, embedded and on a real Kafka, with clients on each level.
// QANAT_SECONDS of 600 or more (`.ci/run --long`): with Kafka 10 minutes, and 1,000 clients on the lowest level; else 20 s,
// and 50.
// Invariant: the rows of each level are those of the origin, byte for byte, each once.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  type Launched,
  launchQanat,
  metric,
  PARTS,
  Process,
  say,
  startChain,
} from "./chain.ts";
import { Published } from "./published.ts";
import type { LevelFigures, TreePlan } from "./tree_readers.ts";

const IS_LONG = Number(Deno.env.get("QANAT_SECONDS") || "0") >= 600;
/** How long the clients read, s, and how many there are on the lowest level. */
const SHORT = { seconds: 20, lowest: 50 };
const KAFKA = IS_LONG ? { seconds: 600, lowest: 1000 } : SHORT;
/** On each other level. */
const OTHERS = 8;
const RELAYS = 3;
const SELECTIONS = 8;
const STRIDE_NS = 62_500_000n;
const ATTACH_MAX_MS = 120_000;
/** One partition, and a long latency: no instance gives a block up because a busy machine publishes it late. */
const SLOW_PUBLISHER = {
  dataType: "int32",
  rate: 256,
  maxLatencyMs: 60_000,
} as const;
const STREAMS = "--relay-streams-max=64";

/** Below an origin at a URL, each relay reads from the one before it. */
async function growTree(url: string, started: Launched[]): Promise<string[]> {
  const urls = [url];
  for (let i = 0; i < RELAYS; i++) {
    const relay = launchQanat([`--upstream=${urls.at(-1)}`, STREAMS]);
    started.push(relay);
    await relay.qanat.answers(`${relay.url}/readyz`);
    urls.push(relay.url);
  }
  return urls;
}

/** Fails unless all levels get the same rows. `names`: the channels of which each client reads some. */
async function compareLevels(
  urls: readonly string[],
  names: readonly string[],
  { what, seconds, lowest }: { what: string; seconds: number; lowest: number },
): Promise<void> {
  const each = Math.min(5, names.length);
  const plan: TreePlan = {
    seconds,
    strideNs: String(STRIDE_NS),
    levels: urls.map((url, level) => ({
      url,
      clients: level === RELAYS ? lowest : OTHERS,
    })),
    selections: Array.from(
      { length: SELECTIONS },
      (_, i) =>
        Array.from(
          { length: each },
          (_, k) => names[(i * 3 + k) % names.length]!,
        ),
    ),
  };
  const readers = new Process("tree_readers", Deno.execPath(), [
    "run",
    "--no-prompt",
    "-P=test",
    "test/integration/tree_readers.ts",
    JSON.stringify(plan),
  ]);
  try {
    await readers.says(/^attached$/m, ATTACH_MAX_MS);
    assert.equal(await readers.ends(), 0, readers.log);
  } finally {
    await readers.stop();
  }
  const levels = JSON.parse(
    readers.output.trim().split("\n").at(-1)!,
  ) as LevelFigures[];
  say(
    `tree of ${RELAYS} levels, ${what}, ${seconds} s: ${
      levels.map(({ clients, rows, different, p50Ms, p99Ms }) =>
        `${clients} clients, ${rows} rows, ${different} different, p50 ${p50Ms} ms, p99 ${p99Ms} ms`
      ).join("; ")
    }`,
  );
  for (const [i, level] of levels.entries()) {
    const { clients, rows, rowsMin, compared } = level;
    const { different, outOfOrder, gaps, ends } = level;
    assert.deepEqual({ different, outOfOrder, gaps, ends }, {
      different: 0,
      outOfOrder: 0,
      gaps: 0,
      ends: 0,
    }, `level ${i}`);
    // A busy machine lets some clients in late; what counts is each row that comes.
    assert.ok(rowsMin > 0 && rows > clients * seconds, `level ${i}: ${rows}`);
    if (i > 0) assert.ok(compared > 0, `level ${i}`);
  }
  for (const url of urls.slice(1)) {
    const name = `qanat_source_reachable`;
    assert.equal(await metric(url, name), 1, url);
  }
}

describe("a tree of three levels of relays", () => {
  const started: Launched[] = [];

  before(async () => {
    const origin = launchQanat([STREAMS]);
    started.push(origin);
    await origin.qanat.answers(`${origin.url}/readyz`);
  });
  after(async () => {
    for (const { qanat } of started.reverse()) await qanat.stop();
  });

  it("gives each level the rows of an embedded origin, byte for byte", async () => {
    const [{ url }] = started as [Launched];
    const response = await fetch(
      `${url}/v1/channels?publisher=H1QANAT&max_rate=256`,
    );
    const { channels } = await response.json();
    const names = channels.map((c: { name: string }) => c.name);
    const urls = await growTree(url, started);
    await compareLevels(urls, names, { what: "embedded", ...SHORT });
  });
});

const runnable = canRun([PARTS.kafka, PARTS.python]);

describe("a tree of three levels of relays below Kafka", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  it("gives each level the rows of its origin, byte for byte", async () => {
    const started: Launched[] = [];
    const chain = await startChain({
      channels: 40,
      secondsMax: KAFKA.seconds + 300,
      qanatArgs: [STREAMS],
      ...SLOW_PUBLISHER,
    });
    try {
      const { channels } = new Published(chain.directory);
      const names = channels.map(({ name }) => name);
      const urls = await growTree(chain.qanatUrl, started);
      await compareLevels(urls, names, { what: "Kafka", ...KAFKA });
    } finally {
      for (const { qanat } of started.reverse()) await qanat.stop();
      await chain.close();
    }
  });
});
