// Two instances behind a balancer; one dies by kill -9 under 50 clients that know nothing but EventSource.
// Invariant: between its first and last row no client lacks a row, has one twice, or has a sample that was not published.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { canRun } from "../../scripts/optional_parts.ts";
import { Balancer } from "./balancer.ts";
import {
  type Chain,
  freePort,
  launchQanat,
  PARTS,
  type Process,
  say,
  sleep,
  startChain,
  streamUrl,
} from "./chain.ts";
import { assertConsecutive, Published } from "./published.ts";

const CLIENTS = 50;
const CHANNELS = 40;
const BEFORE_S = 5;
const AFTER_S = 6;
const runnable = canRun([PARTS.kafka, PARTS.python]);

/** Keeps what one EventSource hears. */
class Listener {
  readonly names: readonly string[];
  readonly rows: { id: string; data: string }[] = [];
  readonly gaps: string[] = [];
  hellos = 0;
  silentMsMax = 0;
  #lastMs = Infinity;
  readonly #source: EventSource;

  constructor(base: string, names: readonly string[]) {
    this.names = names;
    this.#source = new EventSource(streamUrl(base, "events", names));
    this.#source.addEventListener("hello", () => this.hellos++);
    this.#source.addEventListener("gap", (e) => this.gaps.push(e.data));
    this.#source.onmessage = (event) => {
      const nowMs = performance.now();
      this.silentMsMax = Math.max(this.silentMsMax, nowMs - this.#lastMs);
      this.#lastMs = nowMs;
      this.rows.push({ id: event.lastEventId, data: event.data as string });
    };
  }

  close(): void {
    this.#source.close();
  }
}

describe(
  "two instances, one killed with -9",
  { ignore: !runnable, skip: !runnable },
  () => {
    let chain: Chain;
    let second: { qanat: Process; url: string; port: number };
    let balancer: Balancer;

    before(async () => {
      chain = await startChain({ channels: CHANNELS, secondsMax: 300 });
      second = launchQanat([`--kafka=${chain.brokerAddress}`], freePort());
      await second.qanat.answers(`${second.url}/readyz`);
      balancer = new Balancer([
        Number(new URL(chain.qanatUrl).port),
        second.port,
      ]);
    });
    after(async () => {
      await balancer?.close();
      await second?.qanat.stop();
      await chain?.close();
    });

    function listen(): Listener[] {
      const names = new Published(chain.directory).channels.map((c) => c.name);
      const base = `http://127.0.0.1:${balancer.port}`;
      return Array.from({ length: CLIENTS }, (_, i) => {
        const count = 1 + i % 10;
        const chosen = Array.from(
          { length: count },
          (_, k) => names[(i * 7 + k * 3) % names.length]!,
        );
        return new Listener(base, [...new Set(chosen)].sort());
      });
    }

    function check(listeners: readonly Listener[], secondsMin: number): void {
      const published = new Published(chain.directory);
      let rows = 0;
      let silentMs = 0;
      for (const { names, rows: got, gaps, hellos, ...rest } of listeners) {
        assert.deepEqual(gaps, [], `${names}`);
        assert.ok(hellos >= 2, "it was connected anew");
        const parsed = got.map(({ id, data }) => ({ id, ...JSON.parse(data) }));
        assertConsecutive(parsed.map((row) => BigInt(row.time)), {
          strideNs: published.strideNs,
          countMin: secondsMin * 16,
        });
        for (const row of parsed) {
          const timeNs = BigInt(row.time);
          assert.equal(row.id, String(timeNs + published.strideNs));
          for (const name of names) {
            published.assertJson(timeNs, name, row.channels[name]);
          }
        }
        rows += parsed.length;
        silentMs = Math.max(silentMs, rest.silentMsMax);
      }
      say(
        `two instances: ${listeners.length} clients, ${rows} rows, 0 lost, 0 twice; longest silence ${
          Math.round(silentMs)
        } ms`,
      );
    }

    it("50 clients go on at the other one: no row lost, none twice", async () => {
      const listeners = listen();
      try {
        await sleep(1000 * BEFORE_S);
        const alive = await fetch(`${second.url}/v1/status`);
        assert.equal((await alive.json()).clients, 0);
        await chain.qanat.kill9();
        await sleep(1000 * AFTER_S);
      } finally {
        for (const listener of listeners) listener.close();
      }
      check(listeners, BEFORE_S + AFTER_S - 3);
      assert.equal(balancer.taken.get(second.port), CLIENTS);
    });

    it("and back again, to an instance that has just been started", async () => {
      const listeners = listen();
      let third: typeof second | undefined;
      try {
        await sleep(1000 * BEFORE_S);
        third = launchQanat(
          [`--kafka=${chain.brokerAddress}`],
          Number(new URL(chain.qanatUrl).port),
        );
        await third.qanat.answers(`${third.url}/readyz`);
        await second.qanat.kill9();
        await sleep(1000 * AFTER_S);
      } finally {
        for (const listener of listeners) listener.close();
      }
      check(listeners, BEFORE_S + AFTER_S - 3);
      await third!.qanat.stop();
    });
  },
);
