// The test runner's own work: counting (scripts/test_tally.ts), and running suites two at a time (scripts/test_lanes.ts).
// Invariant: the totals that CI prints are those of behaviours, not of the describes around them; no suite is left out.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  type Parts,
  partSuites,
  unknownSuites,
} from "../scripts/shared_suites.ts";
import {
  type Group,
  groupsByFolder,
  runFailedAgain,
  runInLanes,
  sumOf,
} from "../scripts/test_lanes.ts";
import { tallyOf } from "../scripts/test_tally.ts";

function junit(...cases: string[]): string {
  return `<testsuites><testsuite name="a">${
    cases.join("\n")
  }</testsuite></testsuites>`;
}

describe("tallyOf()", () => {
  it("counts the leaves, not the describes around them", () => {
    const document = junit(
      `<testcase name="ring" time="0.1">\n</testcase>`,
      `<testcase name="ring &gt; reserve()" time="0.1"></testcase>`,
      `<testcase name="ring &gt; reserve() &gt; wraps" time="0.1"></testcase>`,
      `<testcase name="ring &gt; reserve() &gt; refuses" time="0.1"/>`,
      `<testcase name="flat" time="0.1"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, true), {
      passed: 3,
      failed: 0,
      skipped: 0,
    });
  });

  it("distinguishes failed and skipped ones", () => {
    const document = junit(
      `<testcase name="a"><failure message="no">stack</failure></testcase>`,
      `<testcase name="b"><skipped/></testcase>`,
      `<testcase name="c"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, false), {
      passed: 1,
      failed: 1,
      skipped: 1,
    });
  });

  it("a run that failed without a failed test counts one failure", () => {
    assert.deepEqual(tallyOf(junit(), false), {
      passed: 0,
      failed: 1,
      skipped: 0,
    });
  });

  it("a describe whose hook failed counts as a failure although its tests passed", () => {
    const document = junit(
      `<testcase name="a"><failure message="after()">stack</failure></testcase>`,
      `<testcase name="a &gt; b"></testcase>`,
    );
    assert.deepEqual(tallyOf(document, false), {
      passed: 1,
      failed: 1,
      skipped: 0,
    });
  });
});

describe("runInLanes()", () => {
  const groups = ["a", "b", "c", "d"].map((name) => ({ name, paths: [name] }));
  const one = junit(`<testcase name="x"></testcase>`);

  it("runs each group once, two at a time, the next one where a lane is free", async () => {
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    let most = 0;
    const running = runInLanes(groups, 2, ({ name }, { lane }) => {
      begun.push(`${name}${lane}`);
      return new Promise((resolve) => {
        ends.set(name, () => {
          ends.delete(name);
          resolve({ code: 0, junit: one, text: name });
        });
        most = Math.max(most, ends.size);
      });
    }, () => {});
    const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
    for (const name of ["b", "c", "d", "a"]) {
      ends.get(name)!();
      await turn();
    }
    const outcomes = await running;
    assert.deepEqual(begun, ["a0", "b1", "c1", "d1"]);
    assert.equal(most, 2);
    assert.deepEqual(sumOf(outcomes.map(({ tally }) => tally)), {
      passed: 4,
      failed: 0,
      skipped: 0,
    });
  });

  it("shows the output of a group in one piece, names those that failed at the end, and counts them", async () => {
    const said: string[] = [];
    const outcomes = await runInLanes(
      groups,
      2,
      ({ name }: Group) =>
        Promise.resolve({
          code: name === "c" ? 1 : 0,
          junit: one,
          text: `${name} 1\n${name} 2`,
        }),
      (text) => said.push(text),
    );
    assert.equal(said.length, 5);
    assert.match(said[0]!, /^---- a: 1 passed, .* s\na 1\na 2$/);
    assert.equal(said.at(-1), "FAILED: c: 1 passed, 1 failed, 0 skipped");
    const { failed } = sumOf(outcomes.map(({ tally }) => tally));
    assert.equal(failed, 1);
  });
});

