// No process of a pasted block is left: of a block that failed, or of tests that were ended themselves.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { PastedProcess } from "./pasted_process.ts";

const ENV = { PATH: Deno.env.get("PATH") ?? "" };
/** Ignores the end of its shell, and prints its id. */
const ORPHAN = "(trap '' HUP; exec sleep 1000) >/dev/null 2>&1 & echo $!";

/** A process that has ended may not have been waited for: it is a zombie, `Z`. Deno refuses to read /proc here. */
function isAlive(pid: string): boolean {
  const { stdout } = new Deno.Command("ps", {
    args: ["-o", "stat=", "-p", pid.trim()],
    stderr: "inherit",
  }).outputSync();
  return /^[^ZX]/.test(new TextDecoder().decode(stdout).trim());
}

async function isGone(pid: string): Promise<void> {
  assert.match(pid, /^\d+\n?$/);
  for (let tries = 0; isAlive(pid); tries++) {
    assert.ok(tries < 200, "it is still there");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("PastedProcess", () => {
  const made: PastedProcess[] = [];
  afterEach(() => Promise.all(made.splice(0).map((one) => one.stop())));

  function start(code: string): PastedProcess {
    const one = new PastedProcess("bash", ["-eu", "-c", code], {
      cwd: "/",
      env: ENV,
    });
    made.push(one);
    return one;
  }

  it("leaves none of a block that fails (a broker and a publisher stayed)", async () => {
    const block = start(`${ORPHAN}; false`);
    assert.equal(await block.ends(), 1);
    await isGone(block.out);
  });

  it("stops all, also those whose shell has ended", async () => {
    const block = start(`${ORPHAN}; exit 0`);
    await block.until(() => block.out.includes("\n")).catch(() => {});
    await block.stop();
    await isGone(block.out);
  });

  it("reads nothing, and says what both outputs got", async () => {
    const block = start("cat; echo out; echo wrong >&2; exit 3");
    assert.equal(await block.ends(), 3);
    assert.equal(block.out, "out\n");
    assert.equal(block.complaints, "wrong\n");
  });

  it("ends them when the tests that started them are killed", async () => {
    const module = new URL("pasted_process.ts", import.meta.url).href;
    const tests = start(
      `exec ${Deno.execPath()} eval --quiet --no-check --no-config --import-map='data:application/json,{}' ` +
        `'import { PastedProcess } from "${module}"; ` +
        `const one = new PastedProcess("bash", ["-c", "echo $$; exec sleep 1000"], { cwd: "/", env: {} }); ` +
        `await one.until(() => one.out !== ""); console.log(one.out.trim()); await one.ends();'`,
    );
    await tests.until(() => /^\d+\n/.test(tests.out));
    const [, pid] = /^(\d+)\n/.exec(tests.out)!;
    assert.ok(isAlive(pid!));
    Deno.kill(tests.pid, "SIGKILL");
    await isGone(pid!);
  });
});
