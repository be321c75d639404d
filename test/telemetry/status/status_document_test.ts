// The document of /v1/status: its names, and what depends on the clocks.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import type { Config } from "../../../src/config.ts";
import type { SourceStatus } from "../../../src/source/source.ts";
import { embeddedChannels } from "../../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../../driven_source.ts";

const FIRST = 23_671_510_000;
const AGO_MS = 3000;

/** Reads one topic, and answered last three seconds ago. */
class ReadSource extends DrivenSource {
  lastContactClockMs = -Infinity;

  override status(): SourceStatus {
    const [topic] = this.blocks.topics;
    return {
      ...super.status(),
      lastContactClockMs: this.lastContactClockMs,
      topics: [{
        topic: topic!,
        state: "reading",
        position: 5,
        highWatermark: 9,
        lastStableOffset: 8,
        partitions: 1,
      }],
      wideTopics: 0,
      seconds: { decode: 1, deliver: 2 },
    };
  }
}

async function withStatus(
  look: (
    status: () => Record<string, unknown>,
    source: ReadSource,
    clock: BlockClock,
  ) => void,
  changes: Partial<Config> = {},
): Promise<void> {
  const channels = (await embeddedChannels()).filter(({ channel }) =>
    channel.name === "H1:QANAT-COUNT_I64_16"
  );
  const source = new ReadSource(channels);
  const clock = new BlockClock(FIRST);
  const qanat = new Qanat({
    config: configWith({ retentionMb: 1, lingerMs: 0, ...changes }),
    source,
    log: silent,
    clocks: clock,
    memory: () => ({ rss: 4, heapTotal: 3, heapUsed: 2, external: 1 }),
  });
  await qanat.start();
  const [{ channel }] = channels as [typeof channels[0]];
  const { strideNs, maxLatencyNs, replayId } = channel;
  const topic = source.blocks.topics[0]!;
  const timeline = qanat.store.lease(
    [{ topic, strideNs, maxLatencyNs, replayId }],
    strideNs,
  );
  look(() => qanat.status(), source, clock);
  qanat.store.release(timeline);
  await qanat.close();
}

/** All names of fields, with their path. */
function* fieldsOf(value: unknown, path = ""): Iterable<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* fieldsOf(item, `${path}[]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      yield `${path}.${name}`;
      yield* fieldsOf(inner, `${path}.${name}`);
    }
  }
}

describe("the document of /v1/status", () => {
  it("has fields in snake_case and no other", async () => {
    await withStatus((status) => {
      const fields = [...new Set(fieldsOf(status()))];
      for (
        const field of [
          ".source.last_contact_ms",
          ".source.topics[].last_stable_offset",
          ".partitions[].header_misses",
        ]
      ) assert.ok(fields.includes(field), field);
      // Reasons and limits are the values of metrics' labels, where dashes are usual.
      const counts = /^\.(channels_refused\.total|clients_refused|gaps_told)\./;
      for (const field of fields.filter((name) => !counts.test(name))) {
        assert.match(field, /^[a-z0-9_.[\]]+$/);
      }
    });
  });

  it("gives the source's last contact as Unix time, and 0 before the first one", async () => {
    await withStatus((status, source, clock) => {
      const contactMs = () =>
        (status()["source"] as { last_contact_ms: number }).last_contact_ms;
      assert.equal(contactMs(), 0);
      source.lastContactClockMs = clock.clockMs() - AGO_MS;
      assert.equal(contactMs(), Math.round(clock.nowMs() - AGO_MS));
    });
  });

  it("describes the Flight port where there is one", async () => {
    await withStatus((status) => assert.ok(!("flight" in status())));
    await withStatus((status) => {
      assert.deepEqual(status()["flight"], {
        port: 31206,
        tls: false,
        connections: 0,
        connections_accepted: 0,
        connections_refused: 0,
        connections_closed: {
          idle: 0,
          pings: 0,
          settings: 0,
          resets: 0,
          protocol: 0,
        },
        calls: 0,
        calls_refused: 0,
        calls_begun: {
          GetFlightInfo: 0,
          DoGet: 0,
          DoAction: 0,
          ListActions: 0,
          other: 0,
        },
        calls_failed: {},
      });
    }, { flightPort: 31206 });
  });

  it("gives the lag of a partition to the last stable offset", async () => {
    await withStatus((status) => {
      const [partition] = status()["partitions"] as { lag_messages: number }[];
      assert.equal(partition!.lag_messages, 8 - 5);
    });
  });
});
