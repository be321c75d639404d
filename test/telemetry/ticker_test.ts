// The ticker with a clock and a timer that the test controls.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Ticker } from "../../src/telemetry/ticker.ts";

class Trial {
  ticks = 0;
  seconds = 0;
  nowMs = 0;
  isOpen = false;
  #call: () => void = () => {};
  readonly ticker = new Ticker({
    clockMs: () => this.nowMs,
    onTick: () => this.ticks++,
    onSecond: () => this.seconds++,
    every: (call, ms) => {
      assert.equal(ms, 100);
      this.#call = call;
      this.isOpen = true;
      return { close: () => this.isOpen = false };
    },
  });

  /** The timer fires so long after its last call. */
  fireAfter(ms: number): void {
    this.nowMs += ms;
    this.#call();
  }
}

describe("Ticker", () => {
  it("calls onTick each time and onSecond once a second", () => {
    const trial = new Trial();
    trial.ticker.start();
    for (let i = 0; i < 31; i++) trial.fireAfter(100);
    assert.deepEqual([trial.ticks, trial.seconds], [31, 4]);
    assert.equal(trial.ticker.delayMs, 0);
    assert.equal(trial.ticker.waits.count, 31);
    assert.equal(trial.ticker.waits.max, 0);
  });

  it("measures how late a call is, and lets the recent delay fall by a tenth per tick", () => {
    const trial = new Trial();
    trial.ticker.start();
    trial.fireAfter(600);
    assert.equal(trial.ticker.delayMs, 500);
    assert.equal(trial.ticker.waits.max, 0.5);
    trial.fireAfter(100);
    assert.equal(trial.ticker.delayMs, 450);
    trial.fireAfter(60);
    assert.equal(trial.ticker.delayMs, 405);
  });

  it("stops its timer at close(), which may be called twice", () => {
    const trial = new Trial();
    trial.ticker.start();
    assert.ok(trial.isOpen);
    trial.ticker.close();
    trial.ticker.close();
    assert.ok(!trial.isOpen);
  });
});
