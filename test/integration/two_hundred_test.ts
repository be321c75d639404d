// The promise that Qanat exists for: 100 real channels, 200 clients with different selections, one read of Kafka.
// Invariant: the clients run in a process of their own, and Python alone judges what they received.
// QANAT_SECONDS: how long the clients stay (default 60, at most 300). QANAT_BESIDE: clients that load the service meanwhile.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { buildReader, Reader } from "../../scripts/scale/reader.ts";
import {
  differentSelections,
  requestLine,
} from "../../scripts/scale/selections.ts";
import {
  type Chain,
  PARTS,
  Process,
  say,
  sleep,
  startChain,
  streamUrl,
} from "./chain.ts";
import { Published } from "./published.ts";

const CLIENTS = 200;
const CHANNELS_EACH = 10;
const SECONDS_WANTED = Number(Deno.env.get("QANAT_SECONDS") || "60");
const SECONDS = Math.min(SECONDS_WANTED, 300);
/** The broker's bytes are counted over this much of a run, after it has settled. */
const SETTLE_S = 2;
const WINDOW_S = Math.min(20, Math.max(5, SECONDS - 2 * SETTLE_S));
const GROWTH_MAX = 1.3;
const BYTES_OUT = "kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec";

interface ClientPlan {
  readonly kind: "events" | "arrow";
  readonly channels: readonly string[];
  readonly url: string;
  readonly file: string;
}

const IS_LONG = SECONDS_WANTED >= 600;
const BESIDE = Number(
  Deno.env.get("QANAT_BESIDE") || (IS_LONG ? "2000" : "600"),
);
const BESIDE_SECONDS = Math.min(SECONDS, 120);
const ATTACH_MAX_MS = 60_000;

const runnable = canRun([PARTS.kafka, PARTS.python, PARTS.cc]);

