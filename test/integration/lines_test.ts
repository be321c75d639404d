// Ranges as CSV and lines of JSON from the real service, in the readers that people use: equal to Arrow, whole or refused.
// Invariant: a bounded range is the same range each time it is asked for.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "@uwdata/flechette";
import { canRun } from "../../scripts/optional_parts.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { launchQanat, PARTS, type Process, say } from "./chain.ts";

const hasPython = canRun([PARTS.python, PARTS.arrakisClients]);
const hasTools = canRun([PARTS.curl, PARTS.jq, PARTS.node]);
const SINE = "H1:QANAT-SINE_F32_16";
const COUNT = "H1:QANAT-COUNT_U64_16";
const RANGE_S = 4;
const decoder = new TextDecoder();

describe("ranges as text", () => {
  let qanat: Process;
  let url: string;
  let directory: string;
  /** 40 s ago, whole seconds. */
  let start: bigint;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-lines-" });
    ({ qanat, url } = launchQanat([]));
    await qanat.answers(`${url}/readyz`);
    start = nowGpsNs() / 1_000_000_000n - 40n;
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  async function run(program: string, args: string[]) {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
      env: { PYTHONDONTWRITEBYTECODE: "1" },
    }).output();
    return {
      code,
      said: decoder.decode(stdout),
      complained: decoder.decode(stderr),
    };
  }

  it(
    "are equal to Arrow in pandas, polars, DuckDB and gwpy",
    { ignore: !hasPython, skip: !hasPython },
    async () => {
      const { code, said, complained } = await run(PARTS.python.program!, [
        "test/integration/python/lines.py",
        url,
        String(start),
        String(RANGE_S),
        directory,
      ]);
      assert.equal(code, 0, complained);
      for (const reader of ["pandas", "polars", "DuckDB", "gwpy", "json"]) {
        assert.match(said, new RegExp(`^${reader}\\b`, "m"));
      }
      say(said.trim().split("\n").join(", "));
    },
  );

  it(
    "are equal to Arrow in jq and Node.js, 64-bit integers too",
    { ignore: !hasTools, skip: !hasTools },
    async () => {
      const query =
        `channels=${COUNT},${SINE}&start=${start}&duration=${RANGE_S}`;
      const arrow = await (await fetch(`${url}/v1/arrow?${query}`)).bytes();
      const table = tableFromIPC(arrow, { useBigInt: true });
      const expected = Array.from({ length: table.numRows }, (_, row) => ({
        sine: table.getChild(SINE).at(row)[0],
        count: String(table.getChild(COUNT).at(row)[0]),
        ns: String(table.getChild("time").at(row)),
      }));
      assert.equal(expected.length, 16 * RANGE_S);
      const data = `${url}/v1/data?${query}`;
      const path = `${directory}/range.ndjson`;
      const curl = await run(PARTS.curl.program!, [
        "--silent",
        "--fail",
        "--header",
        "accept: application/x-ndjson",
        "--output",
        path,
        data,
      ]);
      assert.equal(curl.code, 0);
      const jq = await run(PARTS.jq.program!, [
        "-c",
        `if .end then .end.reason else {sine: .channels["${SINE}"], count: .channels["${COUNT}"], ns: .gps_ns} end`,
        path,
      ]);
      assert.equal(jq.code, 0, jq.complained);
      const got = jq.said.trim().split("\n").map((line) => JSON.parse(line));
      assert.equal(got.pop(), "complete");
      assert.deepEqual(
        got.map((line) => ({ ...line, sine: Math.fround(line.sine) })),
        expected,
      );
      const node = await run(PARTS.node.program!, [
        "--input-type=module",
        "--eval",
        `const answer = await fetch(${JSON.stringify(`${data}&format=ndjson`)});
        const lines = (await answer.text()).trimEnd().split("\\n").map((line) => JSON.parse(line));
        const sum = lines.slice(0, -1).reduce((n, line) => n + BigInt(line.channels["${COUNT}"]), 0n);
        console.log(String(sum));`,
      ]);
      assert.equal(node.code, 0, node.complained);
      const sum = expected.reduce((n, { count }) => n + BigInt(count), 0n);
      assert.equal(node.said.trim(), String(sum));
    },
  );

  it(
    "that break off are errors in curl, pandas and gwpy",
    {
      ignore: !hasPython || !hasTools,
      skip: !hasPython || !hasTools,
    },
    async () => {
      const endless = `${url}/v1/data?channels=${SINE}&duration=600`;
      const curl = run(PARTS.curl.program!, ["--silent", endless]);
      const python = run(PARTS.python.program!, [
        "test/integration/python/broken_off.py",
        endless,
      ]);
      await clients(3);
      await qanat.stop();
      const { code, said } = await curl;
      assert.equal(code, 18);
      assert.match(said, /\n,,,end: drain\n$/);
      const { said: errors, complained } = await python;
      for (const reader of ["pandas", "gwpy"]) {
        const isError = new RegExp(`^${reader}: IncompleteRead`, "m");
        assert.match(errors, isError, complained);
      }
    },
  );

  /** Resolves once so many clients read. */
  async function clients(count: number): Promise<void> {
    for (;;) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const now = Number(/^qanat_clients (\d+)/m.exec(text)?.[1] ?? 0);
      if (now >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});
