// The end of an instance by signals, and runtimes that have none.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { endAtSignals } from "../../src/edge/end_at_signals.ts";

describe("endAtSignals()", () => {
  it("closes the instance at the first signal, and leaves the second one to the runtime", () => {
    const listeners = new Map<string, () => void>();
    let closes = 0;
    const close = () => {
      closes++;
      return Promise.resolve();
    };
    endAtSignals({ close }, {
      Deno: {
        addSignalListener: (name, listener) => listeners.set(name, listener),
        removeSignalListener: (name) => listeners.delete(name),
      },
    });
    assert.deepEqual([...listeners.keys()], ["SIGTERM", "SIGINT"]);
    listeners.get("SIGINT")!();
    assert.equal(closes, 1);
    assert.equal(listeners.size, 0);
  });

  it("does nothing where there are no signals", () => {
    const close = () => assert.fail();
    endAtSignals({ close }, {});
    endAtSignals({ close }, { Deno: {} });
  });
});