describe(
  "200 clients on 100 channels",
  { ignore: !runnable, skip: !runnable },
  () => {
    let chain: Chain;
    let names: string[];
    let oneRate: number;

    before(async () => {
      chain = await startChain({
        channels: 100,
        secondsMax: SECONDS * 3 + 300,
      });
      names = new Published(chain.directory).channels.map((channel) =>
        channel.name
      );
    });
    after(() => chain?.close());

    function plan(
      index: number,
      kind: "events" | "arrow",
      channels: readonly string[],
    ): ClientPlan {
      const url = streamUrl(
        chain.qanatUrl,
        kind,
        channels,
        kind === "arrow" ? SECONDS : undefined,
      );
      return {
        kind,
        channels,
        url,
        file: `${chain.directory}/client-${index}`,
      };
    }

    /** Ten channels, other ones for each client: steps of 7 (then 3) from a start of its own around the hundred. */
    function selection(client: number): string[] {
      const step = client < names.length ? 7 : 3;
      return Array.from(
        { length: CHANNELS_EACH },
        (_, k) => names[(client + k * step) % names.length]!,
      );
    }

    /** Runs the clients; the broker's bytes out per second while they read. */
    async function run(
      clients: readonly ClientPlan[],
      seconds: number,
    ): Promise<number> {
      const file = `${chain.directory}/plan.json`;
      await Deno.writeTextFile(file, JSON.stringify({ seconds, clients }));
      const reader = new Process("many_clients.ts", Deno.execPath(), [
        "run",
        "--no-prompt",
        "-P=test",
        "test/integration/many_clients.ts",
        file,
      ]);
      try {
        await reader.says(/^attached$/m);
        await sleep(SETTLE_S * 1000);
        const rate = await brokerBytesOutPerSecond(chain.brokerPid);
        const code = await reader.ends();
        assert.equal(code, 0, reader.log);
        return rate;
      } finally {
        await reader.stop();
      }
    }

    async function verify(clients: readonly ClientPlan[], secondsMin: number) {
      const file = `${chain.directory}/verify.json`;
      await Deno.writeTextFile(
        file,
        JSON.stringify({ published: chain.directory, secondsMin, clients }),
      );
      const verifier = new Process("verify_clients.py", PARTS.python.program!, [
        "test/integration/python/verify_clients.py",
        file,
      ]);
      assert.equal(await verifier.ends(), 0, verifier.log);
      return JSON.parse(verifier.output) as {
        rows: number;
        samples: number;
        failures: string[];
      };
    }

    it("one client of all channels gets every row", async () => {
      const seconds = WINDOW_S + 2 * SETTLE_S;
      const clients = [plan(0, "events", names)];
      oneRate = await run(clients, seconds);
      const { rows, failures } = await verify(clients, seconds - 1);
      say(
        `1 client: ${rows} rows; broker bytes out ${
          kilobytes(oneRate)
        } kB/s over ${WINDOW_S} s`,
      );
      assert.deepEqual(failures, []);
    });

    it("200 clients with different selections get every row once, in order, bit-equal, and Kafka is read no more", async () => {
      const clients = Array.from(
        { length: CLIENTS },
        (_, i) => plan(i, i % 2 === 0 ? "events" : "arrow", selection(i)),
      );
      const selections = new Set(
        clients.map((client) => [...client.channels].sort().join()),
      );
      assert.equal(selections.size, CLIENTS, "the selections differ");
      const manyRate = await run(clients, SECONDS);
      const { rows, samples, failures } = await verify(clients, SECONDS - 1);
      say(
        `${CLIENTS} clients for ${SECONDS} s: ${rows} rows, ${samples} samples compared, ${failures.length} clients wrong`,
      );
      say(
        `broker bytes out: 1 client ${
          kilobytes(oneRate)
        } kB/s, ${CLIENTS} clients ${kilobytes(manyRate)} kB/s, ratio ${
          (manyRate / oneRate).toFixed(3)
        }`,
      );
      assert.deepEqual(failures, []);
      assert.ok(
        manyRate < oneRate * GROWTH_MAX,
        `the broker sends ${manyRate} B/s to ${CLIENTS} clients, ${oneRate} B/s to one`,
      );
    });

    it(`the same 200 get exactly the same together with ${BESIDE} more`, async () => {
      const program = buildReader(PARTS.cc.program!);
      const selections = differentSelections(names, BESIDE);
      const beside = (["events", "arrow"] as const).map((format, i) => {
        const lines = selections.filter((_, n) => n % 2 === i)
          .map((chosen) => requestLine(chosen, format));
        return new Reader(program, {
          port: Number(new URL(chain.qanatUrl).port),
          clients: lines.length,
          format,
          lines,
          home: chain,
          settleS: 0,
          seconds: BESIDE_SECONDS * 2 + 120,
          flags: [],
        });
      });
      try {
        for (const reader of beside) await reader.measuring(ATTACH_MAX_MS);
        const clients = Array.from(
          { length: CLIENTS },
          (_, i) => plan(i, i % 2 === 0 ? "events" : "arrow", selection(i)),
        );
        await run(clients, BESIDE_SECONDS);
        for (const reader of beside) reader.end();
        // A busy machine may let them in slowly; what counts is each byte of what they get from then on.
        const { rows, samples, failures } = await verify(
          clients,
          BESIDE_SECONDS / 4,
        );
        say(
          `with ${BESIDE}: ${rows} rows, ${samples} samples compared, ${failures.length} clients wrong`,
        );
        assert.deepEqual(failures, []);
        for (const reader of beside) {
          const { lost, gaps, ended } = (await reader.figures()).steady;
          assert.deepEqual({ lost, gaps, ended }, {
            lost: 0,
            gaps: 0,
            ended: 0,
          });
        }
      } finally {
        for (const reader of beside) await reader.stop();
      }
    });
  },
);

/** Bytes a second that the broker sent over the window, by its own count (JMX). */
async function brokerBytesOutPerSecond(pid: number): Promise<number> {
  const child = new Deno.Command("java", {
    args: ["test/integration/java/Jmx.java", String(pid), BYTES_OUT, "Count"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const lines = child.stdout.pipeThrough(
    new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
  )[Symbol.asyncIterator]();
  const read = async () => {
    await writer.write(new TextEncoder().encode("\n"));
    const count = Number((await lines.next()).value);
    return { count, atMs: performance.now() };
  };
  const first = await read();
  await sleep(WINDOW_S * 1000);
  const last = await read();
  await writer.close();
  await child.status;
  assert.ok(last.count > first.count, "the broker's own count did not move");
  return (last.count - first.count) / ((last.atMs - first.atMs) / 1000);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}
