// Times that a user types, and the page's leap seconds against those of the server.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import {
  fullTimeText,
  gpsOfUnix,
  timeText,
  unixOf,
} from "../../src/page/clock.js";
import { leapSecondsAt } from "../../src/page/leap_seconds.js";
import { timeOfInput } from "../../src/page/time_input.js";

const NOW_S = 1_480_000_000;

describe("timeOfInput()", () => {
  it("takes GPS seconds and times before now", () => {
    assert.equal(timeOfInput(" 1126259462.4 ", NOW_S), 1126259462.4);
    assert.equal(timeOfInput("now", NOW_S), NOW_S);
    assert.equal(timeOfInput("-60", NOW_S), NOW_S - 60);
    assert.equal(timeOfInput("-1.5 h", NOW_S), NOW_S - 5400);
    assert.equal(timeOfInput("-2d", NOW_S), NOW_S - 172_800);
    assert.ok(timeOfInput("-99999999d", NOW_S)! < 0);
  });

  it("takes dates in UTC, with the leap seconds of their year", () => {
    assert.equal(timeOfInput("2015-09-14T09:50:45Z"), 1126259462);
    assert.equal(timeOfInput("2015-09-14 09:50:45.25"), 1126259462.25);
    assert.equal(timeOfInput("2017-01-01 00:00:00 UTC"), 1167264018);
    assert.equal(timeOfInput("1980-01-06"), 0);
    assert.equal(timeOfInput("1979-12-31"), -6 * 86_400);
  });

  it("takes a time of day as its last one before now", () => {
    const dayS = 86_400;
    const clock = new Date(Date.now() - 3600_000).toISOString().slice(11, 19);
    const nowS = gpsOfUnix(Date.now() / 1000);
    const gpsS = timeOfInput(clock, nowS)!;
    assert.ok(nowS - gpsS >= 3600 && nowS - gpsS < 3602, `${nowS - gpsS}`);
    const later = new Date(Date.now() + 3600_000).toISOString().slice(11, 19);
    const before = nowS - timeOfInput(later, nowS)!;
    assert.ok(before > dayS - 3602 && before <= dayS - 3598, `${before}`);
  });

  it("knows what is no time", () => {
    const texts = ["", "yesterday", "-", "-2y", "1e9", "2015-02-30", "25:00"];
    for (const text of [...texts, "2015-09-14 24:00:00", "+5"]) {
      assert.equal(timeOfInput(text, NOW_S), null, text);
    }
  });
});

describe("the page's clock", () => {
  it("has the leap seconds of the server", () => {
    for (let year = 1980; year <= 2026; year++) {
      for (const month of [0, 6]) {
        for (const offsetMs of [-1000, 0, 1000]) {
          const unixMs = Date.UTC(year, month, 1) + offsetMs;
          if (unixMs < 315_964_800_000) continue;
          const gpsS = gpsMsOfUnixMs(unixMs) / 1000;
          assert.equal(gpsOfUnix(unixMs / 1000), gpsS, `${year} ${month}`);
          assert.equal(unixOf(gpsS), unixMs / 1000, `${year} ${month}`);
        }
      }
    }
    assert.equal(leapSecondsAt(2_000_000_000, 19), 19);
  });

  it("writes times that it reads", () => {
    assert.equal(timeText(1126259462.4, "utc", 1), "09:50:45.4");
    assert.equal(fullTimeText(1126259462.4, "utc"), "2015-09-14 09:50:45.4");
    assert.equal(fullTimeText(1126259480, "utc"), "2015-09-14 09:51:03");
    assert.equal(fullTimeText(1126259462.4, "gps"), "1126259462.4");
    const gpsS = 1_480_000_123.25;
    assert.equal(timeOfInput(fullTimeText(gpsS, "utc")), gpsS);
  });
});
