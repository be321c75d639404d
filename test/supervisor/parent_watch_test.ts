// Which processes end with their parent, and which do not.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ParentWatch } from "../../src/supervisor/parent_watch.ts";

const NPX = { npm_execpath: "/usr/lib/npm/npx-cli.js" };

function trial(env: Record<string, string>, firstPid = 4000) {
  let pid = firstPid;
  let gone = 0;
  let tick: (() => void) | null = null;
  const watch = new ParentWatch({
    env,
    parentPid: () => pid,
    every: (call) => {
      tick = call;
      return { close: () => void (tick = null) };
    },
    onGone: () => gone++,
  });
  return {
    watch,
    leaves: () => void (pid = 1),
    tick: () => tick?.(),
    isWatched: () => tick !== null,
    gone: () => gone,
  };
}

describe("ParentWatch", () => {
  it("reports once that npx is no longer the parent", () => {
    const it = trial(NPX);
    it.watch.begin();
    it.tick();
    assert.equal(it.gone(), 0);
    it.leaves();
    it.tick();
    it.tick();
    assert.equal(it.gone(), 1);
    assert.equal(it.isWatched(), false);
  });

  it("ignores the parent under systemd, in containers and with nohup", () => {
    const it = trial({});
    it.watch.begin();
    it.leaves();
    assert.equal(it.isWatched(), false);
    const inContainer = trial(NPX, 1);
    inContainer.watch.begin();
    assert.equal(inContainer.isWatched(), false);
  });

  it("ignores a launcher that ends before the service serves", () => {
    const it = trial(NPX);
    it.leaves();
    it.watch.begin();
    assert.equal(it.isWatched(), false);
  });

  it("reports nothing after close()", () => {
    const it = trial(NPX);
    it.watch.begin();
    it.watch.close();
    it.leaves();
    it.tick();
    assert.equal(it.gone(), 0);
  });
});
