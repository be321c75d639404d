import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import type {
  SupervisorMessage,
  WorkerMessage,
} from "../../src/supervisor/messages.ts";
import { Supervisor } from "../../src/supervisor/supervisor.ts";

const parsed = parseConfig([], {});
assert.ok(parsed.kind === "config");
const { config } = parsed;

/** A supervisor whose worker, clock and process are the test's. */
class Trial {
  readonly sent: SupervisorMessage[] = [];
  readonly events: string[] = [];
  readonly exits: number[] = [];
  readonly timers: { call: () => void; delayMs: number }[] = [];
  readonly worker = {
    postMessage: (message: SupervisorMessage) => void this.sent.push(message),
    onmessage: null as ((event: MessageEvent<WorkerMessage>) => void) | null,
    onerror: null as ((event: ErrorEvent) => void) | null,
  };
  readonly log = jsonLogger((line) => {
    const { event, ...fields } = JSON.parse(line);
    delete fields.time;
    this.events.push(`${event} ${JSON.stringify(fields)}`);
  }, "info");
  printed = "";
  complained = "";
  nowMs = 1000;
  writeLog: (bytes: Uint8Array) => Promise<number> = (bytes) =>
    Promise.resolve(bytes.byteLength);
  readonly signs = new SharedArrayBuffer(4);
  readonly watched: number[] = [];
  unwatched = 0;
  readonly supervisor: Supervisor;

  constructor(settings = config) {
    this.supervisor = new Supervisor({
      config: settings,
      signs: this.signs,
      watch: (port) => {
        this.watched.push(port);
        return { close: () => void this.unwatched++ };
      },
      worker: this.worker,
      log: this.log,
      writeLog: (bytes) => this.writeLog(bytes),
      print: (text) => this.printed += text,
      complain: (text) => this.complained += text,
      exit: (code) => void this.exits.push(code),
      nowMs: () => this.nowMs,
      later: (call, delayMs) => void this.timers.push({ call, delayMs }),
    });
  }

  /** The worker says something. */
  says(data: WorkerMessage): void {
    this.worker.onmessage!(new MessageEvent("message", { data }));
  }

  serving(): this {
    this.says({ kind: "serving", port: 1, greeting: "hello\n" });
    return this;
  }
}

