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
        // Answered with 500 once: the library knows no leap seconds before 1961.
        "1950-01-01T00:00:00Z",
        "0099-01-01T00:00:00Z",
        "1980-01-05T23:59:59Z",
        // Ten digits of GPS seconds end in 2296.
        "9999-12-31T23:59:59Z",
        "2023-02-29T00:00:00Z",
        "2015-09-14T25:00:00Z",
        "2015-09-14T24:00:01Z",
        "2015-09-14T09:60:00Z",
        "2015-09-14T09:50.5Z",
        "1".repeat(100_000),
      ]
    ) assert.equal(gpsNsOfText(text), null, text);
  });

  it("takes a leap second where one was inserted, and nowhere else", () => {
    const seconds = (text: string) => Number(gpsNsOfText(text)) / 1e9;
    assert.equal(seconds("2016-12-31T23:59:59Z"), 1167264016);
    assert.equal(seconds("2016-12-31T23:59:60Z"), 1167264017);
    assert.equal(seconds("2017-01-01T00:00:00Z"), 1167264018);
    assert.equal(
      gpsNsOfText("2016-12-31T23:59:60.5Z"),
      1_167_264_017_500_000_000n,
    );
    assert.equal(seconds("2016-12-31T24:00:00Z"), 1167264018);
    for (
      const text of [
        "2017-12-31T23:59:60Z",
        "2016-12-31T22:59:60Z",
        "2016-12-31T23:58:60Z",
        "2016-12-31T23:59:61Z",
      ]
    ) assert.equal(gpsNsOfText(text), null, text);
  });
});

describe("GPS time of a time that no clock shows", () => {
  it("is a number, whatever a message carries as its time (the library throws)", () => {
    const odd = [-1, -1e18, Date.UTC(1950, 0), 8.64e15, 1e18, Infinity, 0.5];
    for (const ms of odd) {
      assert.ok(!Number.isNaN(gpsMsOfUnixMs(ms)), String(ms));
      assert.ok(!Number.isNaN(unixMsOfGpsMs(ms)), String(ms));
    }
    assert.ok(Number.isNaN(gpsMsOfUnixMs(NaN)));
    assert.ok(Number.isNaN(unixMsOfGpsMs(NaN)));
  });
});
