// The GPS times of the data source for Grafana (deploy/grafana/plugin), which runs without the packages of Qanat.
// Invariant: it knows the leap seconds that Qanat knows, and no others.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  gpsNsOf,
  LEAP_STEPS_S,
  secondsText,
  unixMsOf,
} from "../../deploy/grafana/plugin/src/gps_time.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";

const LAST_YEAR = 2100;
const nsOfMs = (ms: number) => BigInt(ms) * 1_000_000n;

describe("gps_time.ts of the data source for Grafana", () => {
  it("knows GW150914, to the nanosecond", () => {
    const unixMs = Date.UTC(2015, 8, 14, 9, 50, 45);
    assert.equal(gpsNsOf(unixMs), 1_126_259_462_000_000_000n);
    assert.equal(unixMsOf(1_126_259_462_000_000_000n), unixMs);
    assert.equal(
      secondsText(1_126_259_462_000_000_001n),
      "1126259462.000000001",
    );
    assert.equal(unixMsOf(1_126_259_462_062_500_000n), unixMs + 62.5);
  });

  it("takes a time before GPS time 0 as the earliest one, not as before now", () => {
    assert.equal(gpsNsOf(0), 0n);
    assert.equal(secondsText(gpsNsOf(0)), "0.000000000");
    assert.equal(gpsNsOf(Date.UTC(1980, 0, 6) + 1), 1_000_000n);
  });

  it("has all leap seconds of Qanat, and no others", () => {
    const steps: number[] = [];
    for (let year = 1980; year <= LAST_YEAR; year++) {
      for (let month = 0; month < 12; month++) {
        const unixMs = Date.UTC(year, month);
        if (unixMs < unixMsOfGpsMs(0)) continue;
        for (const ms of [unixMs - 1000, unixMs - 1, unixMs, unixMs + 1]) {
          if (ms < unixMsOfGpsMs(0)) continue;
          assert.equal(gpsNsOf(ms), nsOfMs(gpsMsOfUnixMs(ms)), `${ms}`);
          assert.equal(unixMsOf(gpsNsOf(ms)), ms);
        }
        const gained = gpsMsOfUnixMs(unixMs) - gpsMsOfUnixMs(unixMs - 1000);
        // The leap second itself is the one before this month.
        if (gained === 2000) steps.push(gpsMsOfUnixMs(unixMs) / 1000 - 1);
      }
    }
    assert.deepEqual(LEAP_STEPS_S, steps);
  });
});
