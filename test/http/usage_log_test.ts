// The usage log of an instance: a line for each stream, whose bytes add up to qanat_bytes_sent_total.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { UsageLog } from "../../src/telemetry/usage_log.ts";
import { silent } from "../driven_source.ts";
import { A, OperatorsWorld, STREAM } from "./operators_world.ts";

describe("the usage log of an instance", () => {
  it("has a line for each stream however it ends, and the sum of bytes is that of /metrics", async () => {
    let text = "";
    const usageLog = new UsageLog({
      open: () =>
        Promise.resolve({
          write: (bytes) => {
            text += new TextDecoder().decode(bytes);
            return Promise.resolve(bytes.length);
          },
          close: () => {},
        }),
      log: silent,
    });
    const world = await OperatorsWorld.start({
      owners: { alice: {}, bob: {}, ops: { isOperator: true } },
      usageLog,
    });
    const whole = await world.ask(`${STREAM}&duration=0.2`, {
      as: "alice",
      headers: { "x-request-id": "whole" },
    });
    await whole.text();
    const left = await world.ask(STREAM, { as: "bob" });
    await left.body!.cancel();
    const closed = await world.ask(`/v1/arrow?channels=${A}`, { as: "bob" });
    const { clients } = await (await world.ask("/v1/clients", { as: "ops" }))
      .json();
    await world.ask(`/v1/clients/${clients[0].id}`, {
      method: "DELETE",
      as: "ops",
    });
    await closed.body!.cancel().catch(() => {});
    const drained = await world.ask(STREAM, { as: "alice" });
    world.qanat.drain();
    await drained.text();
    const { text: metrics } = await world.qanat.metrics();
    await world.qanat.close();
    await usageLog.close();

    const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ owner, format, reason }) => `${owner} ${format} ${reason}`)
        .sort(),
      [
        "token:alice events complete",
        "token:alice events drain",
        "token:bob arrow closed-by-operator",
        "token:bob events client-left",
      ],
    );
    const line = lines.find(({ request_id }) => request_id === "whole");
    const strideNs = 62_500_000n;
    // Which data it was: the span of its rows.
    assert.equal(
      BigInt(line.to) - BigInt(line.from),
      BigInt(line.rows) * strideNs,
    );
    assert.ok(line.rows > 0);
    const sum = lines.reduce((bytes, line) => bytes + line.bytes, 0);
    const [, sent] = /^qanat_bytes_sent_total (\d+)$/m.exec(metrics)!;
    assert.equal(sum, Number(sent));
    assert.ok(sum > 0);
    // No token, in no line of the log or of the usage log.
    for (const secret of ["t-alice", "t-bob", "t-ops"]) {
      assert.ok(!text.includes(secret));
      assert.ok(!JSON.stringify(world.log).includes(secret));
      assert.ok(!metrics.includes(secret));
    }
  });
});
