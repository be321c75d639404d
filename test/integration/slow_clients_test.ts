// Clients that read nothing, too little, or not for a while, beside healthy ones. The kernel hides a stall of some
// MB, so the slow ones take wide rows and the page ring is short.
// Invariant: what a slow client lost was told as a gap that fits the hole exactly; the others lost nothing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { launchQanat, Process, say, sleep, streamUrl } from "./chain.ts";

/** Longer than the kernel's buffers last and the ring reaches back. */
const STALL_S = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600 ? 40 : 15;
const HEALTHY = 20;
const STRIDE_NS = 62_500_000n;
const LINE_CHARS_MAX = 300;
/** The others may be slower by so much beside slow clients: noise of a shared machine, not a stall. */
const P99_RATIO_MAX = 3;
const P99_SLACK_MS = 50;

/** An event stream over a bare connection, read only when the test says so. */
class RawStream {
  readonly rows: bigint[] = [];
  readonly gaps: { from: string; to: string; reason: string }[] = [];
  endReason = "";
  isOver = false;
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #line = "";
  #id = 0n;
  #event = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(url: string): Promise<RawStream> {
    const { hostname, port, pathname, search } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const head =
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(head));
    return new RawStream(connection);
  }

  /** Reads for so long, `bytes` at a time with a pause between. */
  async read(ms: number, bytes = 1 << 20, pauseMs = 0): Promise<void> {
    const buffer = new Uint8Array(bytes);
    const endMs = performance.now() + ms;
    while (!this.isOver && performance.now() < endMs) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) this.isOver = true;
      else {
        const part = buffer.subarray(0, count);
        this.#take(this.#decoder.decode(part, { stream: true }));
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  close(): void {
    this.#connection.close();
  }

  #take(text: string): void {
    const lines = text.split("\n");
    lines.forEach((part, i) => {
      this.#line = (this.#line + part).slice(0, LINE_CHARS_MAX);
      if (i === lines.length - 1) return;
      this.#heard(this.#line);
      this.#line = "";
    });
  }

  #heard(line: string): void {
    if (line.startsWith("id: ")) this.#id = BigInt(line.slice(4));
    else if (line.startsWith("event: ")) this.#event = line.slice(7);
    else if (line.startsWith("data: ")) {
      const data = line.slice(6);
      if (this.#event === "gap") this.gaps.push(JSON.parse(data));
      else if (this.#event === "end") this.endReason = JSON.parse(data).reason;
      else if (this.#event === "") this.rows.push(this.#id);
      this.#event = "";
    }
  }

  /** Fails unless every hole between its rows was told. How many holes. */
  checkHoles(): number {
    let holes = 0;
    for (let i = 1; i < this.rows.length; i++) {
      const [before, row] = [this.rows[i - 1]!, this.rows[i]!];
      assert.ok(row > before, `${row} after ${before}`);
      if (row === before + STRIDE_NS) continue;
      const gap = this.gaps[holes++];
      assert.deepEqual(
        gap && { from: gap.from, to: gap.to, reason: gap.reason },
        {
          from: String(before),
          to: String(row - STRIDE_NS),
          reason: "slow",
        },
      );
    }
    assert.equal(this.gaps.length, holes, "a gap without a hole");
    return holes;
  }
}

describe("slow clients", () => {
  let qanat: Process;
  let url: string;
  let wide: string;

  before(async () => {
    const launched = launchQanat([
      "--retention-mb=1",
      "--write-stall-ms=600000",
      "--linger-ms=0",
    ]);
    ({ qanat, url } = launched);
    await qanat.answers(`${url}/readyz`);
    const response = await fetch(`${url}/v1/channels?min_rate=4096`);
    const { channels } = await response.json();
    const names = channels.map((c: { name: string }) => c.name);
    wide = streamUrl(url, "events", names);
  });
  after(() => qanat?.stop());

  /** Healthy clients for so long: half on the same wide rows, half on others. */
  async function healthy(
    seconds: number,
    isAttached: () => void = () => {},
  ): Promise<{ rows: number; lost: number; p50: number; p99: number }> {
    const urls = Array.from(
      { length: HEALTHY },
      (_, i) =>
        i % 10 === 0 ? wide : streamUrl(url, "events", [
          `H1:QANAT-SINE_F32_${[16, 256, 2048][i % 3]}`,
        ]),
    );
    const reader = new Process("latency_reader", Deno.execPath(), [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      "test/integration/latency_reader.ts",
      String(seconds),
      ...urls,
    ]);
    await reader.says(/attached/);
    isAttached();
    assert.equal(await reader.ends(), 0, reader.log);
    return JSON.parse(reader.output.trim().split("\n").at(-1)!);
  }

  it("delay nobody, and are told exactly what they lost", async () => {
    const alone = await healthy(8);
    const [silent, poor, away, latest, close] = await Promise.all([
      RawStream.open(wide),
      RawStream.open(wide),
      RawStream.open(wide),
      RawStream.open(`${wide}&slow=latest`),
      RawStream.open(`${wide}&slow=close`),
    ]);
    const streams = [silent, poor, away, latest, close];
    try {
      let isDone = false;
      const poorReads = (async () => {
        // 1 KB/s.
        while (!isDone) await poor.read(1, 1024, 1000);
      })();
      await Promise.all([away, latest, close].map((s) => s.read(2000)));
      const beside = await healthy(STALL_S);
      isDone = true;
      await poorReads;
      say(
        `slow clients: p99 ${alone.p99} ms without, ${beside.p99} ms with 5 slow ones (p50 ${alone.p50}, ${beside.p50}); ${beside.rows} rows, ${beside.lost} lost`,
      );
      assert.deepEqual([alone.lost, beside.lost], [0, 0]);
      assert.ok(
        beside.p99 <= P99_RATIO_MAX * alone.p99 + P99_SLACK_MS,
        `p99 ${beside.p99} ms, ${alone.p99} ms without`,
      );

      const readOn = [silent, poor, away, latest, close];
      await Promise.all(readOn.map((s) => s.read(5000)));
      for (const stream of [silent, poor, away]) {
        assert.equal(stream.checkHoles(), 1);
        assert.ok(stream.rows.length > 32);
      }
      assert.ok(latest.checkHoles() >= 1);
      assert.ok(close.isOver || close.endReason !== "");
      assert.equal(close.endReason, "slow");
      assert.deepEqual(close.gaps, []);
      // They are with the others again.
      const newest = streams.slice(0, 4).map((s) => s.rows.at(-1)!);
      const spread = newest.reduce((a, b) => a > b ? a : b) -
        newest.reduce((a, b) => a < b ? a : b);
      assert.ok(spread <= 16n * STRIDE_NS, `${newest}`);
    } finally {
      for (const stream of streams) stream.close();
    }
  });
});
