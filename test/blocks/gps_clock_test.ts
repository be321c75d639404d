// The time by which blocks are judged, with a wall clock that steps, slews and is wrong. The test controls both clocks.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { GpsClock } from "../../src/blocks/gps_clock.ts";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import { silent } from "../driven_source.ts";

const UNIX_MS = 1_790_000_000_000;
const GPS_MS = gpsMsOfUnixMs(UNIX_MS);
const HOUR_MS = 3_600_000;
const DAYS_MS = 10 * 24 * HOUR_MS;

let passedMs: number;
let wallAheadMs: number;
let sleptMs: number;
let logged: string[];
let sets: number[];
let clock: GpsClock;

beforeEach(() => {
  passedMs = wallAheadMs = sleptMs = 0;
  logged = [];
  sets = [];
  const note = (event: string) => void logged.push(event);
  clock = new GpsClock({
    nowMs: () => UNIX_MS + passedMs + sleptMs + wallAheadMs,
    clockMs: () => 50 + passedMs,
    log: { ...silent, info: note, warn: note, error: note },
  });
  clock.listen({
    onWallAhead: () => {},
    onSet: (byMs) => void sets.push(byMs),
  });
});

/** A block of 1/16 s of a good publisher has just come. */
function witness(topic: string, offMs = 0): void {
  const endMs = GPS_MS + passedMs + sleptMs + offMs - 10;
  clock.witness(topic, {
    startMs: endMs - 62.5,
    endMs,
    toleranceMs: 125,
    ageMsMax: 1062.5,
  });
}

/** Ten times a second for a while, with blocks of some topics. */
function run(ms: number, topics: readonly string[] = []): void {
  for (const endMs = passedMs + ms; passedMs < endMs;) {
    passedMs += 100;
    for (const topic of topics) witness(topic);
    clock.tick(true);
  }
}

describe("GpsClock", () => {
  it("follows a wall clock that is slewed, without a word", () => {
    for (let i = 0; i < 100; i++) {
      passedMs += 100;
      wallAheadMs += 5;
      assert.equal(clock.gpsMs(), GPS_MS + passedMs + wallAheadMs);
      clock.tick(true);
    }
    assert.deepEqual(logged, []);
    assert.equal(clock.counters.steps, 0);
  });

  for (const byMs of [-HOUR_MS, HOUR_MS, -DAYS_MS, DAYS_MS]) {
    it(`continues unchanged when the wall clock steps by ${byMs} ms and no publisher's did`, () => {
      run(1000, ["a", "b"]);
      wallAheadMs = byMs;
      run(120_000, ["a", "b"]);
      assert.equal(clock.gpsMs(), GPS_MS + passedMs);
      assert.equal(clock.stepMs, byMs);
      assert.equal(clock.counters.steps, 1);
      wallAheadMs = 0;
      run(1000, ["a", "b"]);
      assert.equal(clock.stepMs, 0);
      assert.deepEqual(logged, ["clock-stepped", "clock-wrong", "clock-back"]);
      assert.deepEqual(sets, []);
    });
  }

  it("does not believe one publisher that is off by just the step", () => {
    wallAheadMs = -HOUR_MS;
    for (let i = 0; i < 100; i++) {
      witness("slow", -HOUR_MS);
      run(100, ["a", "b"]);
    }
    assert.equal(clock.gpsMs(), GPS_MS + passedMs);
  });

  for (const ms of [700, 8 * HOUR_MS, DAYS_MS]) {
    it(`follows after ${ms} ms of sleep once blocks of the new time come`, () => {
      run(1000, ["a"]);
      sleptMs = ms;
      assert.equal(clock.latestMs(clock.gpsMs()), GPS_MS + passedMs + ms);
      // What the log held when the machine fell asleep is read first: it fits the old time.
      witness("a", -ms);
      run(3000, ["a"]);
      assert.equal(clock.gpsMs(), GPS_MS + passedMs + ms);
      assert.deepEqual(sets, [ms]);
      assert.deepEqual(logged, ["clock-stepped", "clock-followed"]);
    });
  }

  it("follows a clock that was an hour ahead and is set right", () => {
    wallAheadMs = HOUR_MS;
    clock = new GpsClock({
      nowMs: () => UNIX_MS + passedMs + wallAheadMs,
      clockMs: () => 50 + passedMs,
      log: silent,
    });
    run(1000, ["a"]);
    wallAheadMs = 0;
    run(3000, ["a"]);
    assert.equal(clock.gpsMs(), GPS_MS + passedMs);
  });

  it("gives the moments before a sleep the time that they had", () => {
    const asleepMs = passedMs;
    sleptMs = 8 * HOUR_MS;
    passedMs = 20;
    run(3000, ["a"]);
    assert.equal(clock.gpsMsAt(50 + asleepMs), GPS_MS);
    assert.equal(clock.gpsMsAt(50 + passedMs), clock.gpsMs());
  });

  it("follows at once while no live topic is read, and after a minute in which none speaks", () => {
    wallAheadMs = HOUR_MS;
    clock.tick(false);
    assert.equal(clock.gpsMs(), GPS_MS + HOUR_MS);
    wallAheadMs = -HOUR_MS;
    run(60_000);
    assert.equal(clock.gpsMs(), GPS_MS + passedMs + HOUR_MS);
    run(300);
    assert.equal(clock.gpsMs(), GPS_MS + passedMs - HOUR_MS);
  });

  it("takes a process that was stopped between its two clocks for no step", () => {
    let reads = 0;
    clock = new GpsClock({
      nowMs: () => UNIX_MS + passedMs,
      clockMs: () => {
        const readMs = 50 + passedMs;
        if (++reads === 3) passedMs += 50_000;
        return readMs;
      },
      log: silent,
    });
    for (let i = 0; i < 5; i++) clock.gpsMs();
    assert.ok(reads > 3);
    assert.equal(clock.counters.steps, 0);
    assert.equal(clock.gpsMs(), GPS_MS + passedMs);
  });
});
