// Every fault of a broker, a topic or a process, with live clients attached. docs/faults.md has the figures.
// QANAT_SECONDS=600 (the long tier) runs all of them, at their full length; without, the short ones. QANAT_WORKERS above
// 1 then leaves out those that the reading thread meets in the same way however many threads serve.
// Invariant: of what Kafka has, clients lose nothing and get nothing twice; others are undisturbed; lost rows are reported.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, say, sleep } from "./chain.ts";
import {
  FaultWorld,
  type FaultWorldOptions,
  topicName,
} from "./fault_world.ts";
import { until } from "./until.ts";

const isLong = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600;
/** From the broker's return (or the first write after it) to a row at a client; the short tier shares its machine. */
const RETURN_MAX_MS = isLong ? 1000 : 20_000;
/** Between two rows of a stream that the fault does not concern. */
const SILENCE_MAX_MS = isLong ? 1000 : 20_000;
const hasWorkers = Number(Deno.env.get("QANAT_WORKERS") || "1") > 1;
const runnable = canRun([PARTS.kafka]);
/** For faults of which the threads that serve notice no more than of others here. */
const inReaderTier: typeof it | (() => void) = isLong || !hasWorkers
  ? it
  : () => {};

async function inWorld(
  options: FaultWorldOptions,
  play: (world: FaultWorld) => Promise<void>,
): Promise<void> {
  const world = await FaultWorld.start(options);
  try {
    await play(world);
  } finally {
    await world.close();
  }
}

/** Ms from the broker's return, or the first write that it took since, to a client's next row. */
async function returned(
  world: FaultWorld,
  client: FaultWorld["clients"][number],
  k: number,
): Promise<{ sinceReturnMs: number; sinceWriteMs: number }> {
  const returnMs = Date.now();
  const before = client.rows.length;
  const writer = world.writers.get(k)!;
  await until("the first write", () => writer.ackMs > returnMs);
  await until("the next row", () => client.rows.length > before);
  return {
    sinceReturnMs: client.lastRowMs - returnMs,
    sinceWriteMs: Math.max(0, Date.now() - writer.ackMs),
  };
}

function told(name: string, figures: Record<string, number | string>): void {
  const text = Object.entries(figures).map(([key, value]) =>
    `${key} ${typeof value === "number" ? Math.round(value) : value}`
  ).join(", ");
  say(`fault: ${name}: ${text}`);
}

