// A relay in a process of its own, whose upstream is ended and started again.
// Invariant: clients behind the relay get the bytes of the rows of its origin, each row once; nothing is lost.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { launchQanat, streamUrl } from "./chain.ts";
import { RawStream } from "./raw_stream.ts";

const CHANNEL = "H1:GWOSC-4KHZ_R1_STRAIN";
const STRIDE_NS = 62_500_000n;
const READ_MS = 4000;
const DOWN_MS = 3000;

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
