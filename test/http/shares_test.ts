// Limits of owners over HTTP: what the refusals say, and that they count by owner, not by address.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { A, OperatorsWorld, STREAM } from "./operators_world.ts";

const HISTORY = `/v1/events?channels=${A}&start=-1800&duration=1000`;

describe("shares of owners", () => {
  it("limit the streams of one owner on all of its addresses, and no other owner's", async () => {
    await using world = await OperatorsWorld.start({
      owners: { alice: { shares: { clientsMax: 1 } }, bob: {} },
    });
    const first = await world.ask(STREAM, { as: "alice" });
    assert.equal(first.status, 200);
    world.address = "192.0.2.99";
    const refused = await world.ask(STREAM, { as: "alice" });
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "5");
    const problem = await refused.json();
    assert.equal(problem.code, "too_many_streams");
    assert.equal(problem.limit, "owner");
    assert.match(problem.detail, /limit of 1 client per owner is reached/);
    const other = await world.ask(STREAM, { as: "bob" });
    assert.equal(other.status, 200);
    assert.equal(world.qanat.hub.admission.refusals.owner, 1);
    await first.body!.cancel();
    const again = await world.ask(STREAM, { as: "alice" });
    assert.equal(again.status, 200);
    await again.body!.cancel();
    await other.body!.cancel();
  });

  it("limit histories, and each pool by its part of what others leave", async () => {
    await using world = await OperatorsWorld.start({
      owners: {
        alice: { shares: { historiesMax: 1 } },
        bob: { shares: { sharePercent: 10 } },
        none: { shares: { historiesMax: 0 } },
      },
      config: { historyReadersMax: 4, clientsMax: 20 },
    });
    const open: Response[] = [];
    const ask = async (path: string, as: string) => {
      const answer = await world.ask(path, { as });
      if (answer.status === 200) open.push(answer);
      return answer;
    };
    assert.equal((await ask(HISTORY, "alice")).status, 200);
    const second = await ask(HISTORY, "alice");
    assert.equal(second.status, 429);
    assert.match((await second.json()).detail, /1 history per owner/);
    const none = await ask(HISTORY, "none");
    assert.equal(none.status, 429);
    assert.match((await none.json()).detail, /0 histories per owner/);
    assert.equal((await ask(STREAM, "none")).status, 200);
    assert.equal((await ask(STREAM, "bob")).status, 200);
    const share = await ask(STREAM, "bob");
    assert.equal(share.status, 429);
    const problem = await share.json();
    assert.equal(problem.limit, "share");
    assert.match(problem.detail, /10 % for one owner of what others leave/);
    for (const stream of open) await stream.body!.cancel();
  });

  it("follow the policy: a changed limit holds for the next stream", async () => {
    await using world = await OperatorsWorld.start({
      owners: { alice: { shares: { clientsMax: 1 } } },
    });
    const first = await world.ask(STREAM, { as: "alice" });
    assert.equal((await world.ask(STREAM, { as: "alice" })).status, 429);
    world.tokens!.owners.alice!.shares = { clientsMax: 2 };
    world.tokens!.changed();
    const second = await world.ask(STREAM, { as: "alice" });
    assert.equal(second.status, 200);
    await first.body!.cancel();
    await second.body!.cancel();
  });

  it("without authentication count by address, as before", async () => {
    await using world = await OperatorsWorld.start({
      config: { clientsPerAddressMax: 1 },
    });
    const first = await world.ask(STREAM);
    const refused = await world.ask(STREAM);
    assert.equal(refused.status, 429);
    const problem = await refused.json();
    assert.equal(problem.code, "too_many_streams");
    assert.equal(problem.limit, "address");
    assert.match(problem.detail, /limit of 1 client per address is reached/);
    await first.body!.cancel();
  });
});
