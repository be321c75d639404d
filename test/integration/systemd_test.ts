// The systemd unit: what systemd itself says about it, and that it starts what `deno task start` starts.
// Not tested: a systemd that starts it; there is none here.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { run } from "../../scripts/release/folder.ts";
import project from "../../deno.json" with { type: "json" };
import { parseConfig } from "../../src/config.ts";
import { PARTS } from "./chain.ts";

const FILE = new URL("../../deploy/systemd/qanat@.service", import.meta.url);
/** Of 10, the worst; without the lines that restrict the process it is 9.2. */
const EXPOSURE_MAX = 1.6;
const runnable = canRun([PARTS.systemd]);
const unit = Deno.readTextFileSync(FILE);

/** All values of a key, in their order. */
function valuesOf(key: string): string[] {
  return [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, v]) =>
    v!
  );
}

describe("deploy/systemd/qanat@.service", () => {
  it("starts what `deno task start` starts, from its cache", () => {
    const [start] = valuesOf("ExecStart");
    assert.equal(
      start!.replace("/usr/local/bin/", "").replace(" --cached-only", ""),
      project.tasks.start.command,
    );
  });

  it("has settings that Qanat takes, and time for a stop", () => {
    const env = Object.fromEntries(
      valuesOf("Environment").map((one) =>
        one.replace("%i", "8081").split("=") as [string, string]
      ),
    );
    const parsed = parseConfig([], env);
    assert.ok(parsed.kind === "config", JSON.stringify(parsed));
    assert.equal(parsed.config.port, 8081);
    const stopMs = 1000 * Number(valuesOf("TimeoutStopSec")[0]);
    assert.ok(stopMs >= 5000 + parsed.config.drainMs);
  });
});

describe(
  "systemd-analyze",
  { ignore: !runnable, skip: !runnable },
  () => {
    let folder: string;
    let path: string;

    before(async () => {
      folder = await Deno.makeTempDir({ prefix: "qanat-unit-" });
      path = `${folder}/qanat@8081.service`;
      await Deno.writeTextFile(
        path,
        unit.replace("/usr/local/bin/deno", Deno.execPath()),
      );
    });
    after(() => Deno.remove(folder, { recursive: true }));

    const analyze = (...args: string[]) =>
      run(PARTS.systemd.program!, [...args, path], { cwd: folder });

    it("finds nothing wrong in it", async () => {
      assert.equal(await analyze("verify", "--man=no"), "");
    });

    it(`rates its exposure ${EXPOSURE_MAX} of 10 at most`, async () => {
      await analyze(
        ..."security --no-pager --offline=yes".split(" "),
        `--threshold=${EXPOSURE_MAX * 10}`,
      );
    });
  },
);