describe("Supervisor", () => {
  it("hands the settings to the worker and prints its greeting", () => {
    const trial = new Trial();
    assert.deepEqual(trial.sent, [
      { kind: "start", config, signs: trial.signs },
    ]);
    trial.serving();
    assert.equal(trial.printed, "hello\n");
    assert.deepEqual(trial.exits, []);
  });

  it("drains on SIGTERM and ends with the worker's exit code", () => {
    const trial = new Trial().serving();
    trial.supervisor.signal("SIGTERM");
    assert.deepEqual(trial.sent.at(-1), { kind: "stop", signal: "SIGTERM" });
    assert.deepEqual(trial.exits, []);
    trial.says({ kind: "exit", code: 0 });
    assert.deepEqual(trial.exits, [0]);
    // The timer of a stop that has ended does nothing.
    for (const { call } of trial.timers) call();
    assert.deepEqual(trial.exits, [0]);
  });

  it("ends with exit code 1 when the worker does not stop within 4.5 s", () => {
    const trial = new Trial().serving();
    trial.supervisor.signal("SIGTERM");
    assert.deepEqual(trial.timers.map(({ delayMs }) => delayMs), [4500]);
    trial.timers[0]!.call();
    assert.deepEqual(trial.exits, [1]);
    assert.equal(
      trial.events.at(-1),
      'stop-overdue {"level":"error","afterMs":4500}',
    );
  });

  it("passes SIGHUP on to the worker, which opens the usage log again", () => {
    const trial = new Trial().serving();
    trial.supervisor.reopen();
    assert.deepEqual(trial.sent.at(-1), { kind: "reopen" });
    assert.deepEqual(trial.exits, []);
    trial.says({ kind: "exit", code: 0 });
    trial.supervisor.reopen();
    assert.equal(trial.sent.filter(({ kind }) => kind === "reopen").length, 1);
  });

  it("a window over which clients are ended is added to that limit", () => {
    const trial = new Trial({ ...config, drainSpreadS: 60 }).serving();
    trial.supervisor.signal("SIGTERM");
    assert.deepEqual(trial.timers.map(({ delayMs }) => delayMs), [64_500]);
  });

  it("ends at once on a second signal", () => {
    const trial = new Trial().serving();
    trial.supervisor.signal("SIGINT");
    trial.nowMs += 501;
    trial.supervisor.signal("SIGINT");
    assert.deepEqual(trial.exits, [1]);
    assert.match(trial.events.at(-1)!, /^stop-cut-off/);
  });

  it("treats Ctrl-C that arrives twice, from the terminal and from `deno task`, as one signal", () => {
    const trial = new Trial().serving();
    trial.supervisor.signal("SIGINT");
    trial.nowMs += 499;
    trial.supervisor.signal("SIGINT");
    assert.deepEqual(trial.exits, []);
    assert.equal(trial.sent.filter(({ kind }) => kind === "stop").length, 1);
  });

  it("ends at once with exit code 0 on a signal during the start", () => {
    const trial = new Trial();
    trial.supervisor.signal("SIGTERM");
    assert.deepEqual(trial.exits, [0]);
    trial.serving();
    trial.supervisor.signal("SIGTERM");
    assert.deepEqual(trial.exits, [0]);
  });

  it("a launcher that ends stops the worker, and does not cut off a stop that is under way", () => {
    const trial = new Trial().serving();
    trial.supervisor.parentGone();
    assert.deepEqual(trial.sent.at(-1), { kind: "stop", signal: "SIGTERM" });
    trial.nowMs += 1000;
    trial.supervisor.parentGone();
    assert.deepEqual(trial.exits, []);
  });

  it("watches the worker from when it serves until its listener closes, also while clients are ended", () => {
    const trial = new Trial();
    assert.deepEqual(trial.watched, []);
    trial.serving();
    assert.deepEqual(trial.watched, [1]);
    assert.equal(trial.unwatched, 0);
    trial.supervisor.signal("SIGTERM");
    assert.equal(trial.unwatched, 0);
    trial.says({ kind: "closing" });
    assert.ok(trial.unwatched > 0);
  });

  it("ends with exit code 70 and one line when the watchdog reports a part", () => {
    const trial = new Trial().serving();
    const beganMs = Date.now();
    trial.supervisor.gone({
      thread: "",
      part: "event-loop",
      missedProbes: 12,
      lastSeenMs: trial.nowMs - 12_000,
      error: "",
    });
    assert.deepEqual(trial.exits, [70]);
    const [, event, fields] = trial.events.at(-1)!.match(/^(\S+) (.*)$/)!;
    const { lastSeen, ...rest } = JSON.parse(fields!);
    assert.equal(event, "watchdog-ends-process");
    assert.deepEqual(rest, {
      level: "error",
      gone: "event-loop",
      missedProbes: 12,
      exitCode: 70,
    });
    const agoMs = beganMs - Date.parse(lastSeen);
    assert.ok(agoMs <= 12_000 && agoMs > 11_000, `${agoMs} ms`);
    assert.ok(trial.unwatched > 0);
  });

  it("logs a worker that dies as crashed, and ends with exit code 1", () => {
    const trial = new Trial().serving();
    const event = new ErrorEvent("error", {
      message: "Uncaught Error: boom",
      cancelable: true,
    });
    trial.worker.onerror!(event);
    assert.ok(event.defaultPrevented);
    assert.deepEqual(trial.exits, [1]);
    assert.equal(
      trial.events.at(-1),
      'crashed {"level":"error","error":"Uncaught Error: boom"}',
    );
  });

  it("writes the reason of a worker that cannot start to standard error, and ends with its code", () => {
    const trial = new Trial();
    trial.says({ kind: "exit", code: 2, complaint: "Cannot set up Kafka\n" });
    assert.equal(trial.complained, "Cannot set up Kafka\n");
    assert.deepEqual(trial.exits, [2]);
  });

  it("answers each log message once it is written, or has failed", async () => {
    const trial = new Trial().serving();
    const bytes = new TextEncoder().encode("{}\n");
    trial.says({ kind: "log", bytes });
    await Promise.resolve();
    assert.deepEqual(trial.sent.at(-1), { kind: "logged", bytes: 3 });
    trial.writeLog = () => Promise.reject(new Error("EPIPE"));
    trial.says({ kind: "log", bytes });
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(trial.sent.at(-1), { kind: "logged", bytes: null });
  });
});
