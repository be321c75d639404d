// The reckoning of `deno task scale`: settings, selections, limits, lines, medians.
// Invariant: a figure that was bad in one round is never averaged away.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { capacityText, contendersOf } from "../../scripts/scale/capacity.ts";
import { fitLine } from "../../scripts/scale/line_fit.ts";
import { limitOf } from "../../scripts/scale/limit.ts";
import {
  differentSelections,
  requestLines,
} from "../../scripts/scale/selections.ts";
import { parseSettings } from "../../scripts/scale/settings.ts";
import { tableOf } from "../../scripts/scale/table.ts";
import { byRole, threadsIn } from "../../scripts/scale/thread_figures.ts";
import { cgroupHome } from "../../scripts/scale/thread_quotas.ts";
import { medianOf, type TrialFigures } from "../../scripts/scale/trial.ts";

const NAMES = Array.from({ length: 100 }, (_, i) => `C${i}`);

function figures(over: Partial<TrialFigures>): TrialFigures {
  return {
    clients: 100,
    mode: "same",
    format: "arrow",
    holds: true,
    p99MaxMs: 62.5,
    attached: 100,
    refused: 0,
    ended: 0,
    rowsPerSecondMin: 16,
    rowsPerSecondMedian: 16,
    rowsPerSecondAll: 1600,
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
    servingCores: null,
    readingCores: null,
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

  it("has the limit of its rounds", () => {
    const late = { p99Ms: 400, p99MaxMs: 500 };
    assert.equal(medianOf([figures(late)]).holds, true);
    assert.equal(medianOf([figures({ ...late, p99Ms: 600 })]).holds, false);
  });
});

describe("threads of a Qanat", () => {
  const line = (tid: number, name: string, ns: number) =>
    `/proc/7/task/${tid}/comm:${name}\n/proc/7/task/${tid}/schedstat:${ns} 5 6\n`;
  const text = line(7, "deno", 1e9) + line(12, "worker-2", 4e9) +
    line(9, "V8 DefaultWorke", 1e6) + line(10, "worker-0", 2e9) +
    line(11, "worker-1", 3e9);

  it("are found by the order in which they were started", () => {
    const { serving, reading } = byRole(threadsIn(text), 2);
    assert.deepEqual(reading, { tid: 10, name: "worker-0", cpuS: 2 });
    assert.deepEqual(serving.map(({ tid }) => tid), [11, 12]);
  });

  it("are one that serves and reads with --workers 1", () => {
    const { serving, reading } = byRole(threadsIn(text), 1);
    assert.equal(reading, null);
    assert.deepEqual(serving.map(({ tid }) => tid), [10]);
  });

  it("are an error where they are not found", () => {
    assert.throws(() => byRole(threadsIn(text), 3), /4 threads named worker-N/);
    assert.throws(() => byRole([], 1), /1 threads/);
  });
});

describe("cgroupHome()", () => {
  const FIRST = "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n" +
    "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n";
  const SECOND = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";

  it("is the controller's hierarchy in version 1, even where version 2 is mounted, too", () => {
    const own = "4:cpu,cpuacct:/jobs/a\n3:cpuset:/\n0::/elsewhere\n";
    assert.deepEqual(cgroupHome(FIRST + SECOND, own), {
      directory: "/sys/fs/cgroup/cpu,cpuacct/jobs/a",
      version: 1,
    });
    assert.deepEqual(cgroupHome(FIRST, "4:cpu,cpuacct:/\n"), {
      directory: "/sys/fs/cgroup/cpu,cpuacct",
      version: 1,
    });
  });

  it("is the own group in version 2, and null without cgroups", () => {
    assert.deepEqual(cgroupHome(SECOND, "0::/user.slice\n"), {
      directory: "/sys/fs/cgroup/user.slice",
      version: 2,
    });
    assert.equal(cgroupHome("proc /proc proc rw 0 0\n", ""), null);
  });
});

describe("capacity", () => {
  const settings = {
    workers: [1, 2],
    quota: 0.12,
    strides: 1,
    hasLimit: true,
    against: null,
  };

  it("compares workers with the first number, or with another checkout", () => {
    const names = (against: string | null) =>
      contendersOf({ ...settings, against }).map(({ name, workers }) =>
        `${name}: ${workers}`
      );
    assert.deepEqual(names(null), ["--workers 1: 1", "--workers 2: 2"]);
    assert.deepEqual(names("."), [
      ".: 1",
      "--workers 1: 1",
      "--workers 2: 2",
    ]);
  });

  it("has the ratios to the first one, and says that there were no quotas", () => {
    const [one, two] = contendersOf(settings);
    const text = capacityText([
      {
        contender: one!,
        overloaded: figures({ rowsPerSecondAll: 1000, servingCores: 0.12 }),
        limit: { holds: 100, fails: 110 },
        few: figures({}),
      },
      {
        contender: two!,
        overloaded: figures({
          rowsPerSecondAll: 1950,
          servingCores: 0.24,
          readingCores: 0.035,
        }),
        limit: { holds: 190, fails: null },
        few: null,
      },
    ], { settings, quotas: null, format: "arrow", mode: "different" });
    assert.match(
      text,
      /^arrow, different; without quotas; p99 below a stride$/m,
    );
    assert.match(text, /--workers 1 .* 1000 +1\.00 .* 0\.120 +- .* 10\.0$/m);
    assert.match(
      text,
      /--workers 2 .* 1950 +1\.95 .* 0\.035 .* 190 or more +1\.90 +-$/m,
    );
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
        [["--quota=5"], /--quota belongs to --workers/],
        [["--workers=1,0"], /--workers/],
        [["--workers=2", "--storm"], /one at a time: --storm, --workers/],
        [["--memory", "--formats=flight"], /does not measure flight/],
      ] as const
    ) {
      const settings = parseSettings(args);
      assert.ok(settings.kind === "error");
      assert.match(settings.message, wrong);
    }
  });

  it("is the table of medians of three by default", () => {
    const parsed = parseSettings([]);
    assert.ok(parsed.kind === "options");
    const settings = parsed.options;
    assert.equal(settings.what, "table");
    assert.equal(settings.rounds, 3);
    assert.deepEqual(settings.formats, ["events", "events+gzip", "arrow"]);
  });

  it("is Arrow and different selections with --workers, unless others are named", () => {
    const parsed = parseSettings(["--workers=1,2", "--quota=5"]);
    assert.ok(parsed.kind === "options");
    const settings = parsed.options;
    assert.equal(settings.what, "capacity");
    assert.deepEqual([settings.formats, settings.modes], [["arrow"], [
      "different",
    ]]);
    assert.equal(settings.capacity.quota, 0.05);
    assert.equal(settings.capacity.strides, 1);
    assert.equal(settings.capacity.hasLimit, false);
  });
});
