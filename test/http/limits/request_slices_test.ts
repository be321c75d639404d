// RequestSlices with a clock and rounds of the event loop that the test controls.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { SlicedWork } from "../../../src/channels/sliced_work.ts";
import {
  ClientGoneError,
  LimitError,
} from "../../../src/http/limits/limit_error.ts";
import { RequestSlices } from "../../../src/http/limits/request_slices.ts";

const SLICE_STEPS = 4000;

/** Slices whose clock moves only when a part moves it, and whose next round begins when `round()` is called. */
class Bench {
  nowMs = 1000;
  readonly slices: RequestSlices;
  #round: (() => void) | null = null;

  constructor(limits: { worksMax?: number; workMs?: number } = {}) {
    this.slices = new RequestSlices({
      sliceMs: SLICE_STEPS / 1000,
      worksMax: limits.worksMax ?? 3,
      workMs: limits.workMs ?? 100,
      waitMs: 1000,
      clockMs: () => this.nowMs,
      later: (round) => this.#round = round,
    });
  }

  round(): void {
    const round = this.#round;
    this.#round = null;
    round?.();
  }

  get hasRound(): boolean {
    return this.#round !== null;
  }

  /** A work of several parts, with the steps and the time of each. */
  *work(parts: number, steps: number, partMs = 0): SlicedWork<string> {
    for (let i = 0; i < parts; i++) {
      yield steps;
      this.nowMs += partMs;
    }
    return `${parts} parts`;
  }
}

/** The state of a promise now. */
async function stateOf<T>(promise: Promise<T>): Promise<T | "waits"> {
  await Promise.resolve();
  return await Promise.race([promise, Promise.resolve("waits" as const)]);
}

