// Clients that read nothing, too little, or not for a while, together with healthy ones. The kernel hides a stall of some
// MB, so the slow ones take wide rows and the page ring is short; in a namespace of its own it hides little.
// Invariant: the rows that a slow client lost are reported as a gap that fits the hole exactly; the others lost nothing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { launchQanat, Process, say, sleep, streamUrl } from "./chain.ts";
import { NetNamespace } from "./net_namespace.ts";
import { RawStream } from "./raw_stream.ts";

/** Longer than the kernel's buffers last and the ring reaches back. */
const STALL_S = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600 ? 40 : 15;
const ALONE_S = 8;
const WARM_MS = 2500;
/** On the slow ones' selection, and on others. */
const HEALTHY = 20;
const STRIDE_NS = 62_500_000n;
const ARGS = ["--retention-mb=1", "--write-stall-ms=600000", "--linger-ms=0"];
/** A typical second may be slower by so much with slow clients. The p99 of all follows what else the machine does. */
const P99_RATIO_MAX = 3;
const P99_SLACK_MS = 50;
/** In a namespace where the kernel hides little: the stall, and the bytes it may hide. */
const NAMESPACE_STALL_S = 8;
const HIDDEN_BYTES_MAX = 1_500_000;

interface Latencies {
  readonly rows: number;
  readonly lost: number;
  readonly p50: number;
  readonly p99: number;
  /** Median of each second's p99. */
  readonly p99Typical: number;
}

describe("slow clients", () => {
  let qanat: Process;
  let url: string;
  let names: string[];
  let wide: string;

  before(async () => {
    ({ qanat, url } = launchQanat(ARGS));
    await qanat.answers(`${url}/readyz`);
    const response = await fetch(`${url}/v1/channels?min_rate=4096`);
    const { channels } = await response.json();
    names = channels.map((c: { name: string }) => c.name);
    wide = streamUrl(url, "events", names);
  });
  after(() => qanat?.stop());

  /** Healthy clients for so long: half on the same wide rows, half on others. */
  async function healthy(seconds: number): Promise<Latencies> {
    const others = Array.from(
      { length: HEALTHY },
      (_, i) =>
        streamUrl(url, "events", [
          `H1:QANAT-SINE_F32_${[16, 256, 2048][i % 3]}`,
          names[i % names.length]!,
        ]),
    );
    const reader = new Process("latency_reader", Deno.execPath(), [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      "test/integration/latency_reader.ts",
      String(seconds),
      ...Array<string>(HEALTHY).fill(wide),
      ...others,
    ]);
    try {
      assert.equal(await reader.ends(), 0, reader.log);
      return JSON.parse(reader.output.trim().split("\n").at(-1)!);
    } finally {
      await reader.stop();
    }
  }

  it("delay no other client, and get exactly the lost span", async () => {
    let isDone = false;
    const open: RawStream[] = [];
    const stream = async (query = "") => {
      const opened = await RawStream.open(wide + query);
      open.push(opened);
      return opened;
    };
    try {
      // Reads all the time: the partitions stay read, and every row of the others is compared with its own.
      const steady = await stream();
      const steadyReads = steady.readWhile(() => !isDone);
      await sleep(WARM_MS);
      steady.heard.length = 0;
      const alone = await healthy(ALONE_S);

      const [silent, poor, away, latest, close] = [
        await stream(),
        await stream(),
        await stream(),
        await stream("&slow=latest"),
        await stream("&slow=close"),
      ];
      let isStalling = true;
      // 1 KB/s.
      const poorReads = poor.readWhile(() => isStalling, 1024, 1000);
      await Promise.all([away, latest, close].map((s) => s.read(2000)));
      const beside = await healthy(STALL_S);
      isStalling = false;
      await poorReads;
      say(
        `slow clients: p99 ${alone.p99} ms without, ${beside.p99} ms with 5 slow ones (p50 ${alone.p50}, ${beside.p50}; a typical second's p99 ${alone.p99Typical}, ${beside.p99Typical}); ${
          alone.rows + beside.rows
        } rows of ${2 * HEALTHY} healthy ones, ${beside.lost} lost`,
      );
      assert.deepEqual([alone.lost, beside.lost], [0, 0]);
      assert.ok(
        beside.p99Typical <= P99_RATIO_MAX * alone.p99Typical + P99_SLACK_MS,
        `a second's p99 ${beside.p99Typical} ms, ${alone.p99Typical} ms without`,
      );

      const slow = [silent, poor, away, latest, close];
      await Promise.all(slow.map((s) => s.read(4000)));
      isDone = true;
      await steadyReads;

      assert.equal(steady.check(STRIDE_NS).gaps, 0);
      const digests = steady.digests();
      const found = slow.map((s) => s.check(STRIDE_NS, digests));
      for (const { rows, compared } of found) {
        assert.ok(rows > 32, `${rows} rows`);
        assert.ok(compared >= rows - 2, `${compared} of ${rows} compared`);
      }
      assert.deepEqual(found.slice(0, 3).map((f) => f.gaps), [1, 1, 1]);
      assert.ok(found[3]!.gaps >= 1, "latest: a gap");
      assert.equal(close.endReason, "slow");
      assert.equal(found[4]!.gaps, 0, "close: no gap");
      say(
        `slow clients: rows before the gap ${
          found.map((f) => f.rowsBeforeGap)
        } (nothing, 1 KB/s, away, latest, close); ${
          found.reduce((n, f) => n + f.compared, 0)
        } rows compared byte for byte`,
      );
      // They are with the others again.
      for (const s of [silent, poor, away, latest]) {
        const behind = (steady.newestNs - s.newestNs) / STRIDE_NS;
        assert.ok(behind <= 16n && behind >= -16n, `${behind} rows behind`);
      }
    } finally {
      isDone = true;
      for (const s of open) s.close();
    }
  });

  const namespace = NetNamespace.make();
  if (namespace.kind === "none") {
    say(
      `NOT RUN: slow clients where the kernel hides little: no network namespace: ${namespace.why}`,
    );
  } else {
    const { prefix } = namespace.namespace;
    after(() => namespace.namespace.close());

    it("where the kernel hides little, a short stall of a narrow stream is reported as well", async () => {
      const { qanat, url } = launchQanat(ARGS, undefined, prefix);
      try {
        await qanat.says(/serving on/);
        const narrow = names.filter((name) => name.endsWith("F32_16384"));
        const [program, ...rest] = prefix;
        const reader = new Process("stalled_reader", program!, [
          ...rest,
          Deno.execPath(),
          "run",
          "--no-prompt",
          "--allow-net=127.0.0.1",
          "test/integration/stalled_reader.ts",
          String(STRIDE_NS),
          String(NAMESPACE_STALL_S),
          streamUrl(url, "events", narrow),
        ]);
        try {
          assert.equal(await reader.ends(), 0, reader.log);
        } finally {
          await reader.stop();
        }
        const found = JSON.parse(reader.output);
        say(
          `slow clients with tcp_notsent_lowat: the kernel hid ${found.hiddenBytes} bytes; ${found.compared} rows compared byte for byte`,
        );
        assert.equal(found.gaps, 1);
        assert.ok(found.compared >= found.rows - 2);
        assert.ok(
          found.hiddenBytes <= HIDDEN_BYTES_MAX,
          `${found.hiddenBytes} bytes hidden`,
        );
      } finally {
        await qanat.stop();
      }
    });
  }
});
