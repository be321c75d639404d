// Questions between threads, driven in one thread: who is asked, who did not answer, and what ends with a thread.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import type { Port } from "../../src/threads/port.ts";
import { HUB_LIMIT_MS, ThreadHub } from "../../src/threads/thread_hub.ts";
import {
  LAST_LOOK_MS,
  MEMBER_LIMIT_MS,
  ThreadMember,
  ThreadsBusyError,
} from "../../src/threads/thread_member.ts";
import {
  BODY_CHARS_MAX,
  type HubMessage,
  type Later,
  type MemberMessage,
  READING_THREAD,
} from "../../src/threads/thread_messages.ts";
import { silent } from "../driven_source.ts";

/** Timers that the test runs. */
class Timers {
  readonly #calls = new Map<() => void, number>();

  readonly later: Later = (call, ms) => {
    const once = () => call();
    this.#calls.set(once, ms);
    return () => this.#calls.delete(once);
  };

  /** Runs all timers of this length. */
  run(ms: number): void {
    for (const [call, ofMs] of [...this.#calls]) {
      if (ofMs !== ms || !this.#calls.delete(call)) continue;
      call();
    }
  }

  get size(): number {
    return this.#calls.size;
  }
}

type MemberPort = Port<MemberMessage, HubMessage>;
type HubPort = Port<HubMessage, MemberMessage>;

/** Two ends; a message arrives in a later microtask. */
function portPair(): [MemberPort, HubPort] {
  const member: MemberPort = { send: () => {}, onMessage: null };
  const hub: HubPort = { send: () => {}, onMessage: null };
  member.send = (message) => {
    const clone = structuredClone(message);
    queueMicrotask(() => hub.onMessage?.(clone));
  };
  hub.send = (message) => {
    const clone = structuredClone(message);
    queueMicrotask(() => member.onMessage?.(clone));
  };
  return [member, hub];
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

let timers: Timers;
let reports: string[];
let left: number[];
let hub: ThreadHub;

beforeEach(() => {
  timers = new Timers();
  reports = [];
  left = [];
  hub = new ThreadHub({
    log: silent,
    later: timers.later,
    answers: { who: () => "reading" },
    reports: { note: (thread, body) => reports.push(`${thread} ${body}`) },
    onAnswer: (subject, { thread, body }) =>
      reports.push(`${thread} answered ${subject} ${body}`),
    onLeft: (thread) => left.push(thread),
  });
});

/** A thread that answers `who` with its name, or does not answer at all. */
function joined(
  thread: number,
  how: "answers" | "hangs" | "fails" | "too long" = "answers",
): { member: ThreadMember; leave: () => void } {
  const [memberPort, hubPort] = portPair();
  const leave = hub.serve(thread, hubPort);
  const member = new ThreadMember({
    port: memberPort,
    log: silent,
    later: timers.later,
  });
  member.answer({
    who: (body) => {
      switch (how) {
        case "answers":
          return `${thread}${body}`;
        case "hangs":
          return new Promise(() => {});
        case "fails":
          throw new Error("no");
        case "too long":
          return "x".repeat(BODY_CHARS_MAX + 1);
      }
    },
  });
  return { member, leave };
}

describe("questions between threads", () => {
  it("reach all other threads that are ready, and the reading one", async () => {
    const { member } = joined(0);
    joined(1);
    joined(2);
    const [, unready] = portPair();
    hub.serve(3, unready);
    await turns();
    const { answers, missing } = await member.askAll("who", "!");
    assert.deepEqual(
      answers.map(({ thread, body }) => [thread, body])
        .sort(([a], [b]) => Number(a) - Number(b)),
      [[READING_THREAD, "reading"], [1, "1!"], [2, "2!"]],
    );
    assert.deepEqual(missing, []);
    assert.deepEqual(reports, ["1 answered who 1!", "2 answered who 2!"]);
    assert.equal(timers.size, 0);
  });

  it("name a thread that does not answer within the limit", async () => {
    const { member } = joined(0);
    joined(1, "hangs");
    joined(2);
    await turns();
    const asked = member.askAll("who");
    await turns();
    timers.run(HUB_LIMIT_MS);
    const { answers, missing } = await asked;
    assert.deepEqual(answers.map(({ thread }) => thread), [-1, 2]);
    assert.deepEqual(missing, [1]);
    assert.equal(member.missing, 1);
    assert.equal(hub.openCount, 0);
    assert.equal(timers.size, 0);
  });

  for (const how of ["fails", "too long"] as const) {
    it(`name a thread whose answer ${how === "fails" ? how : "is " + how}, without a wait`, async () => {
      const { member } = joined(0);
      joined(1, how);
      await turns();
      const { missing } = await member.askAll("who");
      assert.deepEqual(missing, [1]);
    });
  }

  it("are answered when the reading thread hangs", async () => {
    const [memberPort] = portPair();
    const member = new ThreadMember({
      port: memberPort,
      log: silent,
      later: timers.later,
    });
    const asked = member.askAll("who");
    timers.run(MEMBER_LIMIT_MS);
    timers.run(LAST_LOOK_MS);
    assert.deepEqual(await asked, { answers: [], missing: [READING_THREAD] });
    assert.ok(
      HUB_LIMIT_MS < MEMBER_LIMIT_MS && MEMBER_LIMIT_MS + LAST_LOOK_MS <= 1000,
    );
  });

  it("do not wait for a thread that ends", async () => {
    const { member } = joined(0);
    const { leave } = joined(1, "hangs");
    await turns();
    const asked = member.askAll("who");
    await turns();
    leave();
    assert.deepEqual((await asked).missing, [1]);
    assert.deepEqual(left, [1]);
    assert.equal(timers.size, 0);
  });

  it("end with the thread that asked", async () => {
    const { member, leave } = joined(0);
    joined(1, "hangs");
    await turns();
    const asked = member.askAll("who");
    await turns();
    leave();
    assert.equal(hub.openCount, 0);
    member.close();
    assert.deepEqual((await asked).missing, [READING_THREAD]);
    assert.equal(timers.size, 0);
  });

  it("reach the successor of a thread, and no longer the thread before", async () => {
    const { member } = joined(0);
    const before = joined(1);
    joined(1);
    await turns();
    assert.deepEqual(left, [1]);
    const { answers } = await member.askAll("who");
    assert.equal(answers.length, 2);
    before.member.report("note", "too late");
    await turns();
    assert.deepEqual(reports, ["1 answered who 1"]);
    before.leave();
    assert.equal((await member.askAll("who")).answers.length, 2);
  });

  it("go to the reading thread alone, and reports as well", async () => {
    const { member } = joined(0);
    joined(1);
    await turns();
    assert.equal(await member.askReading("who"), "reading");
    assert.equal(await member.askReading("unknown"), null);
    member.report("note", "a");
    member.report("unknown", "b");
    await turns();
    assert.deepEqual(reports, ["0 a"]);
  });

  it("are limited in number", async () => {
    const { member } = joined(0);
    joined(1, "hangs");
    await turns();
    const asked = Array.from({ length: 64 }, () => member.askAll("who"));
    await assert.rejects(member.askAll("who"), ThreadsBusyError);
    await assert.rejects(member.askReading("who"), ThreadsBusyError);
    await turns();
    timers.run(HUB_LIMIT_MS);
    await Promise.all(asked);
    assert.equal(await member.askReading("who"), "reading");
  });
});
