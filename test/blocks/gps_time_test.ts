import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  gpsMsOfUnixMs,
  nowGpsNs,
  unixMsOfGpsMs,
} from "../../src/blocks/gps_time.ts";

describe("gpsMsOfUnixMs()", () => {
  it("knows GW150914 and the epoch", () => {
    // 2015-09-14T09:50:45 UTC is GPS 1126259462 (GWOSC's event page); 17 leap seconds were in force.
    assert.equal(
      gpsMsOfUnixMs(Date.UTC(2015, 8, 14, 9, 50, 45)),
      1126259462000,
    );
    assert.equal(gpsMsOfUnixMs(Date.UTC(1980, 0, 6)), 0);
  });

  it("is 18 s ahead of UTC since 2017 and keeps fractions", () => {
    const unixMs = Date.UTC(2026, 0, 1) + 0.25;
    assert.equal(gpsMsOfUnixMs(unixMs), unixMs - 315964800000 + 18000);
    assert.equal(unixMsOfGpsMs(gpsMsOfUnixMs(unixMs)), unixMs);
    assert.equal(nowGpsNs(unixMs) % 1000n, 0n);
  });
});
