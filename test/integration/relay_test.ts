// A relay in a process of its own, whose upstream is ended and started again.
// Invariant: clients behind the relay get the bytes of the rows of its origin, each row once; nothing is lost.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { launchQanat, metric, streamUrl } from "./chain.ts";
import { RawStream } from "./raw_stream.ts";
import { until } from "./until.ts";

const CHANNEL = "H1:GWOSC-4KHZ_R1_STRAIN";
const STRIDE_NS = 62_500_000n;
const READ_MS = 4000;
/** Longer than the embedded source reaches back, 10 s: the rest comes from history. */
const DOWN_MS = 14_000;

for (const workers of [1, 2]) {
  describe(`a relay, with ${workers} of --workers`, () => {
    let origin: ReturnType<typeof launchQanat>;
    let relay: ReturnType<typeof launchQanat>;

    before(async () => {
      origin = launchQanat(["--relay-streams-max=64", `--workers=${workers}`]);
      await origin.qanat.says(/is serving on/);
      relay = launchQanat([`--upstream=${origin.url}`, `--workers=${workers}`]);
      await relay.qanat.says(/is serving on/);
    });
    after(async () => {
      await relay?.qanat.stop();
      await origin?.qanat.stop();
    });

    it("sends the rows of its origin, byte for byte", async () => {
      const streams = await Promise.all(
        [origin, relay].map(({ url }) =>
          RawStream.open(streamUrl(url, "events", [CHANNEL]))
        ),
      );
      await Promise.all(streams.map((stream) => stream.read(READ_MS)));
      const [own, behind] = streams;
      const { rows, gaps, compared } = behind!.check(STRIDE_NS, own!.digests());
      assert.equal(gaps, 0);
      assert.ok(rows > 30 && compared > 20, `${rows} rows, ${compared} equal`);
      for (const stream of streams) stream.close();
    });

    it("leaves nothing at its origin when it disconnects, at any time", async () => {
      const { url } = origin;
      const open = () => metric(url, "qanat_relay_streams");
      const before = await open();
      const body = JSON.stringify({
        topics: [{ topic: "arrakis-none", since_ms: 0 }],
      });
      const head = `POST /v1/blocks HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      for (let i = 0; i < 40; i++) {
        const { hostname, port } = new URL(url);
        const connection = await Deno.connect({ hostname, port: Number(port) });
        await connection.write(new TextEncoder().encode(head + body));
        if (i % 2 === 0) await connection.read(new Uint8Array(100));
        connection.close();
      }
      await until("it is closed", async () => await open() <= before);
    });

    it("loses nothing while its origin is away", async () => {
      const stream = await RawStream.open(
        streamUrl(relay.url, "events", [CHANNEL]),
      );
      await stream.read(READ_MS);
      const { port } = origin;
      await origin.qanat.stop();
      await new Promise((resolve) => setTimeout(resolve, DOWN_MS));
      origin = launchQanat(
        ["--relay-streams-max=64", `--workers=${workers}`],
        port,
      );
      await origin.qanat.says(/is serving on/);
      await stream.read(3 * READ_MS);
      const { rows, gaps } = stream.check(STRIDE_NS, new Map());
      assert.equal(gaps, 0);
      assert.ok(rows > 150, `${rows} rows`);
      stream.close();
    });
  });
}
