// A history whose bytes come, and whose frames do not.
// Invariant: no reader waits without end, whatever an upstream sends.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { UpstreamHistories } from "../../src/relay/upstream_histories.ts";
import { Upstreams } from "../../src/relay/upstreams.ts";
import { FRAME, frameBytes, textPayload } from "../../src/relay/wire.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";

describe("a history of a slow upstream", () => {
  it("fails where a frame comes byte by byte", async () => {
    let clockMs = 0;
    const frame = frameBytes(FRAME.topic, { payload: textPayload("a") });
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        clockMs += 2000;
        controller.enqueue(frame.slice(sent, ++sent));
      },
    }, { highWaterMark: 0 });
    const upstreams = new Upstreams({
      addresses: ["http://origin"],
      token: () => Promise.resolve(""),
      fetch: () =>
        Promise.resolve(
          new Response(body, {
            headers: { "content-type": "application/vnd.qanat.blocks" },
          }),
        ),
      clockMs: () => clockMs,
      log: jsonLogger(() => {}, "error"),
    });
    const histories = new UpstreamHistories({
      upstreams,
      clockMs: () => clockMs,
    });
    const topics = [{ topic: "a", fromMs: 0, latencyMs: 0 }];
    const reader = histories.open(topics);
    await assert.rejects(reader.read(["a"]), /no whole frame came for 30000/);
    reader.close();
    assert.equal(sent, 16);
  });
});
