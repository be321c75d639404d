// The watchdog with a clock, a worker and probes that the test controls.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  CHECK_MS,
  type Verdict,
  Watchdog,
} from "../../src/supervisor/watchdog.ts";
import { HeldProbe } from "./held_probe.ts";

const MAX = 12;

interface Second {
  /** How long after the last check this one comes. @default CHECK_MS */
  readonly afterMs?: number;
  /** The worker's event loop goes round. @default true */
  readonly ticks?: boolean;
  /** It goes round so often. @default 10 */
  readonly ticksCount?: number;
  /** The listener answers the probe. @default true */
  readonly answers?: boolean;
  /** Why the probe fails. */
  readonly error?: string;
  /** Others connect. @default false */
  readonly accepts?: boolean;
}

class Trial {
  readonly signs = { ticks: 0, connections: 0 };
  readonly probes: HeldProbe[] = [];
  readonly missed: string[] = [];
  readonly gone: Verdict[] = [];
  nowMs = 5000;
  readonly watchdog: Watchdog;

  constructor(probesMax = MAX) {
    const thread = {
      name: "",
      signs: this.signs,
      isListening: true,
      isStarting: false,
    };
    this.watchdog = new Watchdog({
      threads: () => [thread],
      probe: () => {
        const probe = new HeldProbe();
        this.probes.push(probe);
        return probe;
      },
      probesMax,
      nowMs: () => this.nowMs,
      onMissed: (part) => this.missed.push(part),
      onGone: (verdict) => this.gone.push(verdict),
    });
  }

  /** Time passes, and the watchdog looks. */
  second(second: Second = {}): this {
    const { afterMs = CHECK_MS, ticks = true, answers = true } = second;
    const probe = this.probes.at(-1)!;
    if (ticks) this.signs.ticks += second.ticksCount ?? 10;
    if (ticks && second.accepts) this.signs.connections += 3;
    if (second.error !== undefined) {
      Object.assign(probe, { state: "failed", error: second.error });
    } else if (ticks && answers) {
      probe.state = "answered";
      this.signs.connections++;
    }
    this.nowMs += afterMs;
    this.watchdog.check();
    return this;
  }

  seconds(count: number, second: Second = {}): this {
    for (let i = 0; i < count; i++) this.second(second);
    return this;
  }
}

const hung: Second = { ticks: false };
const deaf: Second = { answers: false };