describe("runInLanes() with a group that has priority", () => {
  it("runs it alone in its lane, and all others at a lower priority", async () => {
    const soaks = ["s", "t"].map((name) => ({
      name,
      paths: [name],
      hasPriority: true,
    }));
    const begun: string[] = [];
    let endSoak = () => {};
    const running = runInLanes(
      [
        { name: "a", paths: ["a"] },
        ...soaks,
        { name: "b", paths: ["b"] },
      ],
      2,
      async ({ name }, { lane, isLow }) => {
        begun.push(`${name}${lane}${isLow ? "low" : ""}`);
        if (name === "s") await new Promise<void>((end) => endSoak = end);
        return { code: 0, junit: junit(), text: "" };
      },
      (text) => {
        if (text.startsWith("---- b")) endSoak();
      },
    );
    await running;
    assert.deepEqual(begun, ["s0", "a1low", "b1low", "t0"]);
  });
});

describe("runFailedAgain()", () => {
  const tally = { passed: 1, failed: 0, skipped: 0 };
  const outcome = (name: string, code: number) => ({ name, code, tally });
  const groups = ["a", "b", "c", "d"].map((name) => ({ name, paths: [name] }));

  it("runs only those that failed, once, and says for each how it ended", async () => {
    const begun: string[] = [];
    const said: string[] = [];
    const outcomes = await runFailedAgain(
      groups,
      [outcome("a", 0), outcome("b", 1), outcome("c", 1)],
      ({ name }) => {
        begun.push(name);
        return Promise.resolve(outcome(name, name === "c" ? 1 : 0));
      },
      (text) => said.push(text),
    );
    assert.deepEqual(begun, ["b", "c"]);
    assert.deepEqual(outcomes.map(({ code }) => code), [0, 0, 1]);
    assert.match(said[0]!, /^PASSED WHEN RUN AGAIN: b: 1 passed/);
    assert.match(said[1]!, /^FAILED WHEN RUN AGAIN: c: 1 passed/);
  });

  it("runs none again if more than five failed", async () => {
    const before = [..."abcdef"].map((name) => outcome(name, 1));
    const outcomes = await runFailedAgain(
      groups,
      before,
      () => Promise.reject(new Error("ran again")),
      () => {},
    );
    assert.deepEqual(outcomes, before);
  });
});

describe("groupsByFolder()", () => {
  it("has each file once: those of a folder with those below it, the largest folder first", () => {
    assert.deepEqual(
      groupsByFolder([
        "test/a_test.ts",
        "test/net/b_test.ts",
        "test/http/c_test.ts",
        "test/http/routes/d_test.ts",
      ]),
      [
        {
          name: "test/http",
          paths: ["test/http/c_test.ts", "test/http/routes/d_test.ts"],
        },
        { name: "test", paths: ["test/a_test.ts"] },
        { name: "test/net", paths: ["test/net/b_test.ts"] },
      ],
    );
  });
});

describe("partSuites()", () => {
  const files = [...Deno.readDirSync("test/integration")]
    .filter(({ name }) => name.endsWith("_test.ts"))
    .map(({ name }) => `test/integration/${name}`);

  const all = ({ shared, alone }: Parts) =>
    [...shared.flatMap(({ paths }) => paths), ...alone].sort();

  it("runs every suite once", () => {
    assert.deepEqual(all(partSuites(files, false)), files.toSorted());
  });

  it("runs every suite once in the long tier, too, and first the longest, one of them once more", () => {
    const parts = partSuites(files, true);
    const soak = "test/integration/soak_test.ts";
    assert.deepEqual(all(parts), [...files, soak].toSorted());
    const first = parts.shared.filter(({ hasPriority }) => hasPriority);
    assert.deepEqual(first, parts.shared.slice(0, first.length));
    assert.deepEqual([first[0]!.paths, first[0]!.env], [[soak], {
      QANAT_WORKERS: "2",
    }]);
  });

  it("runs a suite alone that it does not know, and knows no suite that is not there", () => {
    const [one, two] = ["kafka", "proxy"].map((name) =>
      `test/integration/${name}_test.ts`
    ) as [string, string];
    const file = "test/integration/new_test.ts";
    const { shared, alone } = partSuites([one, file, two], false);
    assert.deepEqual(shared.map(({ paths }) => paths), [[two], [one]]);
    assert.deepEqual(alone, [file]);
    assert.deepEqual(unknownSuites(files), []);
  });
});
