// Several threads as one worker, with threads, a clock and timers that are the test's.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseConfig } from "../../src/config.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";
import type {
  IngestMessage,
  SupervisorMessage,
  WorkerMessage,
} from "../../src/supervisor/messages.ts";
import { TableSharePools } from "../../src/shares/table_share_pools.ts";
import { WorkerGroup } from "../../src/supervisor/worker_group.ts";

const parsed = parseConfig([
  "--port=0",
  "--kafka=k:1",
  "--kafka-sasl=plain",
  "--kafka-user=it-is-me",
  "--kafka-password=secret",
  "--kafka-ca=/tls/ca.pem",
], {});
assert.ok(parsed.kind === "config");
const { config } = parsed;

/** The thread that reads does so. */
const READS = {
  kind: "serving",
  port: 0,
  greeting: "",
  limits: { connectionsMax: 220, clientsMax: 100, backlog: 64 },
} as const;

/** A thread that says what the test lets it say. */
class Thread<Message extends { kind: string }> {
  readonly got: Message[] = [];
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;

  postMessage(message: Message): void {
    this.got.push(message);
  }

  says(data: WorkerMessage): void {
    this.onmessage!(new MessageEvent("message", { data }));
  }

  throws(message: string): ErrorEvent {
    const event = new ErrorEvent("error", { message, cancelable: true });
    this.onerror!(event);
    return event;
  }

  /** Messages of this kind. */
  of<Kind extends Message["kind"]>(kind: Kind) {
    return this.got.filter((message) => message.kind === kind) as Extract<
      Message,
      { kind: Kind }
    >[];
  }
}

class Trial {
  readonly ingest = new Thread<IngestMessage>();
  /** In the order of their starts. */
  readonly workers: (Thread<SupervisorMessage> & { number: number })[] = [];
  readonly lines: Record<string, unknown>[] = [];
  readonly sent: WorkerMessage[] = [];
  readonly errors: string[] = [];
  readonly timers: { call: () => void; delayMs: number }[] = [];
  readonly signs = new SharedArrayBuffer(16);
  readonly group: WorkerGroup;
  nowMs = 0;

  constructor(count = 2) {
    this.group = new WorkerGroup({
      count,
      startWorker: (number) => {
        const thread = new Thread<SupervisorMessage>();
        this.workers.push(Object.assign(thread, { number }));
        return thread;
      },
      startIngest: () => this.ingest,
      log: jsonLogger((line) => this.lines.push(JSON.parse(line)), "info"),
      nowMs: () => this.nowMs,
      later: (call, delayMs) => void this.timers.push({ call, delayMs }),
    });
    this.group.onmessage = ({ data }) => this.sent.push(data);
    this.group.onerror = ({ message }) => this.errors.push(message);
    this.group.postMessage({ kind: "start", config, signs: this.signs });
  }

  /** One in which all serve. */
  static serving(count = 2): Trial {
    const trial = new Trial(count);
    trial.ingest.says(READS);
    for (let i = 0; i < count; i++) trial.serves(i);
    return trial;
  }

  serves(index: number, port = 4711): void {
    const greeting = `hello from ${index}\n`;
    this.workers[index]!.says({ kind: "serving", port, greeting });
  }

  get names(): string[] {
    return this.group.threads.map(({ name }) => name);
  }

  events(): string[] {
    return this.lines.map(({ event, worker }) => `${event} ${worker}`);
  }
}

/** What each worker got, in the order of their starts. */
function startsOf(trial: Trial) {
  const starts = trial.workers.map((worker) => worker.of("start")[0]!);
  return {
    configs: starts.map(({ config }) => config),
    columns: starts.map(({ shares }) => shares!.column),
  };
}

