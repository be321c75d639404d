// Two instances behind a balancer; one dies by kill -9 under 50 clients that know nothing but EventSource.
// Invariant: between its first and last row no client lacks a row, has one twice, or has a sample that was not published.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { canRun } from "../../scripts/optional_parts.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
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
/** For this time the survivor is stopped while clients connect to it. */
const PAUSE_MS = 1000;
const AHEAD_MS = 1600;
/** Blocks may be stamped so far ahead of the clock. */
const TOLERANCE_STRIDES = 2n;
const FUTURE_NS = 10_000_000_000n;
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

  constructor(base: string, names: readonly string[], afterNs?: bigint) {
    this.names = names;
    const url = streamUrl(base, "events", names);
    this.#source = new EventSource(
      afterNs === undefined ? url : `${url}&after=${afterNs}`,
    );
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
      const selections = Array.from({ length: CLIENTS }, (_, i) => {
        // 1 to 10 channels; a second time around, in other steps.
        const step = i < names.length ? 3 : 7;
        return Array.from(
          { length: 1 + (i + Math.floor(i / names.length)) % 10 },
          (_, k) => names[(i * 7 + k * step) % names.length]!,
        ).sort();
      });
      assert.equal(new Set(selections.map(String)).size, CLIENTS);
      return selections.map((chosen) => new Listener(base, chosen));
    }

    /** Fails unless every row follows the one before it and is what was published. How many rows. */
    function checkRows(
      { names, rows }: Listener,
      published: Published,
      countMin: number,
    ): number {
      const parsed = rows.map(({ id, data }) => ({ id, ...JSON.parse(data) }));
      assertConsecutive(parsed.map((row) => BigInt(row.time)), {
        strideNs: published.strideNs,
        countMin,
      });
      for (const row of parsed) {
        const timeNs = BigInt(row.time);
        assert.equal(row.id, String(timeNs + published.strideNs));
        assert.deepEqual(Object.keys(row.channels).sort(), names);
        for (const name of names) {
          published.assertJson(timeNs, name, row.channels[name]);
        }
      }
      return parsed.length;
    }

    function check(listeners: readonly Listener[], secondsMin: number): void {
      const published = new Published(chain.directory);
      let rows = 0;
      let silentMs = 0;
      for (const listener of listeners) {
        assert.deepEqual(listener.gaps, [], `${listener.names}`);
        assert.ok(listener.hellos >= 2, "it was connected again");
        rows += checkRows(listener, published, secondsMin * 16);
        silentMs = Math.max(silentMs, listener.silentMsMax);
      }
      const newest = listeners.map(({ rows }) => BigInt(rows.at(-1)!.id));
      const spread = newest.reduce((a, b) => a > b ? a : b) -
        newest.reduce((a, b) => a < b ? a : b);
      assert.ok(spread <= 16n * published.strideNs, `one lags: ${newest}`);
      say(
        `two instances: ${listeners.length} clients, ${rows} rows, 0 lost, 0 twice; longest silence ${
          Math.round(silentMs)
        } ms`,
      );
    }

    it("an id that the other one gave out ahead of this one is waited for; one of the future gets a gap", async () => {
      const published = new Published(chain.directory);
      const { strideNs } = published;
      // All six types, and so every partition.
      const names = published.channels.map((c) => c.name).slice(0, 10).sort();
      const here = new Listener(second.url, names);
      const there = new Listener(chain.qanatUrl, names);
      const opened = [here, there];
      const come = (afterNs: bigint) => {
        const listener = new Listener(second.url, names, afterNs);
        opened.push(listener);
        return { listener, afterNs };
      };
      try {
        await sleep(AHEAD_MS);
        Deno.kill(second.qanat.pid, "SIGSTOP");
        const knownHere = BigInt(here.rows.at(-1)!.id);
        await sleep(PAUSE_MS);
        const knownThere = BigInt(there.rows.at(-1)!.id);
        // It finds the request and the blocks of the pause at the same time.
        const behind = come(knownThere);
        Deno.kill(second.qanat.pid, "SIGCONT");
        await sleep(PAUSE_MS);
        const ahead = come(
          (nowGpsNs() / strideNs + TOLERANCE_STRIDES) * strideNs,
        );
        const never = come((nowGpsNs() + FUTURE_NS) / strideNs * strideNs);
        await sleep(AHEAD_MS);
        for (const listener of opened) listener.close();

        assert.ok(knownThere > knownHere, "it was ahead");
        const after = new Published(chain.directory);
        for (const { listener, afterNs } of [behind, ahead]) {
          assert.deepEqual(listener.gaps, []);
          checkRows(listener, after, 16);
          assert.equal(JSON.parse(listener.rows[0]!.data).time, `${afterNs}`);
        }
        checkRows(here, after, 16);
        checkRows(never.listener, after, 16);
        assert.equal(never.listener.gaps.length, 1);
        const gap = JSON.parse(never.listener.gaps[0]!);
        assert.equal(gap.reason, "unknown-id");
        assert.equal(gap.from, null, "the time before is unknown");
        assert.equal(JSON.parse(never.listener.rows[0]!.data).time, gap.to);
        say(
          `two instances: an id ${
            (knownThere - knownHere) / strideNs
          } rows ahead of an instance that was stopped continues without a gap`,
        );
      } finally {
        Deno.kill(second.qanat.pid, "SIGCONT");
        for (const listener of opened) listener.close();
      }
    });

    it("50 clients continue on the other one: no row lost, none twice", async () => {
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
