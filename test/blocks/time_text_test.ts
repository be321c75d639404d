import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  BEFORE_GPS,
  beforeGpsText,
  timeOfText,
} from "../../src/blocks/time_text.ts";

const NOW_NS = 1_479_469_445_250_000_000n;

describe("a time as text", () => {
  for (
    const [text, secondsBefore] of [
      ["now", 0],
      ["-0", 0],
      ["-60", 60],
      ["-1.5", 1.5],
      ["-90s", 90],
      ["-15m", 900],
      ["-0.5m", 30],
      ["-2h", 7_200],
      ["-1d", 86_400],
    ] as const
  ) {
    it(`${text} is ${secondsBefore} s before now`, () => {
      assert.deepEqual(timeOfText(text, NOW_NS), {
        timeNs: NOW_NS - BigInt(secondsBefore * 1000) * 1_000_000n,
        isRelative: true,
      });
    });
  }

  it("of GPS seconds or UTC is the same whenever it is read", () => {
    const time = { timeNs: 1_126_259_462_400_000_000n, isRelative: false };
    assert.deepEqual(timeOfText("1126259462.4", NOW_NS), time);
    assert.deepEqual(timeOfText("2015-09-14T09:50:45.4Z", NOW_NS), time);
  });

  it("before GPS time 0 is none, and what would be right is said (it was taken as GPS time 0)", () => {
    assert.equal(timeOfText("-9999999999d", NOW_NS), BEFORE_GPS);
    assert.equal(timeOfText("-1479469445.250000001", NOW_NS), BEFORE_GPS);
    const first = { timeNs: 0n, isRelative: true };
    assert.deepEqual(timeOfText("-1479469445.25", NOW_NS), first);
    assert.match(beforeGpsText(NOW_NS), /at most -1479469445 \(-17123d\) is/);
    for (const text of ["-1479469445", "-17123d"]) {
      assert.ok(timeOfText(text, NOW_NS) !== BEFORE_GPS, text);
    }
  });

  for (
    const text of [
      "",
      "-",
      "-h",
      "60s",
      "+60",
      "- 60",
      "-1e3",
      "-1.",
      "-.5",
      "-60 ",
      "-2H",
      "-1w",
      "now-1h",
      "NOW",
      "-12345678901",
      `-1.${"0".repeat(10)}`,
    ]
  ) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(timeOfText(text, NOW_NS), null);
    });
  }
});