describe("faults", { ignore: !runnable, skip: !runnable }, () => {
  it("the broker is killed with -9 and comes back", () =>
    inWorld({ topics: 3 }, async (world) => {
      const [one, joined] = [await world.attach(0), await world.attach(1, 2)];
      const awayS = isLong ? 20 : 5;
      await world.brokers[0]!.kill9();
      await until("not ready", async () => !await world.ready());
      await sleep(1000 * awayS);
      await world.brokers[0]!.restart();
      const { sinceReturnMs, sinceWriteMs } = await returned(world, one, 0);
      await until("ready", () => world.ready());
      await sleep(3000);
      await world.settle();
      const lost = [await world.lostBy(one), await world.lostBy(joined)];
      told("broker killed with -9", {
        away_s: awayS,
        row_after_return_ms: sinceReturnMs,
        after_first_write_ms: sinceWriteMs,
        lost: lost.join("+"),
        gaps: one.gaps.length + joined.gaps.length,
      });
      assert.deepEqual(lost, [0, 0]);
      assert.deepEqual([...one.ends, ...joined.ends], []);
      assert.ok(sinceWriteMs < RETURN_MAX_MS, `${sinceWriteMs} ms`);
    }));

  inReaderTier(
    "the broker is frozen and continues",
    () =>
      inWorld({ topics: 3 }, async (world) => {
        const [one, joined] = [await world.attach(0), await world.attach(1, 2)];
        const frozenS = isLong ? 25 : 10;
        world.brokers[0]!.freeze();
        try {
          await until("not ready", async () => !await world.ready());
          await sleep(1000 * (frozenS - 7));
        } finally {
          world.brokers[0]!.thaw();
        }
        const { sinceReturnMs, sinceWriteMs } = await returned(world, one, 0);
        await until("ready", () => world.ready());
        await sleep(3000);
        await world.settle();
        const lost = [await world.lostBy(one), await world.lostBy(joined)];
        told("broker frozen", {
          frozen_s: frozenS,
          row_after_return_ms: sinceReturnMs,
          after_first_write_ms: sinceWriteMs,
          lost: lost.join("+"),
        });
        assert.deepEqual(lost, [0, 0]);
        assert.ok(sinceReturnMs < RETURN_MAX_MS, `${sinceReturnMs} ms`);
      }),
  );

  it("this process is frozen and continues", () =>
    inWorld({ topics: 3 }, async (world) => {
      const [one, joined] = [await world.attach(0), await world.attach(1, 2)];
      const frozenS = isLong ? 50 : 6;
      const before = one.rows.length;
      Deno.kill(world.qanat.pid, "SIGSTOP");
      await sleep(1000 * frozenS);
      Deno.kill(world.qanat.pid, "SIGCONT");
      const thawedMs = Date.now();
      await until("the next row", () => one.rows.length > before + 4);
      const tookMs = one.lastRowMs - thawedMs;
      await sleep(4000);
      assert.ok(await world.ready());
      await world.settle();
      const lost = [await world.lostBy(one), await world.lostBy(joined)];
      told("this process frozen", {
        frozen_s: frozenS,
        row_after_return_ms: tookMs,
        lost: lost.join("+"),
      });
      assert.deepEqual(lost, [0, 0]);
      assert.ok(tookMs < RETURN_MAX_MS, `${tookMs} ms`);
    }));

  it("a topic is deleted and made again: its clients get an end, others continue", () =>
    inWorld({ topics: 2 }, async (world) => {
      const [hit, other] = [await world.attach(0), await world.attach(1)];
      await world.admin.deleteTopics({ topics: [topicName(0)] });
      await sleep(1500);
      assert.ok(await world.ready(), "a topic's deletion is no broker's fault");
      await world.createTopics([topicName(0)]);
      world.writers.get(0)!.skipPending();
      const madeMs = Date.now();
      const before = hit.rows.length;
      await until("rows of the new topic", () => hit.rows.length > before + 8);
      const tookMs = Date.now() - madeMs;
      await world.settle();
      const lost = [await world.lostBy(hit), await world.lostBy(other)];
      told("topic deleted and made again", {
        rows_again_after_ms: tookMs,
        ends: hit.ends.join("+"),
        lost: lost.join("+"),
        others_longest_silence_ms: other.longestSilenceMs,
      });
      assert.deepEqual(lost, [0, 0]);
      assert.deepEqual(hit.ends, ["time-reset"]);
      assert.deepEqual([other.gaps, other.ends], [[], []]);
      assert.ok(other.longestSilenceMs < SILENCE_MAX_MS);
    }));

  inReaderTier(
    "a topic is made, and partitions are added, while clients are attached",
    () =>
      inWorld({ topics: 1 }, async (world) => {
        const other = await world.attach(0);
        const beganMs = Date.now();
        await world.addTopic(1);
        const late = await world.attach(1);
        const tookMs = Date.now() - beganMs;
        await world.admin.createPartitions({
          topicPartitions: [{ topic: topicName(1), count: 3 }],
        });
        await sleep(4000);
        const rows = late.rows.length;
        await world.settle();
        told("topic made later, partitions added", {
          eight_rows_after_ms: tookMs,
          rows,
        });
        assert.equal(await world.lostBy(other), 0);
        assert.deepEqual([other.gaps, other.ends], [[], []]);
        assert.equal(await world.lostBy(late), 0);
      }),
  );

  inReaderTier(
    "the next record is deleted from the log: it is reported, and reading continues at the start of the log",
    () =>
      inWorld({ topics: 2 }, async (world) => {
        const [hit, other] = [await world.attach(0), await world.attach(1)];
        Deno.kill(world.reader.pid, "SIGSTOP");
        await sleep(4000);
        const ends = await world.admin.fetchTopicOffsets(topicName(0));
        await world.admin.deleteTopicRecords({
          topic: topicName(0),
          partitions: [{
            partition: 0,
            offset: String(Number(ends[0]!.high) - 8),
          }],
        });
        Deno.kill(world.reader.pid, "SIGCONT");
        const before = hit.rows.length;
        await until("rows again", () => hit.rows.length > before + 20);
        await sleep(3000);
        await world.settle();
        const log = await world.logOf(0);
        const lost = [await world.lostBy(hit), await world.lostBy(other)];
        const indexes = hit.rows.filter((r) => r.values[0] !== null)
          .map((r) => r.index);
        const hole = indexes.findIndex((index, i) =>
          i > 0 && index !== indexes[i - 1]! + 1
        );
        told("offset out of range", {
          lost: lost.join("+"),
          told: hit.gaps.map((g) => g.reason).join("+"),
          blocks_gone: indexes[hole]! - indexes[hole - 1]! - 1,
        });
        assert.ok(log.size > 8);
        assert.deepEqual(lost, [0, 0]);
        assert.ok(hole > 0, "nothing was deleted");
        const end = (index: number) => String(BigInt(index + 1) * 62_500_000n);
        assert.deepEqual(
          hit.gaps.map(({ from, to }) => ({ from, to })),
          [{ from: end(indexes[hole - 1]!), to: end(indexes[hole]! - 1) }],
        );
        assert.deepEqual([other.gaps, other.ends], [[], []]);
      }),
  );

  it("messages of 10 MB", () =>
    inWorld({ topics: 1 }, async (world) => {
      const other = await world.attach(0);
      const writer = await world.addTopic(1, [
        { name: "max.message.bytes", value: "20000000" },
      ]);
      const big = await world.attach(1);
      writer.padding = 10_000_000 / 8;
      await sleep(isLong ? 20_000 : 4000);
      writer.padding = 0;
      await sleep(4000);
      await world.settle();
      const lost = [await world.lostBy(big), await world.lostBy(other)];
      told("10 MB messages", {
        rows: big.rows.length,
        lost: lost.join("+"),
        others_longest_silence_ms: other.longestSilenceMs,
      });
      assert.deepEqual(lost, [0, 0]);
    }));

  for (const isSilent of [false, true]) {
    const what = isSilent ? "accepts and never answers" : "is away";
    inReaderTier(
      `a broker that ${what} at the start, and answers later`,
      () => {
        const port = freePort();
        const listener = isSilent
          ? Deno.listen({ hostname: "127.0.0.1", port })
          : null;
        return playStart(port, listener, what);
      },
    );
  }

  async function playStart(
    port: number,
    listener: Deno.TcpListener | null,
    what: string,
  ): Promise<void> {
    const accepted: Deno.Conn[] = [];
    const accepting = (async () => {
      if (listener) { for await (const one of listener) accepted.push(one); }
    })().catch(() => {});
    const { qanat, url } = launchQanat([
      `--kafka=127.0.0.1:${port}`,
      "--ready-grace-ms=1000",
    ]);
    try {
      await qanat.answers(`${url}/healthz`);
      const before = await fetch(`${url}/readyz`);
      assert.equal(before.status, 503);
      assert.match(await before.text(), /unreachable|metadata/);
      await sleep(isLong ? 15_000 : 4000);
      listener?.close();
      for (const one of accepted) one.close();
      await accepting;
      await inWorld({ topics: 1, port, hasQanat: false }, async (world) => {
        world.url = url;
        const beganMs = Date.now();
        const client = await world.attach(0);
        const tookMs = Date.now() - beganMs;
        assert.ok(await world.ready());
        await world.settle();
        told(`broker ${what} at the start`, { eight_rows_after_ms: tookMs });
        assert.equal(await world.lostBy(client), 0);
      });
    } finally {
      await qanat.stop();
    }
  }

  const inLongTier: typeof it | (() => void) = isLong ? it : () => {};

  inLongTier("packets are dropped both ways", () => {
    const proxyPort = freePort();
    return inWorld({ topics: 3, proxyPort, hasQanat: false }, async (world) => {
      const proxy = new DroppingProxy(proxyPort, world.proxiedPort);
      try {
        await world.launch();
        const [one, joined] = [await world.attach(0), await world.attach(1, 2)];
        const droppedS = 30;
        const before = one.rows.length;
        proxy.isDropping = true;
        await until("not ready", async () => !await world.ready());
        await sleep(1000 * (droppedS - 7));
        proxy.isDropping = false;
        const backMs = Date.now();
        await until("the next row", () => one.rows.length > before + 20);
        const tookMs = one.lastRowMs - backMs;
        await until("ready", () => world.ready());
        await sleep(2000);
        await world.settle();
        const lost = [await world.lostBy(one), await world.lostBy(joined)];
        told("packets dropped both ways", {
          dropped_s: droppedS,
          rows_after_return_ms: tookMs,
          lost: lost.join("+"),
        });
        assert.deepEqual(lost, [0, 0]);
        assert.ok(tookMs < RETURN_MAX_MS, `${tookMs} ms`);
      } finally {
        await proxy.close();
      }
    });
  });

  inLongTier(
    "three brokers with replication 3: rolling restart",
    () =>
      inWorld({ topics: 4, brokers: 3 }, async (world) => {
        const clients = [
          await world.attach(0),
          await world.attach(1, 2),
          await world.attach(0, 1, 2, 3),
        ];
        for (const broker of world.brokers) {
          await broker.stop();
          await sleep(2000);
          assert.ok(await world.ready(), "two of three brokers are enough");
          await broker.restart();
          await sleep(10_000);
        }
        await world.settle();
        const lost = [];
        for (const client of clients) {
          lost.push(await world.lostBy(client, true));
        }
        // While leaders and followers move, publishers pause: blocks that Kafka accepts too late may be null.
        const late = [...world.writers.values()].map((w) => w.late.size);
        told("rolling restart of three brokers", {
          blocks_written_late: late.join("+"),
          lost: lost.join("+"),
          longest_silence_ms: Math.max(
            ...clients.map((c) => c.longestSilenceMs),
          ),
        });
        assert.deepEqual(lost, [0, 0, 0]);
      }),
  );
});

/** Forwards between two ports until it drops everything; drops nothing it was given before. */
class DroppingProxy {
  isDropping = false;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #to: number;

  constructor(port: number, to: number) {
    this.#to = to;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#accept();
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.#listener) this.#serve(client);
    } catch {
      // Closed.
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    // A dropped SYN is tried again; the kernel accepted this one, so only its bytes can wait.
    const server = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#to,
    }).catch(() => null);
    if (server === null) return client.close();
    this.#open.add(server);
    await Promise.race([
      this.#copy(client, server),
      this.#copy(server, client),
    ]);
    for (const one of [client, server]) {
      this.#open.delete(one);
      try {
        one.close();
      } catch {
        // Closed already.
      }
    }
  }

  /** As TCP does: what is dropped on the way is sent again later. */
  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        while (this.isDropping) await sleep(20);
        if (count === null) return;
        for (let at = 0; at < count;) {
          at += await to.write(buffer.subarray(at, count));
        }
      }
    } catch {
      // The other side has disconnected.
    }
  }

  async close(): Promise<void> {
    this.isDropping = false;
    this.#listener.close();
    for (const one of this.#open) {
      try {
        one.close();
      } catch {
        // Closed already.
      }
    }
    await sleep(50);
  }
}
