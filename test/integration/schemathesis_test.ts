// Schemathesis reads /openapi.json and asks the service whatever the document allows, and what it does not.
// Streams are cut short by test/integration/python/schemathesis_hooks.py; nothing is skipped.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, PARTS, type Process, say } from "./chain.ts";

/** About 20 s on two cores. */
const RUN_MS = 240_000;
const CASES_MIN = 1000;
const FOLDER = new URL("python/", import.meta.url).pathname;
const runnable = canRun([PARTS.schemathesis]);

describe("schemathesis", { ignore: !runnable, skip: !runnable }, () => {
  let qanat: Process;
  let url: string;
  let directory: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-schemathesis-" });
    const launched = launchQanat(["--base-path", "/data/qanat"]);
    qanat = launched.qanat;
    url = `${launched.url}/data/qanat`;
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  it("finds that the service does what /openapi.json says, and nothing else", async () => {
    const { code, stdout } = await new Deno.Command(
      PARTS.schemathesis.program!,
      {
        args: [
          "-m",
          "schemathesis.cli",
          `--config-file=${FOLDER}schemathesis.toml`,
          "run",
          `${url}/openapi.json`,
        ],
        cwd: directory, // it keeps notes where it runs
        env: {
          PYTHONPATH: FOLDER,
          QANAT_URL: url,
          PYTHONDONTWRITEBYTECODE: "1",
          NO_COLOR: "1",
        },
        stdin: "null",
        stderr: "inherit",
        signal: AbortSignal.timeout(RUN_MS),
      },
    ).output();
    const said = new TextDecoder().decode(stdout);
    assert.equal(code, 0, said.slice(0, 20_000));
    const [, selected, total] = /Operations:\s+(\d+) selected \/ (\d+) total/
      .exec(said)!;
    assert.equal(selected, total);
    const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(said)!;
    assert.equal(generated, passed);
    assert.ok(Number(generated) > CASES_MIN, said);
    say(`schemathesis: ${selected} operations, ${passed} cases passed`);
    assert.doesNotMatch(qanat.log, /request-failed|"level":"error"/);
  });
});
