// The trigger: at which sample it fires, when it holds the view, what it says; without data, across gaps, late rows, bins.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { Trigger } from "../../src/page/trigger.js";
import { TriggerEdges } from "../../src/page/trigger_edges.js";
import {
  triggerOf,
  type TriggerSpec,
  triggerText,
} from "../../src/page/trigger_spec.js";
import { triggerSaid } from "../../src/page/trigger_words.js";
import { emptyView, hashOf, namesOf, viewOf } from "../../src/page/view.js";
import type { Row, TrendBin, TrendRow } from "../../src/page/qanat.d.ts";

const GPS_S = 1_484_000_000;
const SPEC: TriggerSpec = {
  name: "A",
  level: 3,
  edge: "rising",
  pre: 0.25,
  repeats: false,
  holdoffS: 5,
};
const ns = (s: number) => BigInt(GPS_S) * 1_000_000_000n + BigInt(s * 1e9);

function row(s: number, samples: readonly (number | null)[] | null): Row {
  return {
    timeNs: ns(s),
    strideNs: 1_000_000_000n,
    channels: {
      A: samples && Float64Array.from(samples, (v) => v === null ? NaN : v),
    },
    missing: {},
  };
}

const bin = (s: number, one: Partial<TrendBin>) =>
  ({
    ...row(s, null),
    channels: { A: { min: 0, mean: 0, max: 0, count: 9, ...one } },
  }) as TrendRow;

describe("a trigger in the address", () => {
  it("comes back as it was, after any name, and its channel is read", () => {
    const all: TriggerSpec[] = [
      SPEC,
      { ...SPEC, name: "A;level=1&b", level: -2e-21, edge: "falling", pre: 0 },
      { ...SPEC, level: 2n ** 60n + 1n, edge: "either", pre: 1 },
      { ...SPEC, repeats: true, holdoffS: 0 },
      { ...SPEC, level: NaN },
      { ...SPEC, isStopped: true },
    ];
    for (const trigger of all) {
      assert.deepEqual(triggerOf(triggerText(trigger)), trigger);
      const view = { ...emptyView(), trigger };
      assert.deepEqual(viewOf(hashOf(view)), view);
      assert.deepEqual(namesOf(view), [trigger.name]);
    }
    assert.equal(
      triggerText({ ...SPEC, name: "H1:A" }),
      "H1:A;level=3;edge=rising;pre=0.25;mode=single",
    );
  });

  it("has defaults, and without a level it cannot be armed", () => {
    assert.deepEqual(triggerOf("A;level=3;edge=up;pre=2;mode=x;holdoff=1"), {
      ...SPEC,
      pre: 0.2,
    });
    assert.equal(triggerOf(";level=3"), null);
    const trigger = new Trigger({ onHold: () => {} });
    trigger.set(triggerOf("A;level=x"), { isLive: true, nowNs: 0n });
    trigger.arm(0n);
    trigger.takeRow(row(0, [0, 9]));
    assert.equal(trigger.state, "wrong");
  });
});