describe("Watchdog", () => {
  it("reports an event loop that hangs once, after as many missed probes as are allowed", () => {
    const trial = new Trial().second();
    const seenMs = trial.nowMs;
    trial.seconds(MAX - 1, hung);
    assert.equal(trial.gone.length, 0);
    trial.second(hung);
    assert.deepEqual(trial.gone, [{
      thread: "",
      part: "event-loop",
      missedProbes: MAX,
      lastSeenMs: seenMs,
      error: "",
    }]);
    trial.seconds(MAX, hung);
    assert.equal(trial.gone.length, 1);
    assert.deepEqual(new Set(trial.missed), new Set(["event-loop"]));
  });

  it("reports a listener that accepts no connection although the event loop runs", () => {
    const trial = new Trial().second();
    const seenMs = trial.nowMs;
    trial.seconds(MAX - 1, deaf);
    assert.equal(trial.gone.length, 0);
    trial.second({ ...deaf, error: "Connection refused" });
    assert.deepEqual(trial.gone, [{
      thread: "",
      part: "listener",
      missedProbes: MAX,
      lastSeenMs: seenMs,
      error: "Connection refused",
    }]);
  });

  it("counts from zero again after one sign of life", () => {
    const trial = new Trial().second();
    for (let i = 0; i < 5; i++) {
      trial.seconds(MAX - 1, hung).second();
      trial.seconds(MAX - 1, deaf).second();
    }
    assert.equal(trial.gone.length, 0);
  });

  it("does not report a process that was stopped for 50 s several times", () => {
    const trial = new Trial().second();
    for (let i = 0; i < 3 * MAX; i++) {
      // What ran before the stop, the stop, and a worker that has not run again yet.
      trial.second({ ...hung, afterMs: 50_000 }).second();
    }
    assert.deepEqual(trial.missed, []);
    assert.equal(trial.gone.length, 0);
  });

  it("counts no probe while the watchdog itself runs late", () => {
    const trial = new Trial().second();
    trial.seconds(10 * MAX, { ticks: false, afterMs: 1501 });
    trial.seconds(10 * MAX, { answers: false, afterMs: 1501 });
    assert.deepEqual(trial.missed, []);
    assert.equal(trial.gone.length, 0);
  });

  it("reports a loop that hangs although some checks are late", () => {
    const trial = new Trial().second();
    for (let i = 0; i < MAX; i++) {
      trial.second({ ...hung, afterMs: 3000 }).second(hung);
    }
    assert.equal(trial.gone.length, 1);
    assert.equal(trial.gone[0]!.missedProbes, MAX);
  });

  it("counts and forgives a long pause of the event loop, such as a garbage collection", () => {
    const trial = new Trial().second();
    trial.seconds(8, hung).seconds(20);
    assert.deepEqual(trial.missed, Array(8).fill("event-loop"));
    assert.equal(trial.gone.length, 0);
  });

  it("does not blame the listener while the event loop hangs", () => {
    const trial = new Trial().second();
    trial.seconds(MAX - 1, hung).seconds(MAX - 1, deaf).second(hung);
    assert.equal(trial.gone.length, 0);
  });

  it("does not blame the listener of an overloaded loop, which accepts late (TLS without CPU time)", () => {
    const trial = new Trial().second();
    for (let i = 0; i < 5 * MAX; i++) {
      trial.second({ answers: false, ticksCount: 5 });
    }
    assert.deepEqual(trial.missed, []);
    for (let i = 0; i < MAX; i++) trial.second({ answers: false });
    assert.equal(trial.gone[0]?.part, "listener");
  });

  it("takes other accepted connections as a sign of life when its probe waits behind thousands", () => {
    const trial = new Trial().second();
    trial.seconds(10 * MAX, { answers: false, accepts: true });
    assert.deepEqual(trial.missed, []);
  });

  it("counts a probe without a free descriptor like any other failure", () => {
    const full: Second = { error: "Too many open files (os error 24)" };
    const trial = new Trial().second();
    trial.seconds(MAX - 1, full).second().seconds(MAX - 1, full);
    // Where clients are still accepted there are descriptors.
    trial.second({ ...full, accepts: true }).seconds(MAX - 1, full);
    assert.equal(trial.gone.length, 0);
    trial.second(full);
    assert.equal(trial.gone[0]!.part, "listener");
    assert.match(trial.gone[0]!.error, /Too many open files/);
  });

  it("does not judge a listener that it never reached (a firewall)", () => {
    const trial = new Trial().seconds(10 * MAX, { error: "Timed out" });
    assert.equal(trial.gone.length, 0);
    // Its loop is.
    trial.seconds(MAX, hung);
    assert.equal(trial.gone[0]!.part, "event-loop");
  });

  it("has one open probe at a time, and none after close()", () => {
    const trial = new Trial().seconds(5).seconds(3, deaf);
    assert.equal(trial.probes.length, 9);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 1);
    trial.watchdog.close();
    trial.seconds(3 * MAX, hung);
    assert.equal(trial.probes.length, 9);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 0);
    assert.equal(trial.gone.length, 0);
  });

  it("has no open probe once it has reported a part", () => {
    const trial = new Trial().second().seconds(MAX, hung);
    assert.equal(trial.gone.length, 1);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 0);
  });
});

