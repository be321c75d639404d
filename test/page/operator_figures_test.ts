// The figures of the operator's view.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { workersText } from "../../src/page/operator_figures.js";

describe("the head of the operator's view", () => {
  it("has the clients of each worker, and names one that does not answer", () => {
    const answers = (clients: number) => ({ clients, answered: true });
    assert.deepEqual(workersText([answers(1200), answers(0)]), [
      "clients by worker: 1,200 | 0",
    ]);
    assert.deepEqual(
      workersText([answers(7), { clients: 5, answered: false }]),
      ["clients by worker: 7 | no answer"],
    );
  });

  it("is the same as before with one worker", () => {
    assert.deepEqual(workersText(undefined), []);
  });
});
