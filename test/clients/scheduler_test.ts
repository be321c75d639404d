import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { LiveQueue, type QueuedGroup } from "../../src/clients/live_queue.ts";
import { rotation } from "../../src/clients/rotation.ts";
import { CloseQueue } from "../../src/clients/close_queue.ts";
import { AdmissionQueue } from "../../src/clients/admission_queue.ts";
import {
  CooperativeScheduler,
  type Task,
} from "../../src/clients/scheduler.ts";

/** An event loop that goes round on command, and a clock that work moves. */
class Loop {
  nowMs = 0;
  readonly done: string[] = [];
  readonly #next: (() => void)[] = [];
  readonly scheduler = new CooperativeScheduler({
    sliceMs: 4,
    clockMs: () => this.nowMs,
    later: (turn) => this.#next.push(turn),
  });

  get waiting(): number {
    return this.#next.length;
  }

  goRound(): void {
    for (const turn of this.#next.splice(0)) turn();
  }

  /** So many steps of a millisecond each. */
  work(name: string, steps: number): Task & { left: number } {
    const work = {
      left: steps,
      run: (endMs: number) => {
        for (; work.left > 0; work.left--) {
          if (this.nowMs >= endMs) return true;
          this.nowMs++;
          this.done.push(name);
        }
        return false;
      },
    };
    return work;
  }
}

let loop: Loop;

function counts(): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of loop.done) result[name] = (result[name] ?? 0) + 1;
  return result;
}

