// A log decides about blocks that are ahead of the others, whatever clock its timestamps are from.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import {
  AheadFilter,
  type LoggedBlock,
} from "../../src/blocks/ahead_filter.ts";

const START_MS = 1_400_000_000_000;
const STRIDE_MS = 62.5;
const HOUR_MS = 3_600_000;

let taken: number[];
let aside: number[];
let filter: AheadFilter<LoggedBlock>;

beforeEach(() => {
  taken = [];
  aside = [];
  filter = new AheadFilter({
    toleranceMs: 2 * STRIDE_MS,
    maxLatencyMs: 1000,
    take: ({ startMs }) => void taken.push(startMs),
    setAside: ({ startMs }) => void aside.push(startMs),
  });
});

const startOf = (i: number) => START_MS + i * STRIDE_MS;

/** Blocks of a publisher that produces each just behind its end; its clock is off. */
function add(from: number, to: number, offMs: number): void {
  for (let i = from; i < to; i++) {
    filter.add({ startMs: startOf(i), timestampMs: startOf(i + 1) + offMs });
  }
}

/** A block that is produced with `i`, and stamped ahead. */
function addAhead(i: number, aheadMs: number, offMs: number): number {
  const startMs = startOf(i) + aheadMs;
  filter.add({ startMs, timestampMs: startOf(i + 1) + offMs });
  return startMs;
}

const all = (count: number) =>
  Array.from({ length: count }, (_, i) => startOf(i));

describe("AheadFilter", () => {
  for (const offMs of [0, -200, -HOUR_MS, HOUR_MS]) {
    it(`takes all that is good and sets aside what is not, by a clock that is ${offMs} ms off`, () => {
      add(0, 100, offMs);
      const wrong = [
        addAhead(100, 90_000, offMs),
        addAhead(100, 2000, offMs),
      ];
      add(100, 200, offMs);
      filter.end(startOf(200));
      assert.deepEqual(taken, all(200));
      assert.deepEqual(aside, wrong);
    });
  }

  for (const stepMs of [-HOUR_MS, HOUR_MS]) {
    it(`loses nothing when its clock is set by ${stepMs} ms, also while it pauses`, () => {
      add(0, 100, 0);
      add(100, 200, stepMs);
      filter.end(startOf(200));
      assert.deepEqual(taken, all(200));
      taken.length = 0;
      add(400, 1200, 2 * stepMs);
      filter.end(startOf(1200));
      assert.equal(taken.length, 800);
      assert.deepEqual(aside, []);
    });
  }

  it("takes the backlog of an outage, and what follows it", () => {
    add(0, 100, 0);
    for (let i = 100; i < 900; i++) {
      filter.add({ startMs: startOf(i), timestampMs: startOf(900) + i / 100 });
    }
    add(904, 1000, 0);
    filter.end(startOf(1000));
    assert.equal(taken.length, 996);
    assert.deepEqual(aside, []);
  });

  it("decides at the log's end by the clock that it is given", () => {
    add(0, 100, -200);
    const wrong = addAhead(100, 90_000, -200);
    const last = addAhead(100, 2000, -200);
    filter.end(last);
    assert.deepEqual(taken, [...all(100), last]);
    assert.deepEqual(aside, [wrong]);
  });

  it("believes a publisher that stamps ahead for more than 256 blocks", () => {
    add(0, 100, 0);
    for (let i = 100; i < 400; i++) addAhead(i, 90_000, 0);
    assert.equal(taken.length + aside.length, 400);
    assert.deepEqual(aside, []);
  });
});