describe("TriggerEdges", () => {
  const take = (
    edges: TriggerEdges,
    one: Row | TrendRow,
    fromNs = 0n,
  ) => edges.take(one, one.channels.A!, fromNs);
  const timeOf = (edges: TriggerEdges, one: Row | TrendRow, fromNs = 0n) => {
    const { event } = take(edges, one, fromNs);
    return event && Number(event.timeNs - ns(0)) / 1e9;
  };

  it("finds the sample, from one row to the next, and not at the first one ever", () => {
    const edges = new TriggerEdges(SPEC);
    assert.equal(timeOf(edges, row(0, [5, 5, 0, 0])), null);
    assert.equal(timeOf(edges, row(1, [0, 0, 0, 4])), 1.75);
    assert.equal(timeOf(edges, row(2, [5, 5, 5, 2])), null);
    assert.equal(timeOf(edges, row(3, [5, 5, 5, 5])), 3);
    assert.deepEqual([edges.side, edges.endS], [1, GPS_S + 4]);
  });

  it("checks a row once, and none before it was armed", () => {
    const edges = new TriggerEdges(SPEC);
    take(edges, row(0, [0]));
    assert.equal(timeOf(edges, row(1, [0, 4, 0, 4]), ns(1.5)), 1.75);
    assert.equal(timeOf(edges, row(1, [0, 4, 0, 4])), null);
    assert.equal(take(edges, row(2, [0, 4, 0, 4]), ns(3)).others, 2);
  });

  it("finds an edge in missing data at the first sample after them, and says so", () => {
    const edges = new TriggerEdges(SPEC);
    take(edges, row(0, [0]));
    const { event } = take(edges, row(5, [NaN, 7]));
    assert.equal(event!.isAfterGap, true);
    assert.equal(event!.timeNs, ns(5.5));
    assert.equal(take(edges, row(6, [0, 7])).event!.isAfterGap, false);
  });

  it("finds edges in a row that comes late, and at the row after it", () => {
    const edges = new TriggerEdges(SPEC);
    take(edges, row(0, [5]));
    assert.equal(timeOf(edges, row(2, [5, 5])), null);
    assert.equal(timeOf(edges, row(1, [0, 4, 4, 0])), 1.25);
    const others = new TriggerEdges(SPEC);
    take(others, row(0, [5]));
    take(others, row(2, [5, 5]));
    assert.equal(timeOf(others, row(1, [2, 2])), 2);
    assert.equal(others.endS, GPS_S + 3);
  });

  it("by bins: the largest sample rises, the least falls; infinity, no sample", () => {
    const rising = new TriggerEdges(SPEC);
    take(rising, bin(0, { max: 2 }));
    assert.equal(timeOf(rising, bin(1, { min: -9, max: null })), 1);
    assert.equal(timeOf(rising, bin(2, { max: 8 })), null);
    assert.equal(timeOf(rising, bin(3, { count: 0 })), null);
    take(rising, bin(4, { max: 2 }));
    // Armed within the bin: the event may be after that.
    assert.equal(timeOf(rising, bin(5, { max: 4 }), ns(5.5)), 5);
    const falling = new TriggerEdges({ ...SPEC, edge: "falling" });
    take(falling, bin(0, { min: 4, max: 9 }));
    const { event } = take(falling, bin(1, { min: 2, max: 9 }));
    assert.deepEqual([event!.side, event!.binS, event!.value], [-1, 1, 2]);
    const either = new TriggerEdges({ ...SPEC, edge: "either" });
    take(either, bin(0, { min: 4, max: 9 }));
    assert.equal(timeOf(either, bin(1, { min: 2, max: 9 })), 1);
  });
});

