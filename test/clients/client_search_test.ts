import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { finish, PART_STEPS_MAX } from "../../src/channels/sliced_work.ts";
import { clientOf, isListed } from "../../src/clients/client_search.ts";
import { ALICE } from "./rights.ts";

const clients = Array.from({ length: 100_000 }, (_, i) => ({
  hasId: (id: string) => id === `c${i}`,
}));

describe("a search for a client", () => {
  it("finds it by its id, and nothing for any other", () => {
    assert.equal(finish(clientOf(clients, "c70000")), clients[70_000]);
    assert.equal(finish(clientOf(clients, "x")), null);
    assert.equal(finish(clientOf([], "c1")), null);
  });

  it("is done in parts, however many clients there are", () => {
    let parts = 0;
    const work = clientOf(clients, "x");
    for (let part = work.next(); !part.done; part = work.next()) {
      assert.ok(part.value <= PART_STEPS_MAX);
      parts++;
    }
    assert.equal(parts, 101);
  });
});

describe("a page of clients", () => {
  const client = {
    number: 5,
    ended: null,
    options: {
      address: "192.0.2.1",
      rights: ALICE,
    },
  };
  const all = { limit: 1, after: 0, owner: undefined, address: undefined };

  it("has those after a number that are open and meant", () => {
    assert.equal(isListed(client, all), true);
    assert.equal(isListed(client, { ...all, after: 5 }), false);
    assert.equal(isListed({ ...client, ended: "slow" }, all), false);
    assert.equal(isListed(client, { ...all, owner: "token:alice" }), true);
    assert.equal(isListed(client, { ...all, owner: "token:bob" }), false);
    assert.equal(isListed(client, { ...all, address: "192.0.2.1" }), true);
    assert.equal(isListed(client, { ...all, address: "192.0.2.2" }), false);
  });
});
