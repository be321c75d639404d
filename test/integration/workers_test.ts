// `--workers 2`: two threads serve on one port, and a third one reads for them.
// Invariant: all clients get the same bytes for the same row, whichever thread serves them.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { launchQanat, type Process, streamUrl } from "./chain.ts";
import { RawStream } from "./raw_stream.ts";

const CLIENTS = 40;
const CHANNEL = "H1:GWOSC-4KHZ_R1_STRAIN";
const STRIDE_NS = 62_500_000n;
const READ_MS = 4000;

describe("two threads that serve", () => {
  let qanat: Process;
  let url: string;

  before(async () => {
    ({ qanat, url } = launchQanat(["--workers=2"]));
    await qanat.says(/is serving on/);
  });
  after(async () => {
    await qanat?.stop();
  });

  it("send the same rows, without a hole", async () => {
    const streams = await Promise.all(
      Array.from(
        { length: CLIENTS },
        () => RawStream.open(streamUrl(url, "events", [CHANNEL])),
      ),
    );
    await Promise.all(streams.map((stream) => stream.read(READ_MS)));
    const first = streams[0]!.digests();
    for (const stream of streams) {
      const { rows, gaps, compared } = stream.check(STRIDE_NS, first);
      assert.equal(gaps, 0);
      assert.ok(rows > 30 && compared > 20, `${rows} rows, ${compared} equal`);
    }
    for (const stream of streams) stream.close();
  });
});
