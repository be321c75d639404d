// The log line that sums refusals once a minute: bounded, and absent when there were none. The test controls the clock.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { Logger } from "../../src/telemetry/log.ts";
import { refusedAndMissed } from "../../src/telemetry/metrics/refused_and_missed.ts";
import { SetAsideReport } from "../../src/telemetry/set_aside_report.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const FIRST = 23_671_510_000;

function logOf(lines: Record<string, unknown>[]): Logger {
  return {
    ...silent,
    warn: (event, fields) => lines.push({ event, ...fields }),
  };
}

describe("SetAsideReport", () => {
  it("sums 15,068 refusals in one line per minute, and writes nothing otherwise", () => {
    const lines: Record<string, unknown>[] = [];
    const counts = { messages_bad: 7, blocks_late: 0, blocks_missed: 0 };
    let nowMs = 0;
    const report = new SetAsideReport({
      log: logOf(lines),
      clockMs: () => nowMs,
      read: () => ({ ...counts }),
    });
    const pass = (seconds: number, each: () => void = () => {}) => {
      for (let s = 0; s < seconds; s++) {
        nowMs += 1000;
        each();
        report.tick();
      }
    };
    pass(600);
    assert.deepEqual(lines, []);
    let left = 15_068;
    pass(60, () => {
      const part = Math.min(left, 252);
      left -= part;
      counts.messages_bad += part;
    });
    assert.deepEqual(lines, [{
      event: "refused-and-missed",
      seconds: 60,
      messages_bad: 15_068,
    }]);
    pass(600);
    assert.equal(lines.length, 1);
    counts.blocks_late = 2;
    nowMs += 5000;
    report.close();
    assert.deepEqual(lines[1], {
      event: "refused-and-missed",
      seconds: 5,
      blocks_late: 2,
    });
  });

  it("sums an instance's undecodable messages and missing blocks", async () => {
    const lines: Record<string, unknown>[] = [];
    const channels = (await embeddedChannels()).filter(({ channel }) =>
      channel.name === "H1:QANAT-COUNT_I64_16"
    );
    const source = new DrivenSource(channels);
    const qanat = new Qanat({
      config: configWith({ retentionMb: 1, lingerMs: 0 }),
      source,
      log: logOf(lines),
      clocks: new BlockClock(FIRST),
    });
    await qanat.start();
    const [topic] = source.blocks.topics;
    const channel = source.catalog.get(channels[0]!.channel.name, null)!;
    const { strideNs, maxLatencyNs, replayId } = channel;
    const shapes = [{ topic: topic!, strideNs, maxLatencyNs, replayId }];
    const timeline = qanat.store.lease(shapes, strideNs);
    for (let i = 0; i < 3; i++) {
      source.sink!.onMessage(topic!, new Uint8Array(8), i, 0);
    }
    assert.equal(refusedAndMissed(qanat).messages_bad, 3);
    qanat.store.release(timeline);
    await qanat.close();
    const line = lines.find(({ event }) => event === "refused-and-missed");
    assert.equal(line?.["messages_bad"], 3);
    // One word, one thing: the names are those of /metrics.
    const { text } = await qanat.metrics();
    for (const name of ["messages_bad", "blocks_late", "offset_holes"]) {
      assert.match(text, new RegExp(`^qanat_${name}_total `, "m"));
    }
  });
});
