// The promise of many clients on any machine: hundreds of different selections, a storm, what an idle client costs, and
// what clients of a relay cost its origin.
// Invariant: real broker, real publisher, real sockets; figures of speed belong to `deno task scale`, losses to this.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  growthOf,
  Metrics,
  processFigures,
} from "../../scripts/scale/process_figures.ts";
import { buildReader, Reader } from "../../scripts/scale/reader.ts";
import {
  differentSelections,
  requestLine,
} from "../../scripts/scale/selections.ts";
import { measureTree, type TreeHome } from "../../scripts/scale/tree.ts";
import {
  type Chain,
  launchQanat,
  PARTS,
  Process,
  say,
  sleep,
  startChain,
} from "./chain.ts";
import { Published } from "./published.ts";

const SECONDS = 6;
const EACH = 300;
const STORM = 1000;
/** Idle clients whose memory is weighed, after a quarter as many have come and warmed everything. */
const IDLE = 2000;
/**
 * Measured here on 2026-11-24: 15.3 KB; 22.3 to 24.0 when 1,000 were weighed, as two points have the heap's steps
 * between them: `deno task scale --memory`, a line through more of them, comes to 10 KB.
 */
const IDLE_BYTES_MAX = 26_000;
/** Clients of a relay. */
const RELAYED = 100;
const ATTACH_MAX_MS = 60_000;
const HOME_MAX_MS = 20_000;

const runnable = canRun([PARTS.kafka, PARTS.python, PARTS.cc]);

