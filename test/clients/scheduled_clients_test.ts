// What a client reads while the join goes through random schedules: exactly what its timeline reported, each row once,
// gaps and rows without hole or overlap, a reset as one end. QANAT_SEED=123 plays one schedule.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ClientHub } from "../../src/clients/client_hub.ts";
import { LocalSharePools } from "../../src/shares/share_pools.ts";
import type { BlockStore } from "../../src/blocks/block_store.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { Slab } from "../../src/memory/slab.ts";
import { type Schedule, scheduleOf } from "../blocks/random_schedule.ts";
import type { Told } from "../blocks/reference_join.ts";
import {
  type Companion,
  ORIGIN_MS,
  playSchedule,
} from "../blocks/schedule_run.ts";
import { configWith, silent } from "../driven_source.ts";
import { TrendRecorder } from "../../src/trends/trend_recorder.ts";
import { HeldOutlet } from "./held_outlet.ts";

const SEEDS = 500;
const SEEDS_SLICED = 100;
const HEARTBEAT_MS = 1000;

/** A row or gap as a client sees it: times in ms since the run began, `toMs` exclusive. */
type Seen =
  | { readonly fromMs: number; readonly toMs: number }
  | { readonly rowMs: number; readonly channels: Record<string, unknown> };

/** A client of the first timeline that comes again whenever its stream was ended. */
class FaithfulClient implements Companion {
  readonly isQuiet: boolean;
  rows = 0;
  ends = 0;
  heartbeats = 0;
  readonly #schedule: Schedule;
  #hub: ClientHub | null = null;
  #slab = new Slab({ budgetBytes: 16 * 1024 * 1024 });
  #channels: Channel[] = [];
  #outlet: HeldOutlet | null = null;
  #expected: Seen[] = [];
  #ps: readonly number[] = [];
  #strideMs = 0;
  #tickMs = 0;
  readonly #isSliced: boolean;
  /** Rounds of the event loop that were asked for. */
  #rounds: (() => void)[] = [];
  #state = 1;

  /** `isSliced`: rows are handed out a step a round, and rounds come when they come. */
  constructor(schedule: Schedule, isQuiet: boolean, isSliced = false) {
    this.#schedule = schedule;
    this.isQuiet = isQuiet;
    this.#isSliced = isSliced;
  }

  #goRound(times: number): void {
    for (let i = 0; i < times && this.#rounds.length > 0; i++) {
      for (const round of this.#rounds.splice(0)) round();
    }
  }

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor(this.#state / 2 ** 32 * below);
  }

