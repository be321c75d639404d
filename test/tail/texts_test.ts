// Times, durations, sizes and numbers as text; the progress of a download.
import { secondsText } from "../../src/blocks/time_text.ts";
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Progress } from "../../src/tail/progress.ts";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import {
  bytesText,
  durationText,
  gapText,
  shortNumber,
} from "../../src/tail/texts.ts";

describe("texts", () => {
  it("writes a duration in the unit that fits", () => {
    assert.deepEqual([4, 4200, 185_000, 7_500_000, NaN].map(durationText), [
      "4 ms",
      "4.2 s",
      "3 min 05 s",
      "2 h 05 min",
      "–",
    ]);
  });

  it("writes GPS ns as seconds that the server accepts", () => {
    assert.equal(
      secondsText(1_126_259_462_420_000_000n),
      "1126259462.420000000",
    );
    assert.equal(secondsText(5n), "0.000000005");
  });

  it("writes sizes and values in few characters", () => {
    assert.deepEqual([0, 999, 1000, 2_906_592].map(bytesText), [
      "0 B",
      "999 B",
      "1.0 kB",
      "2.9 MB",
    ]);
    assert.equal(shortNumber(null), "–");
    assert.equal(shortNumber(-3.4888411496673857e-20), "-3.489e-20");
    assert.equal(shortNumber("9007199254740993"), "9.007e+15");
    for (const value of [-0.1234567890123, 123456.789012, -999999.5, 1e300]) {
      assert.ok(shortNumber(value).length <= 10, shortNumber(value));
    }
  });

  it("writes a gap's length, start and reason", () => {
    assert.equal(
      gapText({ from: 10_000_000_000n, to: 12_500_000_000n, reason: "slow" }),
      "gap of 2.5 s from GPS 10.000000000: slow",
    );
    assert.equal(
      gapText({ from: null, to: null, reason: "unknown-id" }),
      "gap: unknown-id",
    );
  });
});

describe("Progress", () => {
  it("estimates by speed, and never less than the time until the end of the range", () => {
    let nowMs = 1_800_000_000_000;
    const nowS = gpsMsOfUnixMs(nowMs) / 1000;
    const past = new Progress({
      start: String(nowS - 100),
      duration: "40",
      nowMs: () => nowMs,
      clockMs: () => nowMs,
    });
    assert.equal(past.share, null);
    past.row(BigInt(nowS - 100) * 1_000_000_000n, 1);
    nowMs += 1000;
    past.row(BigInt(nowS - 90) * 1_000_000_000n, 1);
    assert.equal(past.share, 0.25);
    assert.equal(past.leftMs, 3000);
    assert.equal(
      past.line(),
      `${"█".repeat(6)}${"░".repeat(18)}  25 %  2 rows  0 B  3.0 s left`,
    );

    const into = new Progress({
      start: String(nowS - 9),
      end: String(nowS + 11),
      nowMs: () => nowMs,
      clockMs: () => nowMs,
    });
    into.row(BigInt(nowS - 9) * 1_000_000_000n, 1);
    nowMs += 1000;
    into.row(BigInt(nowS + 1) * 1_000_000_000n, 1);
    assert.equal(into.share, 0.5);
    assert.equal(into.leftMs, 9000);
  });

  it("measures with the monotonic clock; only the part in the future uses the wall clock", () => {
    let nowMs = 1_800_000_000_000;
    let clockMs = 0;
    const nowS = gpsMsOfUnixMs(nowMs) / 1000;
    const progress = new Progress({
      start: String(nowS - 100),
      duration: "40",
      nowMs: () => nowMs,
      clockMs: () => clockMs,
    });
    progress.row(BigInt(nowS - 100) * 1_000_000_000n, 1);
    clockMs += 1000;
    nowMs += 3_600_000;
    progress.row(BigInt(nowS - 90) * 1_000_000_000n, 1);
    assert.equal(progress.leftMs, 3000);
    nowMs -= 7_200_000;
    // The range is now one hour ahead.
    assert.equal(Math.round(progress.leftMs! / 60_000), 59);
  });

  it("shows rows and time only when the range has no end", () => {
    let nowMs = 0;
    const progress = new Progress({
      nowMs: () => nowMs,
      clockMs: () => nowMs,
    });
    nowMs = 61_000;
    progress.bytes = 1500;
    assert.equal(progress.line("x"), "0 rows  1.5 kB  1 min 01 s  (x)");
  });
});
