// A real process whose event loop hangs, whose listener dies, or which is stopped.
// Invariant: whatever the worker does, the process ends by itself or by SIGTERM, and a healthy one continues.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { freePort, metric, Process, sleep, startArgs } from "./chain.ts";

const PROBES_MAX = 4;
/** A few times what these probes take, on a machine that is busy with other tests. */
const GONE_MAX_MS = 25_000;
/** Longer than all probes together, a second each. */
const STOPPED_MS = 1000 * (PROBES_MAX + 2);
/** Twice the promise of five seconds, on a machine that is busy with other tests. */
const STOP_MAX_MS = 10_000;

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** One process, and the way to break its worker. */
class Trial {
  readonly qanat: Process;
  readonly url: string;
  readonly #controlPort = freePort();

  constructor(args: readonly string[]) {
    const port = freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.qanat = new Process("qanat", Deno.execPath(), [
      ...startArgs().slice(0, -1),
      "test/integration/hanging_main.ts",
      String(this.#controlPort),
      `--port=${port}`,
      ...args,
    ]);
  }

  static async start(probesMax = PROBES_MAX): Promise<Trial> {
    const trial = new Trial([`--watchdog-probes-max=${probesMax}`]);
    trials.push(trial);
    await trial.qanat.answers(`${trial.url}/readyz`);
    return trial;
  }

  async break(how: string): Promise<void> {
    const connection = await Deno.connect({ port: this.#controlPort });
    await connection.write(new TextEncoder().encode(how));
    // The worker has read it.
    await connection.read(new Uint8Array(1)).catch(() => {});
    connection.close();
  }

  /** Its exit code, once it has ended by itself. */
  async ends(): Promise<number> {
    const timer = setTimeout(() => this.qanat.kill9(), GONE_MAX_MS);
    const code = await this.qanat.ends();
    clearTimeout(timer);
    return code;
  }

  /** The lines of its log about this event. */
  lines(event: string): Line[] {
    return this.qanat.log.split("\n").filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line.event === event);
  }

  async missed(part: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const name = `qanat_watchdog_missed_probes_total{part="${part}"}`;
    const line = text.split("\n").find((line) => line.startsWith(name));
    return Number(line!.slice(name.length));
  }
}

const trials: Trial[] = [];

describe("the watchdog", () => {
  afterEach(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
  });

  it("ends a process whose event loop hangs, exit 70, and the log says since when", async () => {
    const trial = await Trial.start();
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
      const trial = await Trial.start();
      await reached(trial);
      await trial.break(how);
      assert.equal(await trial.ends(), 70, trial.qanat.log);
      const [line] = trial.lines("watchdog-ends-process");
      assert.equal(line!.gone, "listener");
    });
  }

  it("lets a process live that was stopped for longer than all probes take", async () => {
    const trial = await Trial.start();
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
    const trial = await Trial.start();
    await trial.break("pause");
    while (await trial.missed("event-loop") === 0) await sleep(100);
    await reached(trial);
    assert.equal(await trial.missed("listener"), 0);
    assert.equal((await trial.qanat.stop()).code, 0);
  });

  it("SIGTERM ends a process that hangs, exit 1", async () => {
    const trial = await Trial.start(0);
    await trial.break("hang");
    const { code, tookMs } = await trial.qanat.stop(20_000);
    assert.equal(code, 1);
    assert.ok(tookMs < STOP_MAX_MS, `${tookMs} ms`);
    assert.equal(trial.lines("stopping").length, 1);
    assert.equal(trial.lines("stop-overdue").length, 1);
  });

  it("a second SIGTERM ends a process that hangs at once", async () => {
    const trial = await Trial.start(0);
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
      const trial = await Trial.start();
      await trial.break(how);
      assert.equal(await trial.ends(), 1);
      const [line, ...others] = trial.lines("crashed");
      assert.deepEqual(others, []);
      assert.match(line!.error as string, /by the test[^]*hanging_worker/);
    });
  }
});

/** The watchdog has reached the listener; it judges none that it never reached. */
async function reached(trial: Trial): Promise<void> {
  const uptimeS = await metric(trial.url, "qanat_uptime_seconds");
  while (await metric(trial.url, "qanat_uptime_seconds") < uptimeS + 2.5) {
    await sleep(100);
  }
}