describe("Trigger", () => {
  let held: number[];
  let next: boolean[];
  let trigger: Trigger;
  let endS: number | null;
  const view = (newestS: number) => ({
    endS,
    spanS: 8,
    newestS: GPS_S + newestS,
  });
  const armed = (spec: TriggerSpec, isLive = true) =>
    trigger.set(spec, { isLive, nowNs: ns(0) });
  const take = (...rows: Row[]) => rows.forEach((r) => trigger.takeRow(r));
  const said = () =>
    triggerSaid(trigger, {
      time: "gps",
      spanS: 8,
      isLive: endS === null,
      nowS: GPS_S + 10,
      strideS: 1,
      rate: 4,
      hasBins: false,
      unknown: "",
    });
  const text = () => said().text.replaceAll("14840000", "");

  beforeEach(() => {
    held = [];
    next = [];
    endS = null;
    trigger = new Trigger({
      onHold: (s, isNext) => {
        held.push(s - GPS_S);
        next.push(isNext);
        endS = s;
      },
    });
  });

  it("holds the view when the data after the event are there, with the event at its place", () => {
    armed(SPEC);
    assert.equal(text(), "armed: A rises above 3");
    assert.equal(said().detail, "no data yet");
    take(row(0, [0, 0, 0, 0]), row(1, [0, 4, 0, 0]));
    assert.equal(trigger.state, "collecting");
    assert.equal(
      text(),
      "triggered: A rose above 3 at 01.25; data after it until 07",
    );
    trigger.advance(view(7.2));
    assert.deepEqual(held, [], "the span ends 6 s after the event");
    for (let s = 2; s < 7; s++) take(row(s, [0]));
    trigger.advance(view(7.2));
    assert.deepEqual(held, [], "data until 7.25 are awaited");
    take(row(7, [0]));
    trigger.advance(view(7.3));
    // 8 s are shown: 2 s before 1.25 s to 6 s after it.
    assert.deepEqual(held, [7.25]);
    assert.equal(text(), "held by trigger: A rose above 3 at 01.25");
    take(row(8, [0, 9]));
    trigger.advance(view(20));
    assert.deepEqual(held, [7.25], "it is not armed any more");
  });

  it("does not wait without end for data that do not come", () => {
    armed(SPEC);
    take(row(0, [0, 9]));
    trigger.advance(view(7));
    trigger.advance(view(9));
    assert.deepEqual(held, []);
    trigger.advance(view(9.6));
    assert.deepEqual(held, [6.5]);
  });

  it("does not move a view that the user has paused, and says so", () => {
    armed(SPEC);
    endS = GPS_S - 100;
    assert.match(said().detail, /paused, so an event does not move it/);
    take(row(0, [0, 9]));
    trigger.advance(view(20));
    assert.deepEqual([held, trigger.state], [[], "happened"]);
    assert.match(text(), /which the view does not show; not armed$/);
    assert.deepEqual(said().buttons, ["show", "rearm", "stop"]);
    trigger.show(view(20));
    assert.deepEqual([held, trigger.state], [[6.5], "held"]);
    endS = null;
    trigger.advance(view(21));
    assert.equal(trigger.state, "happened");
  });

  it("that repeats shows the next event after its hold-off, and counts the others", () => {
    armed({ ...SPEC, repeats: true });
    take(row(0, [0, 9, 0, 9]));
    assert.equal(said().detail, "1 more too soon after it");
    for (let s = 1; s < 7; s++) take(row(s, [0, s === 2 ? 9 : 0]));
    trigger.advance(view(10));
    assert.deepEqual(held, [6.25]);
    assert.equal(said().detail, "2 more too soon after it");
    assert.match(text(), /armed for the next$/);
    take(row(7, [0, 9]));
    for (let s = 8; s < 14; s++) take(row(s, [0]));
    trigger.advance(view(14));
    assert.deepEqual(held, [6.25, 13.5]);
    assert.equal(said().detail, "");
    // Only the first one, and one that the user asks for, is a step that Back undoes.
    assert.deepEqual(next, [false, true]);
    endS = GPS_S;
    take(row(14, [0, 9]));
    trigger.advance(view(30));
    trigger.show(view(30));
    assert.deepEqual(held, [6.25, 13.5, 20.5]);
    assert.deepEqual(next, [false, true, false]);
  });

  it("is not armed by a paused address; is armed again, stopped and removed", () => {
    armed(SPEC, false);
    assert.equal(text(), "trigger stopped: A rises above 3");
    take(row(0, [0, 9]));
    assert.equal(trigger.state, "stopped");
    trigger.arm(ns(0));
    assert.equal(
      said().detail,
      "no data for 9 s; it is above now, so it has to fall first",
    );
    take(row(1, [9, 0]), row(2, [9, 9]));
    assert.equal(trigger.state, "collecting");
    trigger.stop();
    trigger.advance(view(50));
    assert.deepEqual([held, trigger.state], [[], "stopped"]);
    trigger.set(null, { isLive: true, nowNs: 0n });
    assert.deepEqual([text(), trigger.state], ["", "off"]);
  });

  it("is not armed by an address in which it is stopped; stops and is armed as the address changes", () => {
    const options = { isLive: true, nowNs: 0n };
    const isStopped = true as const;
    trigger.set({ ...SPEC, isStopped }, options);
    assert.equal(text(), "trigger stopped: A rises above 3");
    trigger.set({ ...SPEC, isStopped }, options);
    take(row(0, [0, 9]));
    assert.equal(trigger.state, "stopped");
    trigger.set(SPEC, options);
    assert.equal(trigger.state, "armed");
    trigger.set(SPEC, options);
    take(row(1, [0, 9]));
    assert.equal(trigger.state, "collecting");
    trigger.set({ ...SPEC, isStopped }, options);
    trigger.advance(view(50));
    assert.deepEqual([held, trigger.state], [[], "stopped"]);
  });
});
