import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type { SharePool } from "../../src/shares/share_pool.ts";
import {
  backToRing,
  caughtUp,
  checkTransition,
  type ClientPhase,
  ended,
  fellBehind,
  type History,
  leavePhase,
  permitOf,
  placed,
  readingHistory,
  resumed,
  starting,
  waiting,
  withoutPermit,
} from "../../src/clients/client_phase.ts";
import { Permit, takePermit } from "../../src/clients/permit.ts";

const HANDLE = { clientDrained: () => {}, clientEnded: () => {} };
const BEHIND = placed(starting(null), false);
const PHASES: Record<ClientPhase["kind"], ClientPhase> = {
  starting: starting(null),
  waiting: waiting("permit", HANDLE),
  history: readingHistory(HANDLE),
  behind: BEHIND,
  live: caughtUp(BEHIND),
  ended: ended("complete"),
};
const KINDS = Object.keys(PHASES) as ClientPhase["kind"][];

function poolAndPermit(): { pool: SharePool; permit: Permit } {
  const pool = new LocalSharePool({ capacity: 1, sharePercent: 100 });
  const permit = takePermit("history", pool, "");
  assert.ok(permit instanceof Permit);
  return { pool, permit };
}

describe("phases of a client", () => {
  const next: Record<ClientPhase["kind"], string> = {
    starting: "behind ended",
    waiting: "waiting history ended",
    history: "waiting history behind ended",
    behind: "waiting history behind live ended",
    live: "behind live ended",
    ended: "",
  };
  for (const from of KINDS) {
    it(`${from} is followed by: ${next[from] || "nothing"}`, () => {
      for (const to of KINDS) {
        const check = () => checkTransition(PHASES[from], PHASES[to]);
        if (next[from].split(" ").includes(to)) check();
        else assert.throws(check, /cannot go from/);
      }
    });
  }

  it("a client that resumes stays so until it has what it asked for", () => {
    const behind = placed(starting(null), true);
    assert.equal(fellBehind(caughtUp(behind)).isResuming, true);
    assert.equal(backToRing(PHASES.history as History).isResuming, true);
    assert.equal(resumed(behind).isResuming, false);
    assert.equal(resumed(caughtUp(behind)).isResuming, false);
    assert.equal(placed(starting(null), false).isResuming, false);
  });

  it("a permit is carried from the start to the history feed", () => {
    const { pool, permit } = poolAndPermit();
    const start = starting(permit);
    const behind = placed(start, true);
    leavePhase(start, behind);
    const still = resumed(behind);
    leavePhase(behind, still);
    assert.equal(permitOf(still), permit);
    const history = readingHistory(HANDLE);
    leavePhase(still, history);
    // The feed returns it when its reader is closed.
    leavePhase(history, ended("complete"));
    assert.equal(pool.used, 1);
  });

  for (
    const [name, to] of [
      ["ends", () => ended("client-left")],
      ["needs none", withoutPermit],
      ["is live", caughtUp],
    ] as const
  ) {
    it(`a permit is returned when its client ${name}`, () => {
      const { pool, permit } = poolAndPermit();
      const behind = placed(starting(permit), true);
      leavePhase(behind, to(behind));
      assert.equal(pool.used, 0);
    });
  }

  it("the history reading learns of the end of a client that it feeds, and of no other", () => {
    let ends = 0;
    const handle = { clientDrained: () => {}, clientEnded: () => ends++ };
    leavePhase(readingHistory(handle), BEHIND);
    leavePhase(waiting("drained", handle), readingHistory(handle));
    assert.equal(ends, 0);
    leavePhase(readingHistory(handle), ended("drain"));
    leavePhase(waiting("permit", handle), ended("drain"));
    assert.equal(ends, 2);
  });
});