  begin(store: BlockStore, ps: readonly number[], clockMs: () => number): void {
    const catalog = new Catalog();
    this.#ps = ps;
    this.#channels = ps.map((p) => {
      const { strideMs, maxLatencyMs, samples } = this.#schedule.partitions[p]!;
      this.#strideMs = Math.max(this.#strideMs, strideMs);
      return {
        name: `P${p}`,
        dataType: "int32",
        sampleRate: samples * 1000 / strideMs,
        publisher: "test",
        partitionId: `p${p}`,
        partitionIndex: 0,
        strideNs: BigInt(strideMs * 1e6),
        maxLatencyNs: BigInt(maxLatencyMs * 1e6),
        replayId: null,
      };
    });
    for (const channel of this.#channels) catalog.set(channel);
    const config = configWith({
      heartbeatMs: this.isQuiet ? HEARTBEAT_MS : 1e9,
      outageWaitMs: this.#schedule.outageWaitMs,
      resumeWindowMs: this.#schedule.resumeWindowMs,
    });
    this.#hub = new ClientHub({
      ...config,
      store,
      catalog,
      slab: this.#slab,
      trends: new TrendRecorder({
        store,
        catalog,
        log: silent,
        clockMs,
        trendMb: 0,
        trendHours: 1,
        lingerMs: 0,
        trendMatch: "",
      }),
      sharePools: new LocalSharePools(),
      log: silent,
      clockMs,
      inFlightFramesMax: config.inFlightFrames,
      ...(this.#isSliced
        ? {
          sliceMs: 0,
          later: (round: () => void) => void this.#rounds.push(round),
        }
        : {}),
    });
    this.#open();
  }

  #open(): void {
    const admission = this.#hub!.admission.admit(this.#channels, "events", {
      address: "",
      gaps: "skip",
    });
    assert.ok(admission.kind === "ready");
    this.#outlet = new HeldOutlet();
    this.#expected = [];
    admission.open(this.#outlet);
  }

  told(told: readonly Told[], isReset: boolean): void {
    if (this.#outlet === null) return;
    if (isReset) return this.#check("time-reset");
    for (const one of told) this.#expected.push(this.#seenOf(one));
    this.#goRound(this.#random(4));
  }

  rowsReleased(): void {
    this.#hub?.rowsReleased();
  }

  tick(nowMs: number): void {
    if (this.#hub === null) return;
    if (this.#outlet === null) this.#open();
    if (nowMs < this.#tickMs) return;
    this.#tickMs = nowMs + 1000;
    this.#hub.tick();
    this.#goRound(this.#random(8));
  }

  close(): void {
    this.#goRound(Infinity);
    if (this.#outlet !== null && this.#hub !== null) {
      this.#hub.drain();
      this.#check("drain");
    }
    this.#hub?.close();
    this.#slab.assertEmpty();
  }

  /** What a client must read for the reports of a timeline. */
  #seenOf(told: Told): Seen {
    const strideMs = this.#strideMs;
    if ("from" in told) {
      return { fromMs: told.from * strideMs, toMs: told.to * strideMs };
    }
    let next = 0;
    const channels = Object.fromEntries(this.#ps.map((p) => {
      const planned = this.#schedule.partitions[p]!;
      const ratio = strideMs / planned.strideMs;
      const parts = told.messages.slice(next, next + ratio);
      next += ratio;
      const samples = parts.flatMap((message) =>
        Array(planned.samples).fill(message < 0 ? null : message)
      );
      return [`P${p}`, samples.some((s) => s !== null) ? samples : null];
    }));
    return { rowMs: told.row * strideMs, channels };
  }

  /** The stream is over: what was read of it. */
  #check(reason: string): void {
    const { text, ending } = this.#outlet!;
    this.#outlet = null;
    this.ends++;
    assert.equal(ending, "ended");
    const seen: Seen[] = [];
    const ends: string[] = [];
    let settledMs = -Infinity;
    for (const event of text.split("\n\n")) {
      const id = /^id: (\d+)$/m.exec(event)?.[1];
      const kind = /^event: (.*)$/m.exec(event)?.[1];
      const data = /^data: (.*)$/m.exec(event)?.[1];
      const json = data === undefined ? null : JSON.parse(data);
      if (kind === "hello" || event === "") continue;
      if (kind === "end") {
        ends.push(json.reason);
        continue;
      }
      assert.ok(ends.length === 0, `something behind the end: ${event}`);
      if (kind === "gap") {
        assert.equal(json.filled, false);
        seen.push({ fromMs: msOf(json.from), toMs: msOf(json.to) });
        assert.equal(id, json.to);
      } else if (json !== null) {
        const rowMs = msOf(json.time);
        assert.ok(rowMs >= settledMs, `a row from before ${settledMs} ms`);
        assert.equal(msOf(id!), rowMs + this.#strideMs);
        seen.push({ rowMs, channels: json.channels });
        this.rows++;
      } else if (id !== undefined) {
        this.heartbeats++;
        assert.ok(msOf(id) >= settledMs, "a heartbeat that goes back");
      }
      if (id !== undefined) settledMs = Math.max(settledMs, msOf(id));
    }
    assert.deepEqual(ends, [reason]);
    // What was not handed out yet is not when time is reset.
    const isCut = this.#isSliced && reason === "time-reset";
    const expected = this.#expected
      .slice(0, isCut ? seen.length : Infinity)
      .map((one, i) => this.#withLate(one, seen[i]));
    assert.deepEqual(seen, expected);
  }

  /** What is expected, with what came late, but before its row was handed out. */
  #withLate(expected: Seen, seen: Seen | undefined): Seen {
    if (!this.#isSliced || !("rowMs" in expected)) return expected;
    if (!seen || !("rowMs" in seen)) return expected;
    const channels = Object.fromEntries(
      Object.entries(expected.channels).map(([name, wanted]) => {
        const got = seen.channels[name];
        if (wanted === null || !Array.isArray(got)) {
          return [name, wanted ?? got];
        }
        const samples = wanted as unknown[];
        return [name, samples.map((sample, i) => sample ?? got[i])];
      }),
    );
    return { rowMs: expected.rowMs, channels };
  }
}

function msOf(ns: string): number {
  return Number(BigInt(ns) - BigInt(ORIGIN_MS) * 1_000_000n) / 1e6;
}

describe("A client", () => {
  it("after a reset gets a new row of the same time, not the text that was made of it before", () => {
    const schedule = scheduleOf(233);
    playSchedule(schedule, new FaithfulClient(schedule, false));
  });

  const only = Number(Deno.env.get("QANAT_SEED") ?? -1);
  for (
    const [isQuiet, isSliced] of [
      [false, false],
      [true, false],
      [false, true],
      [
        true,
        true,
      ],
    ] as const
  ) {
    const count = isSliced ? SEEDS_SLICED : SEEDS;
    const seeds = only < 0 ? [...Array(count).keys()] : [only];
    const name = `${isQuiet ? "with heartbeats " : ""}${
      isSliced ? "in slices " : ""
    }`;
    it(`${name}reads what its timeline reports`, () => {
      const sums = { rows: 0, ends: 0, heartbeats: 0 };
      for (const seed of seeds) {
        const schedule = scheduleOf(seed);
        const client = new FaithfulClient(schedule, isQuiet, isSliced);
        try {
          playSchedule(schedule, client);
        } catch (error) {
          (error as Error).message += `\nQANAT_SEED=${seed}`;
          throw error;
        }
        sums.rows += client.rows;
        sums.ends += client.ends;
        sums.heartbeats += client.heartbeats;
      }
      if (only >= 0) return;
      assert.ok(sums.rows > 10 * count, JSON.stringify(sums));
      assert.ok(sums.ends > 1.1 * count, JSON.stringify(sums));
      assert.equal(sums.heartbeats > count / 5, isQuiet, JSON.stringify(sums));
    });
  }
});