describe("CooperativeScheduler", () => {
  it("does at once what fits a slice, and asks for no turn of its own after it", () => {
    loop = new Loop();
    const live = loop.work("live", 3);
    loop.scheduler.setOrder(live);
    loop.scheduler.runNow(live);
    assert.deepEqual(counts(), { live: 3 });
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("gives all calls of one round of the loop no more than one slice", () => {
    loop = new Loop();
    const live = loop.work("live", 0);
    loop.scheduler.setOrder(live);
    for (let call = 0; call < 10; call++) {
      live.left += 1;
      loop.scheduler.runNow(live);
    }
    assert.deepEqual(counts(), { live: 4 });
    loop.goRound();
    assert.deepEqual(counts(), { live: 8 });
    loop.goRound();
    assert.deepEqual(counts(), { live: 10 });
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("serves each kind of work a slice a turn, the first one first", () => {
    loop = new Loop();
    const live = loop.work("live", 10);
    const other = loop.work("other", 6);
    loop.scheduler.setOrder(live, other);
    loop.scheduler.schedule(other);
    loop.scheduler.schedule(live);
    assert.equal(loop.waiting, 1);
    loop.goRound();
    assert.deepEqual(loop.done, [
      ...Array(4).fill("live"),
      ...Array(4).fill("other"),
    ]);
    loop.goRound();
    loop.goRound();
    assert.deepEqual(counts(), { live: 10, other: 6 });
    assert.equal(loop.waiting, 0);
  });

  it("does nothing more once closed", () => {
    loop = new Loop();
    const live = loop.work("live", 10);
    loop.scheduler.setOrder(live);
    loop.scheduler.schedule(live);
    loop.scheduler.close();
    loop.goRound();
    assert.deepEqual(loop.done, []);
  });
});

describe("AdmissionQueue", () => {
  it("let eight in a turn, in their order, and all when closed", async () => {
    loop = new Loop();
    const admissionQueue = new AdmissionQueue(loop.scheduler, {
      queuedMax: 20,
      sharePercent: 100,
    });
    loop.scheduler.setOrder(admissionQueue);
    const opened: number[] = [];
    const all = Array.from(
      { length: 20 },
      (_, i) => admissionQueue.waitForTurn("", 1).then(() => opened.push(i)),
    );
    loop.goRound();
    await all[7];
    assert.deepEqual(opened, [0, 1, 2, 3, 4, 5, 6, 7]);
    loop.goRound();
    await all[15];
    assert.equal(admissionQueue.size, 4);
    admissionQueue.close();
    await Promise.all(all);
    assert.equal(opened.length, 20);
    assert.equal(await admissionQueue.waitForTurn("", 1), null);
  });

  it("refuse at once what is beyond their number, and of one address what is beyond its share", async () => {
    loop = new Loop();
    const admissionQueue = new AdmissionQueue(loop.scheduler, {
      queuedMax: 10,
      sharePercent: 50,
    });
    loop.scheduler.setOrder(admissionQueue);
    const a = Array.from(
      { length: 5 },
      () => admissionQueue.waitForTurn("10.0.0.1", 1),
    );
    assert.equal(await admissionQueue.waitForTurn("10.0.0.1", 1), "share");
    const b = Array.from(
      { length: 5 },
      (_, i) => admissionQueue.waitForTurn(`10.0.1.${i}`, 1),
    );
    assert.equal(await admissionQueue.waitForTurn("10.0.0.3", 1), "full");
    assert.equal(admissionQueue.size, 10);
    loop.goRound();
    loop.goRound();
    assert.deepEqual(await Promise.all([...a, ...b]), Array(10).fill(null));
    // Each place has come back.
    const again = Array.from(
      { length: 5 },
      () => admissionQueue.waitForTurn("10.0.0.1", 1),
    );
    admissionQueue.close();
    assert.deepEqual(await Promise.all(again), Array(5).fill(null));
  });
});

describe("CloseQueue", () => {
  const clients = Array.from(
    { length: 10 },
    (_, i) => ({ place: i }),
  );
  let said: number[];
  let closeQueue: CloseQueue<{ place: number }>;

  beforeEach(() => {
    loop = new Loop();
    said = [];
    closeQueue = new CloseQueue(loop.scheduler, ({ place }) => {
      loop.nowMs++;
      said.push(place);
    });
    loop.scheduler.setOrder(closeQueue);
  });

  it("are said at once to one, and to many in slices and in their order", () => {
    closeQueue.add(clients[0]!);
    assert.deepEqual(said, [0]);
    loop.goRound();
    for (const client of clients.slice(1)) closeQueue.add(client);
    assert.deepEqual(said, [0, 1, 2, 3, 4]);
    assert.equal(closeQueue.size, 5);
    loop.goRound();
    assert.deepEqual(said, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    loop.goRound();
    assert.equal(said.length, 10);
    assert.equal(closeQueue.size, 0);
    loop.goRound();
    assert.equal(loop.waiting, 0);
  });

  it("are all said, once, at the close", () => {
    for (const client of clients) closeQueue.add(client);
    loop.scheduler.close();
    closeQueue.finish();
    loop.goRound();
    assert.deepEqual(said, clients.map(({ place }) => place));
  });
});

describe("LiveQueue", () => {
  /** A group whose rows `from` to `to` (exclusive) are pending, and which notes each. */
  function group(
    name: string,
    from: number,
    to: number,
    served: string[],
  ): QueuedGroup {
    const queued = {
      pendingMs: from,
      deliver: () => {
        served.push(`${name}${queued.pendingMs++}`);
        return queued.pendingMs < to ? "more" as const : "done" as const;
      },
    };
    return queued;
  }

  function ofOutcomes(
    deliver: () => ReturnType<QueuedGroup["deliver"]>,
  ): QueuedGroup {
    return { pendingMs: 0, deliver };
  }

  it("hands out a row of each group before the next row of any", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 3, served));
    }
    assert.equal(liveQueue.run(Infinity), false);
    assert.deepEqual(served.slice(0, 3).sort(), ["a1", "b1", "c1"]);
    assert.deepEqual(served.slice(3).sort(), ["a2", "b2", "c2"]);
    assert.equal(liveQueue.size, 0);
  });

  it("serves clients that need the same row together, older rows first (each text was made again)", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (let i = 0; i < 20; i++) {
      liveQueue.add(
        group("g", i % 2 === 0 ? 7 : 3, i % 2 === 0 ? 8 : 4, served),
      );
    }
    assert.equal(liveQueue.run(Infinity), false);
    assert.deepEqual(served.slice(0, 10), new Array(10).fill("g3"));
    assert.deepEqual(served.slice(10), new Array(10).fill("g7"));
  });

  for (
    const [what, from] of [
      ["side by side", [10, 11, 12, 13, 14, 15, 16, 17]],
      ["with others between", [10, 10.5, 13, 14.25, 17]],
      ["far from each other", [10, 20]],
    ] as const
  ) {
    it(`brings together those whose rows lie apart, ${what} (they stayed apart permanently)`, () => {
      const liveQueue = new LiveQueue();
      const served: string[] = [];
      for (const row of from) liveQueue.add(group("g", row, row + 90, served));
      assert.equal(liveQueue.run(Infinity), false);
      assert.equal(served.length, 90 * from.length);
      // Of those that need whole rows, all are at the same one from the middle on.
      const whole = served.slice(served.length >> 1)
        .filter((name) => !name.includes("."));
      const ofRow = new Map<string, number[]>();
      whole.forEach((name, i) =>
        ofRow.set(name, [...ofRow.get(name) ?? [], i])
      );
      for (const [name, at] of ofRow) {
        assert.equal(at.at(-1)! - at[0]!, at.length - 1, `${name}: ${at}`);
      }
    });
  }

  it("makes no group wait for another's backlog, only for two rows of each a pass", () => {
    const liveQueue = new LiveQueue();
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 50, served));
    }
    liveQueue.add(group("live", 48, 49, served));
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.indexOf("live48"), 6);
  });

  it("who comes just behind a pass's begin waits for that one and the older rows of the next", () => {
    let nowMs = 0;
    const liveQueue = new LiveQueue(() => nowMs++);
    const served: string[] = [];
    for (const name of ["a", "b", "c"]) {
      liveQueue.add(group(name, 1, 50, served));
    }
    // The clock is looked at behind the first.
    nowMs = 10;
    assert.equal(liveQueue.run(0), true);
    liveQueue.add(group("live", 48, 49, served));
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.indexOf("live48"), 3 + 6);
  });

  it("says for how long it has not been through", () => {
    let nowMs = 100;
    const liveQueue = new LiveQueue(() => nowMs);
    assert.equal(liveQueue.busyMs, 0);
    liveQueue.add(group("a", 1, 3, []));
    nowMs = 120;
    liveQueue.add(group("b", 1, 2, []));
    assert.equal(liveQueue.busyMs, 20);
    // A row of one, and of the other; the first has one more.
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), true);
    nowMs = 150;
    assert.equal(liveQueue.busyMs, 50);
    assert.equal(liveQueue.run(0), false);
    assert.equal(liveQueue.busyMs, 0);
    liveQueue.add(group("a", 3, 4, []));
    nowMs = 160;
    assert.equal(liveQueue.busyMs, 10);
  });

  it("takes a group that comes meanwhile into the next pass", () => {
    const liveQueue = new LiveQueue(() => 100);
    const served: string[] = [];
    for (const name of ["a", "b"]) liveQueue.add(group(name, 1, 2, served));
    assert.equal(liveQueue.run(0), true);
    liveQueue.add(group("c", 1, 2, served));
    assert.equal(liveQueue.size, 2);
    assert.equal(liveQueue.run(Infinity), false);
    assert.equal(served.at(-1), "c1");
  });

  it("continues with the group whose slice ended", () => {
    const liveQueue = new LiveQueue();
    const outcomes = ["time-up", "time-up", "done"] as const;
    let next = 0;
    liveQueue.add(ofOutcomes(() => outcomes[next++]!));
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), false);
  });

  it("stops when the time is up though no group is long (it went through all groups at once)", () => {
    let nowMs = 0;
    const liveQueue = new LiveQueue(() => nowMs);
    const deliver = () => {
      nowMs++;
      return "done" as const;
    };
    for (let i = 0; i < 10; i++) {
      liveQueue.add(ofOutcomes(deliver));
    }
    assert.equal(liveQueue.run(4), true);
    assert.equal(nowMs, 4);
    assert.equal(liveQueue.run(8), true);
    assert.equal(liveQueue.run(12), false);
    assert.equal(nowMs, 10);
  });

  it("gets on by a group each time, however late it is", () => {
    const served: string[] = [];
    const liveQueue = new LiveQueue(() => 100);
    liveQueue.add(group("a", 1, 2, served));
    liveQueue.add(group("b", 1, 2, served));
    assert.equal(liveQueue.run(0), true);
    assert.equal(liveQueue.run(0), false);
    assert.equal(served.length, 2);
  });

  it("begins everywhere equally often", () => {
    const first = new Array<number>(10).fill(0);
    for (let turn = 0; turn < 1000; turn++) first[rotation(turn, 10)]!++;
    for (const count of first) assert.ok(count > 90 && count < 110, `${count}`);
  });
});