describe("RequestSlices.run()", () => {
  it("returns the value synchronously when the work fits the slice", () => {
    const bench = new Bench();
    assert.equal(bench.slices.run(bench.work(0, 1)), "0 parts");
    assert.equal(bench.slices.run(bench.work(10, 100)), "10 parts");
    assert.equal(bench.slices.stepsMax, 1000);
    assert.equal(bench.slices.waiting, 0);
  });

  it("never does more than one slice between two rounds, for all requests together", async () => {
    const bench = new Bench();
    const { slices } = bench;
    const first = slices.run(bench.work(30, 300)) as Promise<string>;
    const second = slices.run(bench.work(30, 300)) as Promise<string>;
    assert.ok(first instanceof Promise && second instanceof Promise);
    for (let rounds = 0; rounds < 4; rounds++) {
      assert.equal(await stateOf(second), "waits");
      bench.round();
    }
    bench.round();
    assert.equal(await first, "30 parts");
    assert.equal(await second, "30 parts");
    assert.equal(slices.counters.steps, 18_000);
    assert.ok(slices.stepsMax <= SLICE_STEPS);
    assert.ok(slices.stepsMax > SLICE_STEPS - 300);
  });

  it("runs a part that is larger than a slice on its own", async () => {
    const bench = new Bench();
    const large = bench.slices.run(bench.work(2, 5000)) as Promise<string>;
    bench.round();
    assert.equal(await large, "2 parts");
    assert.equal(bench.slices.stepsMax, 5000);
  });

  it("also limits the time of a slice, as steps may be slower than expected", () => {
    const bench = new Bench();
    const slow = bench.slices.run(bench.work(100, 100, 1));
    assert.ok(slow instanceof Promise);
    assert.equal(bench.slices.counters.steps, 400);
  });

  it("serves the least served first: a long work does not delay a short one", async () => {
    const bench = new Bench({ workMs: 10_000 });
    const long = bench.slices.run(bench.work(1000, 100, 1)) as Promise<string>;
    bench.round();
    const short = bench.slices.run(bench.work(2, 100, 1)) as Promise<string>;
    assert.ok(short instanceof Promise);
    bench.round();
    assert.equal(await short, "2 parts");
    assert.equal(await stateOf(long), "waits");
    bench.slices.close();
    await assert.rejects(long, ClientGoneError);
  });

  it("refuses a long work after its first slice, when too many others are long", async () => {
    const bench = new Bench({ worksMax: 1 });
    const { slices } = bench;
    const one = slices.run(bench.work(30, 300, 0.1)) as Promise<string>;
    let ended = false;
    const work = function* (): SlicedWork<void> {
      try {
        for (;;) yield 300;
      } finally {
        ended = true;
      }
    };
    const refused = assert.rejects(
      slices.run(work()) as Promise<void>,
      (error) => error instanceof LimitError && error.limit === "works",
    );
    assert.equal(slices.run(bench.work(0, 1)), "0 parts");
    for (let i = 0; i < 20; i++) bench.round();
    await refused;
    assert.ok(ended);
    assert.equal(await one, "30 parts");
    assert.equal(slices.waiting, 0);
    // Another long work can run now.
    const next = slices.run(bench.work(30, 300)) as Promise<string>;
    for (let i = 0; i < 20; i++) bench.round();
    assert.equal(await next, "30 parts");
  });

  it("refuses no short work, however many arrive at once (550 of 1,000 streams got 503)", async () => {
    const bench = new Bench({ worksMax: 1 });
    const works = Array.from(
      { length: 1000 },
      () => bench.slices.run(bench.work(10, 10)),
    );
    assert.ok(bench.slices.waiting > 900);
    for (let i = 0; i < 30; i++) bench.round();
    assert.deepEqual(
      await Promise.all(works),
      works.map(() => "10 parts"),
    );
  });

  it("ends a work that computes too long with 400, and one that waits too long with 503", async () => {
    const bench = new Bench({ workMs: 20 });
    const { slices } = bench;
    const costly = slices.run(bench.work(1000, 100, 1)) as Promise<string>;
    const outcome = assert.rejects(
      costly,
      (error) =>
        error instanceof LimitError && error.status === 400 &&
        error.limit === "work-time",
    );
    for (let i = 0; i < 20 && slices.waiting > 0; i++) bench.round();
    await outcome;
    const waits = slices.run(bench.work(100, 300)) as Promise<string>;
    bench.nowMs += 1001;
    bench.round();
    await assert.rejects(
      waits,
      (error) =>
        error instanceof LimitError && error.status === 503 &&
        error.limit === "work-wait",
    );
    assert.equal(slices.waiting, 0);
  });

  it("finishes work that many requests share beyond the limits of one, also when too many are long", async () => {
    const bench = new Bench({ worksMax: 0, workMs: 5 });
    const shared = bench.slices.runShared(
      bench.work(30, 1000, 100),
      () => false,
    ) as Promise<string>;
    for (let rounds = 0; rounds < 40; rounds++) bench.round();
    assert.equal(await shared, "30 parts");
    assert.ok(bench.slices.stepsMax <= SLICE_STEPS);
    let isGone = false;
    const left = bench.slices.runShared(bench.work(30, 1000), () => isGone);
    isGone = true;
    bench.round();
    await assert.rejects(left as Promise<string>, ClientGoneError);
  });

  it("ends the work of a client that has disconnected", async () => {
    const bench = new Bench();
    let isGone = false;
    const work = bench.slices.run(bench.work(100, 300), () => isGone);
    isGone = true;
    bench.round();
    await assert.rejects(work as Promise<string>, ClientGoneError);
  });

  it("rethrows what a work throws, at once or later, and continues with other works", async () => {
    const bench = new Bench();
    const failing = function* (parts: number): SlicedWork<void> {
      for (let i = 0; i < parts; i++) yield 300;
      throw new Error("broken");
    };
    assert.throws(() => bench.slices.run(failing(0)), /broken/);
    const later = bench.slices.run(failing(20)) as Promise<void>;
    const other = bench.slices.run(bench.work(20, 300)) as Promise<string>;
    const outcome = assert.rejects(later, /broken/);
    bench.round();
    bench.round();
    bench.round();
    await outcome;
    assert.equal(await other, "20 parts");
  });

  it("schedules no round when there is nothing to do", () => {
    const bench = new Bench();
    bench.slices.run(bench.work(1, 1));
    bench.round();
    assert.ok(!bench.hasRound);
  });
});
