// The reckoning of `deno task scale`: settings, selections, limits, lines, medians.
// Invariant: a figure that was bad in one round is never averaged away.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { fitLine } from "../../scripts/scale/line_fit.ts";
import { limitOf } from "../../scripts/scale/limit.ts";
import {
  differentSelections,
  requestLines,
} from "../../scripts/scale/selections.ts";
import { parseSettings } from "../../scripts/scale/settings.ts";
import { tableOf } from "../../scripts/scale/table.ts";
import { medianOf, type TrialFigures } from "../../scripts/scale/trial.ts";

const NAMES = Array.from({ length: 100 }, (_, i) => `C${i}`);

function figures(over: Partial<TrialFigures>): TrialFigures {
  return {
    clients: 100,
    mode: "same",
    format: "arrow",
    holds: true,
    attached: 100,
    refused: 0,
    ended: 0,
    rowsPerSecondMin: 16,
    rowsPerSecondMedian: 16,
    lost: 0,
    gaps: 0,
    late: 0,
    behind: 0,
    rowsShort: 0,
    p50Ms: 5,
    p99Ms: 10,
    p999Ms: 20,
    maxMs: 30,
    firstByteP99Ms: 1,
    megabytesPerSecond: 1,
    serverUserCores: 0.1,
    serverSystemCores: 0.1,
    readerCores: 0.1,
    brokerCores: 0.1,
    publisherCores: 0.1,
    othersCores: 0,
    stolenCores: 0,
    lagP99Ms: null,
    rssBytes: 1e8,
    rssPerClientBytes: 2e4,
    socketBytes: 0,
    gcShare: 0.01,
    memoryShare: null,
    allocationsPerRow: null,
    heapBytesPerWrite: null,
    microsecondsPerWrite: 10,
    ...over,
  };
}

describe("differentSelections()", () => {
  it("asks for ten channels each, no set twice, and for the same again", () => {
    const selections = differentSelections(NAMES, 5000);
    assert.equal(new Set(selections.map((s) => s.join())).size, 5000);
    assert.ok(selections.every((s) => new Set(s).size === 10));
    assert.deepEqual(differentSelections(NAMES, 5000), selections);
  });

  it("says when there are too few", () => {
    assert.throws(() => differentSelections(NAMES.slice(0, 10), 2), RangeError);
  });
});

describe("requestLines()", () => {
  it("is one line for clients of one selection, and asks for gzip where that is measured", () => {
    const [line, ...more] = requestLines(NAMES, {
      clients: 50,
      mode: "same",
      format: "events+gzip",
    });
    assert.equal(more.length, 0);
    assert.match(
      line!,
      /^GET\t\/v1\/events\?channels=[C\d,]+\tAccept-Encoding: gzip$/,
    );
  });
});

describe("limitOf()", () => {
  const upTo = (limit: number) => {
    const tried: number[] = [];
    return {
      tried,
      tryCount: (clients: number) => {
        tried.push(clients);
        return Promise.resolve(clients <= limit);
      },
    };
  };
  const options = { clientsMax: 10_000, ratio: 1.1 };

  it("lies within a tenth of the truth, between known counts", async () => {
    const { tried, tryCount } = upTo(2600);
    const known = new Map([[1000, true], [2000, true], [4000, false]]);
    const { holds, fails } = await limitOf(tryCount, { ...options, known });
    assert.ok(holds <= 2600 && fails! > 2600 && fails! <= holds * 1.1);
    assert.equal(new Set(tried).size, tried.length);
  });

  it("goes up when all known counts hold, and ends at the most that is tried", async () => {
    const known = new Map([[6000, true]]);
    const { holds, fails } = await limitOf(upTo(1e9).tryCount, {
      ...options,
      known,
    });
    assert.deepEqual({ holds, fails }, { holds: 10_000, fails: null });
  });

  it("is 0 when not even few hold", async () => {
    const { holds } = await limitOf(upTo(0).tryCount, {
      ...options,
      known: new Map([[1000, false]]),
    });
    assert.equal(holds, 0);
  });
});

describe("fitLine()", () => {
  it("finds slope and intercept, and how well they explain", () => {
    const line = fitLine([1, 2, 3, 4].map((x) => ({ x, y: 3 * x + 2 })));
    assert.ok(Math.abs(line.slope - 3) < 1e-9);
    assert.ok(Math.abs(line.intercept - 2) < 1e-9);
    assert.ok(line.r2 > 0.999);
  });

  it("refuses points of one x", () => {
    assert.throws(() => fitLine([{ x: 1, y: 1 }, { x: 1, y: 2 }]), RangeError);
  });
});

describe("medianOf()", () => {
  it("takes medians of speeds, and the worst of losses", () => {
    const median = medianOf([
      figures({ p99Ms: 10 }),
      figures({ p99Ms: 30, lost: 2, holds: false }),
      figures({ p99Ms: 20 }),
    ]);
    assert.equal(median.p99Ms, 20);
    assert.equal(median.lost, 2);
    assert.equal(median.holds, false);
  });

  it("one round above a stride among three does not decide", () => {
    const median = medianOf([
      figures({ p99Ms: 10 }),
      figures({ p99Ms: 70, holds: false }),
      figures({ p99Ms: 20 }),
    ]);
    assert.equal(median.holds, true);
  });

  it("one round that left clients without their rate does", () => {
    const median = medianOf([
      figures({}),
      figures({ rowsPerSecondMin: 3, holds: false }),
      figures({}),
    ]);
    assert.equal(median.holds, false);
  });
});

describe("tableOf()", () => {
  it("writes what was not measured as -", () => {
    const [head, row] = tableOf([figures({})]).split("\n");
    const column = (head!.indexOf(" heap B") + " heap B".length) - 1;
    assert.equal(row![column], "-");
  });
});

describe("parseSettings()", () => {
  it("refuses with what would be right", () => {
    for (
      const [args, wrong] of [
        [["--formats=xml"], /events, events\+gzip, arrow/],
        [["--clients=20,0"], /from 1 to 19000/],
        [["--storm", "--memory"], /one at a time/],
        [["--nope"], /nope/],
      ] as const
    ) {
      const settings = parseSettings(args);
      assert.ok(typeof settings === "object" && "wrong" in settings);
      assert.match(settings.wrong, wrong);
    }
  });

  it("is the table of medians of three by default", () => {
    const settings = parseSettings([]);
    assert.ok(typeof settings === "object" && "what" in settings);
    assert.equal(settings.what, "table");
    assert.equal(settings.rounds, 3);
  });
});
