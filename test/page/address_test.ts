// The address: steps that Back undoes, and drags, which change it less often than browsers allow.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Address } from "../../src/page/address.js";
import { emptyView } from "../../src/page/view.js";

function played() {
  const said: string[] = [];
  const clock = { ms: 0 };
  const address = new Address({
    history: {
      pushState: (_state, _title, url) => said.push(`push ${url}`),
      replaceState: (_state, _title, url) => said.push(`${url}`),
    },
    now: () => clock.ms,
  });
  return { said, clock, address };
}

describe("the address", () => {
  it("has a step for each change of the time that is not soon after another", () => {
    const { said, clock, address } = played();
    const live = emptyView();
    const paused = { ...live, endS: 100 };
    address.keep(live, paused);
    clock.ms = 500;
    address.keep(paused, { ...paused, endS: 99 });
    clock.ms = 3000;
    address.keep({ ...paused, endS: 99 }, live);
    assert.deepEqual(said, [
      "#span=36",
      "push #span=36&end=100",
      "#span=36&end=99",
      "#span=36&end=99",
      "push #span=36",
    ]);
  });

  it("has one step for all events of a trigger, and the user's next move is another", () => {
    const { said, clock, address } = played();
    const views = [null, 100, 200, 300].map((endS) => ({
      ...emptyView(),
      endS,
    }));
    address.keep(views[0]!, views[1]!);
    for (const at of [2, 3]) {
      clock.ms += 5000;
      address.keep(views[at - 1]!, views[at]!, { isSameStep: true });
    }
    clock.ms += 10;
    address.keep(views[3]!, { ...views[3]!, endS: 250 });
    assert.deepEqual(said, [
      "#span=36",
      "push #span=36&end=100",
      "#span=36&end=200",
      "#span=36&end=300",
      "#span=36&end=300",
      "push #span=36&end=250",
    ]);
  });

  it("holds what a long drag ends with, and changes less than 100 times in 10 s", async () => {
    const { said, clock, address } = played();
    let before = { ...emptyView(), endS: 100 };
    for (let i = 0; i < 600; i++) {
      clock.ms += 1000 / 60;
      const view = { ...before, endS: before.endS - 0.1 };
      address.keep(before, { ...view, endS: Number(view.endS.toFixed(3)) });
      before = view;
    }
    assert.ok(said.length > 40 && said.length < 100, `${said.length}`);
    clock.ms += 1000;
    const last = `#span=36&end=${Number(before.endS.toFixed(3))}`;
    while (said.at(-1) !== last) await new Promise((r) => setTimeout(r, 10));
  });
});