describe("WorkerGroup", () => {
  it("starts the reading thread, then one worker, and the others on the port that this one got", () => {
    const trial = new Trial(3);
    assert.deepEqual(trial.ingest.got.map(({ kind }) => kind), ["start"]);
    assert.equal(trial.workers.length, 0);
    trial.ingest.says(READS);
    assert.equal(trial.workers.length, 1);
    trial.serves(0);
    assert.equal(trial.workers.length, 3);
    assert.deepEqual(trial.sent, []);
    trial.serves(1);
    trial.serves(2);
    assert.deepEqual(trial.sent, [
      { kind: "serving", port: 4711, greeting: "hello from 0\n" },
    ]);
    const starts = trial.workers.map((worker) => worker.of("start")[0]!);
    assert.deepEqual(
      starts.map(({ worker, isFirst, config }) => [
        worker,
        isFirst,
        config.port,
      ]),
      [[0, true, 0], [1, false, 4711], [2, false, 4711]],
    );
    assert.equal(new Set(starts.map(({ signs }) => signs)).size, 3);
  });

  it("says to those that have started together when all serve, and starts a successor as ready", () => {
    const trial = new Trial(3);
    trial.ingest.says(READS);
    const toldOf = () =>
      trial.workers.map((worker) => worker.of("all-serve").length);
    for (const i of [0, 1]) trial.serves(i);
    assert.deepEqual(toldOf(), [0, 0, 0]);
    trial.serves(2);
    assert.deepEqual(toldOf(), [1, 1, 1]);
    trial.workers[1]!.throws("boom");
    trial.timers[0]!.call();
    trial.serves(3);
    assert.deepEqual(toldOf(), [1, 1, 1, 0]);
    assert.deepEqual(
      trial.workers.map((worker) => worker.of("start")[0]!.isReadyWithAll),
      [true, true, true, false],
    );
  });

  it("gives workers the limits that fit, and frees what one held when it ends", () => {
    const trial = Trial.serving();
    const { columns, configs } = startsOf(trial);
    for (const { connectionsMax, clientsMax } of configs) {
      assert.deepEqual([connectionsMax, clientsMax], [220, 100]);
    }
    const options = { capacity: 10, sharePercent: 100 };
    const [first, second] = columns.map((column) =>
      new TableSharePools(column).pool("clients", options)
    );
    assert.equal(first!.take("10.0.0.1", 4), null);
    assert.equal(second!.take("10.0.0.1", 3), null);
    assert.equal(first!.used, 7);
    trial.workers[0]!.throws("a bug");
    assert.equal(second!.used, 3);
    const successor = new TableSharePools(startsOf(trial).columns.at(-1)!);
    assert.equal(successor.pool("clients", options).take("10.0.0.1"), null);
    assert.equal(second!.used, 4);
  });

  it("gives what signs in at Kafka to the reading thread alone", () => {
    const trial = Trial.serving();
    assert.deepEqual(trial.ingest.of("start")[0]!.config, config);
    for (const worker of trial.workers) {
      const text = JSON.stringify(worker.of("start")[0]!.config);
      assert.doesNotMatch(text, /secret|ca\.pem|it-is-me/);
      assert.match(text, /k:1/);
    }
  });

  it("a worker that cannot start ends the process with its complaint", () => {
    const trial = new Trial();
    trial.ingest.says(READS);
    const exit = { kind: "exit", code: 1, complaint: "Cannot listen" } as const;
    trial.workers[0]!.says(exit);
    assert.deepEqual(trial.sent, [exit]);
    assert.equal(trial.workers.length, 1);
  });

  it("a reading thread that fails ends the process", () => {
    const trial = Trial.serving();
    trial.ingest.throws("boom");
    assert.deepEqual(trial.errors, ["boom"]);
    const exit = { kind: "exit", code: 2, complaint: "Kafka" } as const;
    trial.ingest.says(exit);
    assert.deepEqual(trial.sent.at(-1), exit);
  });

  it("replaces a worker that throws, at once", () => {
    const trial = Trial.serving();
    const event = trial.workers[1]!.throws("boom");
    assert.ok(event.defaultPrevented);
    assert.deepEqual(trial.events(), ["worker-replaced 1"]);
    assert.equal(trial.lines[0]!.error, "boom");
    assert.deepEqual(
      trial.ingest.got.slice(-1).map(({ kind }) => kind),
      ["ended"],
    );
    assert.equal(trial.timers[0]!.delayMs, 0);
    trial.timers[0]!.call();
    const successor = trial.workers[2]!;
    assert.equal(successor.number, 1);
    const [start] = successor.of("start");
    assert.equal(start!.worker, 1);
    assert.equal(start!.isFirst, false);
    assert.equal(start!.config.port, 4711);
    assert.deepEqual(trial.ingest.of("serve").map(({ worker }) => worker), [
      0,
      1,
      1,
    ]);
    // The greeting is printed once.
    trial.serves(2);
    assert.equal(trial.sent.length, 1);
  });

  it("also replaces one that ends by itself, and takes nothing from a thread that has ended", () => {
    const trial = Trial.serving();
    trial.workers[0]!.says({ kind: "exit", code: 1 });
    trial.workers[0]!.throws("late");
    trial.workers[0]!.says({ kind: "exit", code: 1 });
    assert.deepEqual(trial.events(), ["worker-replaced 0"]);
    assert.equal(trial.timers.length, 1);
  });

  it("waits longer from failure to failure, up to 5 s, and not at all after a minute without one", () => {
    const trial = Trial.serving();
    for (let i = 0; i < 7; i++) {
      trial.nowMs += 10_000;
      trial.workers.at(-1)!.throws("boom");
      trial.timers.at(-1)!.call();
      trial.serves(trial.workers.length - 1);
    }
    trial.nowMs += 60_001;
    trial.workers.at(-1)!.throws("boom");
    assert.deepEqual(
      trial.timers.map(({ delayMs }) => delayMs),
      [0, 500, 1000, 2000, 4000, 5000, 5000, 0],
    );
  });

  it("one that fails before it serves is tried again while another one serves", () => {
    const trial = Trial.serving();
    trial.workers[1]!.throws("boom");
    for (let i = 0; i < 9; i++) {
      trial.timers.at(-1)!.call();
      trial.workers.at(-1)!.throws("No package");
    }
    assert.equal(trial.sent.length, 1);
    assert.equal(trial.timers.at(-1)!.delayMs, 5000);
    assert.deepEqual(trial.events(), Array(10).fill("worker-replaced 1"));
    trial.timers.at(-1)!.call();
    trial.serves(trial.workers.length - 1);
    assert.equal(trial.group.threads.length, 3);
    // Now there is no other one, and it has failed too often.
    trial.workers[0]!.throws("boom");
    trial.workers.at(-1)!.throws("boom");
    assert.equal(trial.sent.length, 1);
  });

  it("one that fails three times before it serves, while none serves, ends the process with its complaint", () => {
    const trial = Trial.serving();
    trial.workers[0]!.throws("boom");
    trial.workers[1]!.throws("boom");
    const exit = { kind: "exit", code: 2, complaint: "No file" } as const;
    for (let i = 0; i < 3; i++) {
      assert.equal(trial.sent.length, 1);
      trial.timers.at(-1)!.call();
      trial.workers.at(-1)!.says(exit);
    }
    assert.deepEqual(trial.sent.slice(1), [exit]);
    assert.equal(trial.timers.length, 4);
    assert.equal(trial.lines.at(-1)!.event, "worker-failed");
  });

  it("has one thread for each worker and the reading one to watch, each with its signs", () => {
    const trial = new Trial();
    assert.deepEqual(trial.names, ["reading"]);
    trial.ingest.says(READS);
    trial.serves(0);
    assert.deepEqual(trial.names, ["reading", "worker 0", "worker 1"]);
    assert.deepEqual(
      trial.group.threads.map(({ isListening }) => isListening),
      [false, true, false],
    );
    trial.serves(1);
    const [reading, ...serving] = trial.group.threads;
    assert.equal(reading!.signs.buffer, trial.ingest.of("start")[0]!.signs);
    serving.forEach(({ signs, isListening }, i) => {
      assert.equal(signs.buffer, trial.workers[i]!.of("start")[0]!.signs);
      assert.ok(isListening);
    });
    trial.workers[0]!.throws("boom");
    assert.deepEqual(trial.names, ["reading", "worker 1"]);
    trial.timers[0]!.call();
    assert.deepEqual(trial.names, ["reading", "worker 0", "worker 1"]);
    assert.notEqual(trial.group.threads[1], serving[0]);
  });

  it("stops all workers at once, then the reading thread, with the worst exit code", () => {
    const trial = Trial.serving(3);
    trial.group.postMessage({ kind: "stop", signal: "SIGTERM" });
    for (const worker of trial.workers) {
      assert.equal(worker.of("stop").length, 1);
    }
    assert.equal(trial.ingest.of("stop").length, 0);
    trial.workers.forEach((worker) => worker.says({ kind: "closing" }));
    assert.deepEqual(trial.sent.slice(1), [{ kind: "closing" }]);
    trial.workers[0]!.says({ kind: "exit", code: 0 });
    trial.workers[1]!.says({ kind: "exit", code: 1 });
    assert.equal(trial.ingest.of("stop").length, 0);
    trial.workers[2]!.says({ kind: "exit", code: 0 });
    assert.equal(trial.ingest.of("stop").length, 1);
    trial.ingest.says({ kind: "exit", code: 0 });
    assert.deepEqual(trial.sent.at(-1), { kind: "exit", code: 1 });
    assert.deepEqual(trial.timers, []);
  });

  it("neither a worker that fails during a stop nor one that starts delays the end", () => {
    const trial = Trial.serving(3);
    trial.workers[0]!.throws("boom");
    trial.timers[0]!.call();
    trial.workers[1]!.throws("boom");
    trial.group.postMessage({ kind: "stop", signal: "SIGTERM" });
    assert.equal(trial.ingest.of("stop").length, 0);
    // It was to start now.
    trial.timers[1]!.call();
    assert.equal(trial.workers.length, 4);
    trial.workers[2]!.throws("boom");
    assert.equal(trial.ingest.of("stop").length, 1);
    trial.ingest.says({ kind: "exit", code: 0 });
    assert.deepEqual(trial.sent.at(-1), { kind: "exit", code: 1 });
  });

  it("SIGHUP reaches the thread that writes the usage log", () => {
    const trial = Trial.serving();
    trial.group.postMessage({ kind: "reopen" });
    assert.deepEqual(trial.ingest.got.at(-1), { kind: "reopen" });
  });

  it("answers each thread about its own lines, in the order of the lines", () => {
    const trial = Trial.serving();
    const line = (text: string) =>
      ({ kind: "log", bytes: new TextEncoder().encode(text) }) as const;
    trial.workers[1]!.says(line("a"));
    trial.ingest.says(line("bb"));
    trial.workers[0]!.says(line("ccc"));
    assert.equal(trial.sent.length, 4);
    for (const bytes of [1, 2, null]) {
      trial.group.postMessage({ kind: "logged", bytes });
    }
    assert.deepEqual(trial.workers[1]!.of("logged"), [
      { kind: "logged", bytes: 1 },
    ]);
    assert.deepEqual(trial.ingest.of("logged"), [
      { kind: "logged", bytes: 2 },
    ]);
    assert.deepEqual(trial.workers[0]!.of("logged"), [
      { kind: "logged", bytes: null },
    ]);
  });
});
