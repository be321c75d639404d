// The figures on the real service: a broker, a publisher, clients with different selections; the values of /metrics over
// a steady period. Invariant: only what must hold on any machine is asserted; the rest is printed.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type KafkaBroker, startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  freePort,
  launchQanat,
  PARTS,
  Process,
  say,
  sleep,
  streamUrl,
} from "./chain.ts";

const CLIENTS = 100;
const CHANNELS_EACH = 10;
const EXTRA_CHANNELS = 100;
const SETTLE_S = 4;
const STEADY_S = 8;

const runnable = canRun([PARTS.kafka]);

describe(
  "figures of a real service",
  { ignore: !runnable, skip: !runnable },
  () => {
    let directory: string;
    let broker: KafkaBroker;
    let publisher: Process;
    let qanat: Process;
    let url: string;

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-figures-" });
      broker = await startKafka({ port: freePort(), dir: directory });
      publisher = new Process("publish", Deno.execPath(), [
        "task",
        "publish",
        `--kafka=${broker.address}`,
        `--channels=${EXTRA_CHANNELS}`,
      ]);
      await publisher.says(/Publishing/);
      ({ qanat, url } = launchQanat([`--kafka=${broker.address}`]));
      await qanat.answers(`${url}/readyz`);
    });

    after(async () => {
      await qanat?.stop();
      await publisher?.stop();
      await broker?.stop();
      await Deno.remove(directory, { recursive: true });
    });

    /** Figures by name, labels included. */
    async function figures(): Promise<(name: string) => number> {
      const text = await (await fetch(`${url}/metrics`)).text();
      const found = new Map(
        text.split("\n").filter((l) => l !== "" && !l.startsWith("#")).map(
          (line): [string, number] => {
            const space = line.lastIndexOf(" ");
            return [line.slice(0, space), Number(line.slice(space + 1))];
          },
        ),
      );
      return (name) => {
        const value = found.get(`qanat_${name}`);
        assert.ok(value !== undefined, `there is no qanat_${name}`);
        return value;
      };
    }

    async function channelNames(): Promise<string[]> {
      for (;;) {
        const path = "/v1/channels?min_rate=2048&max_rate=2048";
        const { channels } = await (await fetch(url + path)).json();
        if (channels.length >= EXTRA_CHANNELS) {
          return channels.map((c: { name: string }) => c.name);
        }
        await sleep(100);
      }
    }

    it("a steady stretch reads no flatbuffer, grows nothing, and its shares add up", async () => {
      const names = await channelNames();
      const reader = new Process("latency_reader", Deno.execPath(), [
        "run",
        "--no-prompt",
        "--allow-net=127.0.0.1",
        "test/integration/latency_reader.ts",
        String(SETTLE_S + STEADY_S + 2),
        ...Array.from({ length: CLIENTS }, (_, i) =>
          streamUrl(
            url,
            "arrow",
            Array.from(
              { length: CHANNELS_EACH },
              (_, k) =>
                names[(i + k * (i < names.length ? 7 : 3)) % names.length]!,
            ),
          )),
      ]);
      await sleep(1000 * SETTLE_S);
      const first = await figures();
      const beganMs = performance.now();
      await sleep(1000 * STEADY_S);
      const second = await figures();
      const tookS = (performance.now() - beganMs) / 1000;
      const grown = (name: string) => second(name) - first(name);
      const share = (name: string) => {
        const value = grown(name) / tookS;
        assert.ok(value >= 0 && value < 1, `${name}: ${value}`);
        return `${(100 * value).toFixed(2)} %`;
      };
      assert.equal(await reader.ends(), 0, reader.log);
      assert.equal(second("clients"), CLIENTS);
      assert.ok(grown("blocks_total") > 0);
      assert.equal(grown("header_cache_hits_total"), grown("blocks_total"));
      assert.equal(grown("header_cache_misses_total"), 0);
      assert.equal(grown("kafka_lag_seconds_count"), grown("blocks_total"));
      assert.equal(grown("slab_commits_total"), 0);
      assert.equal(grown("allocated_bytes_total"), 0);
      assert.equal(grown("rows_late_total"), 0);
      const writes = grown("frames_sent_total");
      assert.ok(writes > 0 && grown("bytes_sent_total") > 0);
      assert.ok(grown('kafka_seconds_total{part="decode"}') > 0);
      const lagMs = 1000 * grown("kafka_lag_seconds_sum") /
        grown("kafka_lag_seconds_count");
      assert.ok(lagMs >= 0 && lagMs < 60_000, `${lagMs} ms`);
      say(
        `${CLIENTS} clients, ${
          writes / tookS | 0
        } writes/s: memory management ${
          share("memory_management_seconds_total")
        }, Kafka decode ${
          share('kafka_seconds_total{part="decode"}')
        }, deliver ${share('kafka_seconds_total{part="deliver"}')}, mean lag ${
          lagMs.toFixed(1)
        } ms, ${
          Math.round(grown("heap_allocated_bytes_total") / writes)
        } heap bytes per write, ${
          Math.round(second("memory_per_client_bytes") / 1000)
        } KB per client, ring holds ${second("ring_held_seconds")} s`,
      );
    });
  },
);