describe("Watchdog of several threads", () => {
  class Thread {
    readonly signs = { ticks: 0, connections: 0 };
    isListening: boolean;

    isStarting = false;

    constructor(readonly name: string, isListening = true) {
      this.isListening = isListening;
    }
  }

  class Trial {
    readonly reading = new Thread("reading", false);
    readonly workers = [new Thread("worker 0"), new Thread("worker 1")];
    threads = [this.reading, ...this.workers];
    readonly probes: HeldProbe[] = [];
    readonly gone: Verdict[] = [];
    readonly missed: string[] = [];
    nowMs = 0;
    readonly watchdog = new Watchdog<Thread>({
      threads: () => this.threads,
      probe: () => {
        const probe = new HeldProbe();
        this.probes.push(probe);
        return probe;
      },
      probesMax: MAX,
      nowMs: () => this.nowMs,
      onMissed: (part, { name }) => void this.missed.push(`${name} ${part}`),
      onGone: (verdict) => this.gone.push(verdict),
    });

    get open() {
      return this.probes.filter(({ isOpen }) => isOpen);
    }

    /** Time passes: all threads but those named run, and all listeners but those named accept. */
    second(hung: readonly Thread[] = [], deaf: readonly Thread[] = []): void {
      for (const thread of this.threads) {
        if (hung.includes(thread)) continue;
        thread.signs.ticks += 10;
        if (!thread.isListening || deaf.includes(thread)) continue;
        thread.signs.connections++;
        for (const probe of this.open) probe.state = "answered";
      }
      this.nowMs += CHECK_MS;
      this.watchdog.check();
    }
  }

  for (const index of [0, 1, 2]) {
    it(`names the thread whose event loop hangs (${index})`, () => {
      const trial = new Trial();
      trial.second();
      const thread = trial.threads[index]!;
      for (let i = 0; i < MAX; i++) {
        assert.equal(trial.gone.length, 0);
        trial.second([thread]);
      }
      assert.equal(trial.gone.length, 1);
      const { part, thread: name } = trial.gone[0]!;
      assert.deepEqual([part, name], ["event-loop", thread.name]);
    });
  }

  it("names the thread whose listener is deaf, although another one answers the probes", () => {
    const trial = new Trial();
    trial.second();
    const [, deaf] = trial.workers;
    for (let i = 0; i < MAX; i++) {
      assert.equal(trial.gone.length, 0);
      trial.second([], [deaf!]);
    }
    const [{ part, thread }] = trial.gone as [Verdict];
    assert.deepEqual([part, thread], ["listener", "worker 1"]);
    assert.deepEqual(new Set(trial.missed), new Set(["worker 1 listener"]));
  });

  it("sends four probes for each listener, since the kernel chooses who gets one", () => {
    const trial = new Trial();
    assert.equal(trial.open.length, 8);
    trial.second();
    assert.equal(trial.open.length, 8);
    trial.workers[0]!.isListening = false;
    trial.second();
    assert.equal(trial.open.length, 1);
    trial.watchdog.close();
    assert.equal(trial.open.length, 0);
  });

  it("does not blame a thread for what its predecessor missed, nor for the time before its start", () => {
    const trial = new Trial();
    const old = trial.workers[1]!;
    for (let i = 0; i < MAX - 1; i++) trial.second([old]);
    const successor = new Thread("worker 1", false);
    trial.threads = [trial.reading, trial.workers[0]!, successor];
    for (let i = 0; i < MAX; i++) trial.second([successor]);
    assert.equal(trial.gone.length, 0);
    trial.second([successor]);
    assert.equal(trial.gone.length, 1);
  });

  it("waits ten times as long for the first sign of a thread that starts", () => {
    const trial = new Trial();
    const successor = new Thread("worker 1", false);
    successor.isStarting = true;
    trial.threads = [trial.reading, trial.workers[0]!, successor];
    for (let i = 0; i < 10 * MAX; i++) trial.second([successor]);
    assert.equal(trial.gone.length, 0);
    trial.second([successor]);
    assert.deepEqual(trial.gone.map(({ thread }) => thread), ["worker 1"]);
  });

  it("does not judge the listener of a thread that starts or stops", () => {
    const trial = new Trial();
    const [, closing] = trial.workers;
    trial.second();
    closing!.isListening = false;
    for (let i = 0; i < 2 * MAX; i++) trial.second([], [closing!]);
    assert.deepEqual(trial.missed, []);
  });

  it("judges no listener of a port that never answered, although clients of another address reach it", () => {
    const trial = new Trial();
    const deaf = trial.workers;
    for (let i = 0; i < 2 * MAX; i++) {
      trial.second([], deaf);
      if (i === 2) trial.workers[0]!.signs.connections++;
    }
    assert.equal(trial.gone.length, 0);
  });
});
