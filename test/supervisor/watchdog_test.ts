// The watchdog with its clock, its worker and its probes in the test's hands.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  CHECK_MS,
  type ListenerProbe,
  type Verdict,
  Watchdog,
} from "../../src/supervisor/watchdog.ts";

const MAX = 12;

interface Second {
  /** How long after the last check this one comes. @default CHECK_MS */
  readonly afterMs?: number;
  /** The worker's event loop goes round. @default true */
  readonly ticks?: boolean;
  /** The listener answers the probe. @default true */
  readonly answers?: boolean;
  /** Why the probe fails. */
  readonly error?: string;
  /** Others connect. @default false */
  readonly accepts?: boolean;
}

class Trial {
  readonly signs = { ticks: 0, connections: 0 };
  readonly probes: (ListenerProbe & { state: string; isOpen: boolean })[] = [];
  readonly missed: string[] = [];
  readonly gone: Verdict[] = [];
  nowMs = 5000;
  readonly watchdog: Watchdog;

  constructor(probesMax = MAX) {
    this.watchdog = new Watchdog({
      signs: this.signs,
      probe: () => {
        const probe = {
          state: "waiting" as ListenerProbe["state"],
          error: "",
          isOpen: true,
          close: () => void (probe.isOpen = false),
        };
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
    if (ticks) this.signs.ticks += 10;
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
  it("an event loop that hangs is gone after as many missed probes as are allowed, and reported once", () => {
    const trial = new Trial().second();
    const seenMs = trial.nowMs;
    trial.seconds(MAX - 1, hung);
    assert.equal(trial.gone.length, 0);
    trial.second(hung);
    assert.deepEqual(trial.gone, [{
      part: "event-loop",
      missedProbes: MAX,
      lastSeenMs: seenMs,
      error: "",
    }]);
    trial.seconds(MAX, hung);
    assert.equal(trial.gone.length, 1);
    assert.deepEqual(new Set(trial.missed), new Set(["event-loop"]));
  });

  it("a listener that answers nobody is gone, though the event loop goes round", () => {
    const trial = new Trial().second();
    const seenMs = trial.nowMs;
    trial.seconds(MAX - 1, deaf);
    assert.equal(trial.gone.length, 0);
    trial.second({ ...deaf, error: "Connection refused" });
    assert.deepEqual(trial.gone, [{
      part: "listener",
      missedProbes: MAX,
      lastSeenMs: seenMs,
      error: "Connection refused",
    }]);
  });

  it("one sign of life in between, and counting begins anew", () => {
    const trial = new Trial().second();
    for (let i = 0; i < 5; i++) {
      trial.seconds(MAX - 1, hung).second();
      trial.seconds(MAX - 1, deaf).second();
    }
    assert.equal(trial.gone.length, 0);
  });

  it("a process that was stopped for 50 s is healthy, however often", () => {
    const trial = new Trial().second();
    for (let i = 0; i < 3 * MAX; i++) {
      // What ran before the stop, the stop, and a worker that has not run again yet.
      trial.second({ ...hung, afterMs: 50_000 }).second();
    }
    assert.deepEqual(trial.missed, []);
    assert.equal(trial.gone.length, 0);
  });

  it("a machine on which the watchdog itself runs late counts nothing", () => {
    const trial = new Trial().second();
    trial.seconds(10 * MAX, { ticks: false, afterMs: 1501 });
    trial.seconds(10 * MAX, { answers: false, afterMs: 1501 });
    assert.deepEqual(trial.missed, []);
    assert.equal(trial.gone.length, 0);
  });

  it("checks that are late now and then do not hide a loop that hangs", () => {
    const trial = new Trial().second();
    for (let i = 0; i < MAX; i++) {
      trial.second({ ...hung, afterMs: 3000 }).second(hung);
    }
    assert.equal(trial.gone.length, 1);
    assert.equal(trial.gone[0]!.missedProbes, MAX);
  });

  it("a long pause of the loop (a collection, a slow slice) is missed, counted and forgiven", () => {
    const trial = new Trial().second();
    trial.seconds(8, hung).seconds(20);
    assert.deepEqual(trial.missed, Array(8).fill("event-loop"));
    assert.equal(trial.gone.length, 0);
  });

  it("a listener behind a loop that hangs is not what is missed", () => {
    const trial = new Trial().second();
    trial.seconds(MAX - 1, hung).seconds(MAX - 1, deaf).second(hung);
    assert.equal(trial.gone.length, 0);
  });

  it("a probe behind thousands who connect needs no answer: others are accepted", () => {
    const trial = new Trial().second();
    trial.seconds(10 * MAX, { answers: false, accepts: true });
    assert.deepEqual(trial.missed, []);
  });

  it("no descriptor left for the probe: counts like any other failure, in a row only", () => {
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

  it("a listener that this process never reached (a firewall) is not judged", () => {
    const trial = new Trial().seconds(10 * MAX, { error: "Timed out" });
    assert.equal(trial.gone.length, 0);
    // Its loop is.
    trial.seconds(MAX, hung);
    assert.equal(trial.gone[0]!.part, "event-loop");
  });

  it("holds one probe at a time, and none once it is closed", () => {
    const trial = new Trial().seconds(5).seconds(3, deaf);
    assert.equal(trial.probes.length, 9);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 1);
    trial.watchdog.close();
    trial.seconds(3 * MAX, hung);
    assert.equal(trial.probes.length, 9);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 0);
    assert.equal(trial.gone.length, 0);
  });

  it("holds no probe once a part is gone", () => {
    const trial = new Trial().second().seconds(MAX, hung);
    assert.equal(trial.gone.length, 1);
    assert.equal(trial.probes.filter(({ isOpen }) => isOpen).length, 0);
  });
});
