// A real process whose event loop hangs, whose listener dies, or which is stopped.
// Invariant: whatever the worker does, the process ends by itself or by SIGTERM, and a healthy one continues.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Breakable } from "./breakable.ts";
import { metric, sleep } from "./chain.ts";

const PROBES_MAX = 4;
/** Longer than all probes together, a second each. */
const STOPPED_MS = 1000 * (PROBES_MAX + 2);
/** Twice the promise of five seconds, on a machine that is busy with other tests. */
const STOP_MAX_MS = 10_000;

async function start(probesMax = PROBES_MAX): Promise<Breakable> {
  const trial = new Breakable({ args: [`--watchdog-probes-max=${probesMax}`] });
  trials.push(trial);
  await trial.qanat.answers(`${trial.url}/readyz`);
  return trial;
}

const trials: Breakable[] = [];

describe("the watchdog", () => {
  afterEach(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
  });

  it("ends a process whose event loop hangs, exit 70, and the log says since when", async () => {
    const trial = await start();
    const beganMs = Date.now();
    await trial.break("hang");
    assert.equal(await trial.ends(), 70, trial.qanat.log);
    const [line, ...others] = trial.lines("watchdog-ends-process");
    assert.deepEqual(others, []);
    assert.equal(line!.gone, "event-loop");
    assert.equal(line!.missedProbes, PROBES_MAX);
    assert.equal(line!.level, "error");
    const seenMs = Date.parse(line!.lastSeen as string);
    assert.ok(seenMs >= beganMs - 5000 && seenMs <= beganMs + 5000);
  });

  for (const how of ["stop-accepting", "close-listener"]) {
    it(`ends a process whose listener has ended (${how}), exit 70`, async () => {
      const trial = await start();
      await reached(trial);
      await trial.break(how);
      assert.equal(await trial.ends(), 70, trial.qanat.log);
      const [line] = trial.lines("watchdog-ends-process");
      assert.equal(line!.gone, "listener");
    });
  }

  it("lets a process live that was stopped for longer than all probes take", async () => {
    const trial = await start();
    await reached(trial);
    Deno.kill(trial.qanat.pid, "SIGSTOP");
    await sleep(STOPPED_MS);
    Deno.kill(trial.qanat.pid, "SIGCONT");
    // It continues, and is still monitored.
    await reached(trial);
    assert.deepEqual(trial.lines("watchdog-ends-process"), []);
    assert.equal(await trial.missed("event-loop"), 0);
    assert.equal((await trial.qanat.stop()).code, 0);
  });

  it("lets a process live that pauses for less than all probes take, and counts what it missed", async () => {
    const trial = await start();
    await trial.break("pause");
    while (await trial.missed("event-loop") === 0) await sleep(100);
    await reached(trial);
    assert.equal(await trial.missed("listener"), 0);
    assert.equal((await trial.qanat.stop()).code, 0);
  });

  it("SIGTERM ends a process that hangs, exit 1", async () => {
    const trial = await start(0);
    await trial.break("hang");
    const { code, tookMs } = await trial.qanat.stop(20_000);
    assert.equal(code, 1);
    assert.ok(tookMs < STOP_MAX_MS, `${tookMs} ms`);
    assert.equal(trial.lines("stopping").length, 1);
    assert.equal(trial.lines("stop-overdue").length, 1);
  });

  it("a second SIGTERM ends a process that hangs at once", async () => {
    const trial = await start(0);
    await trial.break("hang");
    Deno.kill(trial.qanat.pid, "SIGTERM");
    // Two signals within half a second are one.
    await sleep(600);
    Deno.kill(trial.qanat.pid, "SIGTERM");
    assert.equal(await trial.ends(), 1);
    assert.equal(trial.lines("stop-cut-off").length, 1);
    assert.deepEqual(trial.lines("stop-overdue"), []);
  });

  for (const how of ["throw", "reject"]) {
    it(`a worker that ${how}s ends the process, exit 1, with the error in the log`, async () => {
      const trial = await start();
      await trial.break(how);
      assert.equal(await trial.ends(), 1);
      const [line, ...others] = trial.lines("crashed");
      assert.deepEqual(others, []);
      assert.match(line!.error as string, /by the test[^]*control_port/);
    });
  }
});

/** The watchdog has reached the listener; it judges none that it never reached. */
async function reached(trial: Breakable): Promise<void> {
  const uptimeS = await metric(trial.url, "qanat_uptime_seconds");
  while (await metric(trial.url, "qanat_uptime_seconds") < uptimeS + 2.5) {
    await sleep(100);
  }
}