describe("many clients at once", { ignore: !runnable, skip: !runnable }, () => {
  let chain: Chain;
  let port: number;
  let program: string;
  let names: string[];
  const readers: Reader[] = [];

  before(async () => {
    program = buildReader(PARTS.cc.program!);
    chain = await startChain({ channels: 100, secondsMax: 300 });
    port = Number(new URL(chain.qanatUrl).port);
    names = new Published(chain.directory).channels.map(({ name }) => name);
  });
  after(async () => {
    for (const reader of readers) await reader.stop();
    await chain?.close();
  });

  function read(
    lines: readonly string[],
    format: "events" | "arrow",
    { settleS, seconds, flags = [], to = port }: {
      settleS: number;
      seconds: number;
      to?: number;
      flags?: string[];
    },
  ): Reader {
    const reader = new Reader(program, {
      port: to,
      clients: lines.length,
      format,
      lines,
      home: chain,
      settleS,
      seconds,
      flags,
    });
    readers.push(reader);
    return reader;
  }

  /** Resolves when no client is left and every slot is released. */
  async function home(): Promise<void> {
    const untilMs = Date.now() + HOME_MAX_MS;
    let figures: (number | null)[];
    do {
      await sleep(100);
      const metrics = await Metrics.of(chain.qanatUrl);
      figures = [
        "clients",
        "selections",
        "slab_used_slots",
        "slab_reserved_bytes",
      ].map((name) => metrics?.get(name) ?? null);
    } while (figures.some((figure) => figure !== 0) && Date.now() < untilMs);
    assert.deepEqual(
      figures,
      [0, 0, 0, 0],
      "clients, selections, slots and bytes left over",
    );
  }

  it(`${EACH} Arrow and ${EACH} event streams, all different, lose no row and see no gap`, async () => {
    const selections = differentSelections(names, 2 * EACH);
    const lines = (format: "events" | "arrow", from: number) =>
      selections.slice(from, from + EACH).map((s) => requestLine(s, format));
    const before = await Metrics.of(chain.qanatUrl);
    const both = [
      read(lines("arrow", 0), "arrow", { settleS: 3, seconds: SECONDS }),
      read(lines("events", EACH), "events", { settleS: 3, seconds: SECONDS }),
    ];
    const figures = await Promise.all(both.map((reader) => reader.figures()));
    for (const { attached, refused, steady } of figures) {
      const { lost, gaps, ended, rowsPerSecond, latencyMs } = steady;
      say(
        `${attached} clients: ${rowsPerSecond.min} to ${rowsPerSecond.median} rows/s, ${lost} lost, p99 ${latencyMs.p99} ms`,
      );
      assert.deepEqual(
        { attached, refused, lost, gaps, ended },
        { attached: EACH, refused: 0, lost: 0, gaps: 0, ended: 0 },
      );
      // Rows may be late on a busy machine, but they come.
      assert.ok(rowsPerSecond.min > 8, `${rowsPerSecond.min} rows/s`);
    }
    const after = await Metrics.of(chain.qanatUrl);
    assert.equal(growthOf(["rows_late_total"], before, after), 0);
    await home();
  });

  it(`${STORM} clients that come at once, and leave at once, cost the others no row, and leave nothing behind`, async () => {
    const selections = differentSelections(names, 100 + STORM);
    const lines = selections.map((s) => requestLine(s, "arrow"));
    const steady = read(lines.slice(0, 100), "arrow", {
      settleS: 0,
      seconds: 120,
    });
    await steady.measuring(ATTACH_MAX_MS);
    const crowd = read(lines.slice(100), "arrow", {
      settleS: 0,
      seconds: 120,
      flags: ["--storm"],
    });
    const { clients, refused } = await crowd.attached(ATTACH_MAX_MS);
    assert.deepEqual({ clients, refused }, { clients: STORM, refused: 0 });
    await sleep(1000);
    await crowd.stop();
    await sleep(1000);
    steady.end();
    const { lost, gaps, ended, latencyMs } = (await steady.figures()).steady;
    say(`storm of ${STORM}: the others' worst row took ${latencyMs.max} ms`);
    assert.deepEqual({ lost, gaps, ended }, { lost: 0, gaps: 0, ended: 0 });
    await home();
  });

  it(`an idle client costs at most ${IDLE_BYTES_MAX / 1000} KB`, async () => {
    const silent = await silentNames();
    const lines = Array<string>(IDLE).fill(requestLine(silent, "events"));
    // A fresh one: a heap that has grown before would take them in for nothing.
    const { qanat, url, port: own } = launchQanat([
      `--kafka=${chain.brokerAddress}`,
    ]);
    try {
      await qanat.answers(
        `${url}/v1/channels/${encodeURIComponent(silent[0]!)}`,
      );
      const first = read(lines.slice(0, IDLE / 4), "events", {
        settleS: 0,
        seconds: 120,
        to: own,
      });
      await first.attached(ATTACH_MAX_MS);
      await sleep(2000);
      const warm = processFigures(qanat.pid).rssBytes;
      const second = read(lines, "events", {
        settleS: 0,
        seconds: 120,
        to: own,
      });
      await second.attached(ATTACH_MAX_MS);
      await sleep(2000);
      const bytes = (processFigures(qanat.pid).rssBytes - warm) / IDLE;
      first.end();
      second.end();
      const { rows } = (await second.figures()).steady;
      say(`an idle client: ${(bytes / 1000).toFixed(1)} KB`);
      assert.equal(rows, 0, "they were idle");
      assert.ok(bytes < IDLE_BYTES_MAX, `${bytes} bytes per client`);
    } finally {
      await qanat.stop();
    }
  });

  it(`${RELAYED} clients of a relay get every row, and cost its origin the bytes of the partitions once`, async () => {
    const home: TreeHome = {
      directory: chain.directory,
      launch: async (
        args,
        _root,
        source = `--kafka=${chain.brokerAddress}`,
      ) => {
        const { qanat, url, port } = launchQanat([source, ...args]);
        try {
          for (const name of [names[0]!, names.at(-1)!]) {
            await qanat.answers(
              `${url}/v1/channels/${encodeURIComponent(name)}`,
            );
          }
        } catch (error) {
          await qanat.stop();
          throw error;
        }
        return { process: qanat, url, port, names };
      },
    };
    const { instances: [origin, relay] } = await measureTree(home, [
      { parent: null, clients: 0, reads: "ten" },
      { parent: 0, clients: RELAYED, reads: "ten" },
    ], { program, seconds: 2 });
    const { lost, failed, rows } = relay!;
    assert.deepEqual({ lost, failed }, { lost: 0, failed: 0 });
    assert.ok(rows > RELAYED, `${rows} rows`);
    say(
      `${RELAYED} clients of a relay: ${
        relay!.clientBytesPerSecond
      } B/s, from the origin ${origin!.relayBytesPerSecond} B/s`,
    );
    assert.equal(origin!.clientBytesPerSecond, 0);
    assert.ok(origin!.relayBytesPerSecond > 0);
    // Together the clients read each channel ten times.
    assert.ok(
      origin!.relayBytesPerSecond < relay!.clientBytesPerSecond / 3,
      `${origin!.relayBytesPerSecond} and ${relay!.clientBytesPerSecond} B/s`,
    );
  });

  /** Channels that are known, and published no longer. */
  async function silentNames(): Promise<string[]> {
    const publisher = new Process("publish", Deno.execPath(), [
      "run",
      "--no-prompt",
      "--frozen",
      "-P=publish",
      "src/publish.ts",
      `--kafka=${chain.brokerAddress}`,
      "--match=^H1:SLOW-",
      "--duration=1",
    ]);
    assert.equal(await publisher.ends(), 0, publisher.log);
    const untilMs = Date.now() + ATTACH_MAX_MS;
    while (Date.now() < untilMs) {
      const response = await fetch(
        `${chain.qanatUrl}/v1/channels?match=H1:SLOW-.*`,
      );
      const { channels } = await response.json();
      if (channels.length > 0) {
        return channels.map(({ name }: { name: string }) => name);
      }
      await sleep(200);
    }
    throw new Error("The silent channels are not known");
  }

  it("every slot is released, and it stops in order", async () => {
    const { code } = await chain.qanat.stop();
    assert.equal(code, 0, chain.qanat.log);
  });
});
