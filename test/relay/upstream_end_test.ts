// The end of what a relay reads: the body is cancelled, also where the runtime does not hear the signal of a fetch.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { UpstreamHistories } from "../../src/relay/upstream_histories.ts";
import { UpstreamStream } from "../../src/relay/upstream_stream.ts";
import { Upstreams } from "../../src/relay/upstreams.ts";
import { BLOCKS_CONTENT_TYPE } from "../../src/relay/wire.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";

/** An upstream whose answers have no end, and which hears no signal. */
function deafUpstream() {
  let cancelled = 0;
  let answer = Promise.withResolvers<void>();
  answer.resolve();
  const upstreams = new Upstreams({
    addresses: ["http://a"],
    token: () => Promise.resolve(""),
    fetch: async () => {
      await answer.promise;
      const body = new ReadableStream({
        cancel: () => {
          cancelled++;
        },
      });
      return new Response(body, {
        headers: { "content-type": BLOCKS_CONTENT_TYPE },
      });
    },
    clockMs: () => 0,
    log: jsonLogger(() => {}, "error"),
  });
  return {
    upstreams,
    hold: () => answer = Promise.withResolvers<void>(),
    cancelled: () => cancelled,
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

function streamOf(upstreams: Upstreams): UpstreamStream {
  return new UpstreamStream({
    upstreams,
    path: "/v1/blocks/channels",
    body: null,
    clockMs: () => 0,
    checkState: () => {},
    onFrame: () => {},
    onEnd: () => assert.fail("it was aborted"),
  });
}

describe("what a relay reads", () => {
  it("is cancelled when its stream is aborted", async () => {
    const { upstreams, cancelled } = deafUpstream();
    const stream = streamOf(upstreams);
    await turn();
    stream.abort();
    await turn();
    assert.equal(cancelled(), 1);
  });

  it("is cancelled when its stream was aborted before the answer", async () => {
    const { upstreams, hold, cancelled } = deafUpstream();
    const answer = hold();
    const stream = streamOf(upstreams);
    stream.abort();
    answer.resolve();
    await turn();
    assert.equal(cancelled(), 1);
  });

  it("is cancelled when its history is closed, before or after the answer", async () => {
    const { upstreams, hold, cancelled } = deafUpstream();
    const topics = [{ topic: "t", fromMs: 0, latencyMs: 0 }];
    const histories = new UpstreamHistories({ upstreams, clockMs: () => 0 });
    const history = histories.open(topics);
    const read = assert.rejects(history.read(["t"]));
    await turn();
    history.close();
    await read;
    await turn();
    assert.equal(cancelled(), 1);
    const answer = hold();
    const early = histories.open(topics);
    const earlyRead = assert.rejects(early.read(["t"]));
    early.close();
    answer.resolve();
    await earlyRead;
    await turn();
    assert.equal(cancelled(), 2);
  });
});
