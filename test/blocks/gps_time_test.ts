import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  gpsMsOfUnixMs,
  gpsNsOfText,
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

describe("gpsNsOfText()", () => {
  it("takes GPS seconds with up to nine decimals, exactly", () => {
    assert.equal(gpsNsOfText("1126259462"), 1_126_259_462_000_000_000n);
    assert.equal(gpsNsOfText("1126259462.42"), 1_126_259_462_420_000_000n);
    assert.equal(gpsNsOfText("1.000000001"), 1_000_000_001n);
  });

  it("takes ISO 8601 UTC, leap seconds counted", () => {
    assert.equal(
      gpsNsOfText("2015-09-14T09:50:45.391000001Z"),
      1_126_259_462_391_000_001n,
    );
    assert.equal(gpsNsOfText("1980-01-06T00:00Z"), 0n);
  });

  it("takes nothing else", () => {
    for (
      const text of [
        "",
        "now",
        "-1",
        "1e9",
        "1126259462420000000",
        "1.0000000001",
        "2015-09-14",
        "2015-09-14T09:50:45",
        "2015-09-14T09:50:45+02:00",
        "2015-13-14T09:50:45Z",
        "1970-01-01T00:00:00Z",
      ]
    ) assert.equal(gpsNsOfText(text), null, text);
  });
});
