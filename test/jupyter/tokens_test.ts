// How the plot in a notebook gets its token from the kernel, with a model that is played.
// Invariant: a view that is there gets a token, whichever others were removed.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  type Model,
  tokenFunctionOf,
} from "../../clients/python/src/qanat_client/widget/server.js";

type Take = (message: Record<string, unknown>) => void;

/** Answers each request for a token. */
function modelWith(credential: string, token: string): Model {
  const takes = new Set<Take>();
  return {
    get: (name) => name === "_credential" ? credential : undefined,
    set: () => {},
    save_changes: () => {},
    send: (message) => {
      const answer = { ...message as Record<string, unknown>, token };
      queueMicrotask(() => takes.forEach((take) => take(answer)));
    },
    on: (_, take) => void takes.add(take),
    off: (_, take) => void takes.delete(take),
  };
}

describe("tokenFunctionOf()", () => {
  it("asks while a view of the plot is there, also where another one was removed", async () => {
    const model = modelWith("one", "secret");
    const [first, second] = [new AbortController(), new AbortController()];
    const ask = tokenFunctionOf(model, first.signal)!;
    assert.equal(tokenFunctionOf(model, second.signal), ask);
    second.abort();
    assert.equal(await ask(), "secret");
    first.abort();
    await assert.rejects(ask(), /the plot was removed/);
  });

  it("is none for a plot without a token, and another one for another token", () => {
    const { signal } = new AbortController();
    assert.equal(tokenFunctionOf(modelWith("", ""), signal), undefined);
    const [a, b] = ["a", "b"].map((credential) =>
      tokenFunctionOf(modelWith(credential, "secret"), signal)
    );
    assert.notEqual(a, b);
  });
});
