// GET /v1/clients and DELETE /v1/clients/{id}.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { A, OperatorsWorld, STREAM } from "../operators_world.ts";

const OWNERS = { alice: {}, bob: {}, ops: { isOperator: true } };
// deno-lint-ignore no-explicit-any -- JSON
type Json = any;

async function listOf(world: OperatorsWorld, query = ""): Promise<Json> {
  const answer = await world.ask(`/v1/clients${query}`, { as: "ops" });
  assert.equal(answer.status, 200);
  return await answer.json();
}

describe("GET /v1/clients", () => {
  it("shows who reads what, since when and how far behind", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const stream = await world.ask(STREAM, {
      as: "alice",
      headers: { "x-request-id": "of-alice" },
    });
    const { open, next, clients } = await listOf(world);
    assert.equal(open, 1);
    assert.equal(next, null);
    const [{ id, since, open_s, bytes, lag, phase, ...rest }] = clients;
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.ok(Math.abs(Date.parse(since) - Date.now()) < 60_000);
    assert.ok(open_s >= 0 && open_s < 60);
    assert.ok(bytes > 0);
    assert.deepEqual(Object.keys(lag), ["rows", "seconds"]);
    assert.ok(["starting", "behind", "live"].includes(phase));
    assert.deepEqual({ ...rest, rows: 0 }, {
      owner: "token:alice",
      address: "192.0.2.1",
      request_id: "of-alice",
      format: "events",
      coding: "identity",
      trend: null,
      channels: { count: 1, first: [A] },
      replay: null,
      slow: false,
      rows: 0,
      gaps: 0,
    });
    await stream.body!.cancel();
  });

  it("has pages, and can be limited to an owner or an address", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const streams: Response[] = [];
    for (const as of ["alice", "bob", "alice", "bob", "alice"]) {
      streams.push(await world.ask(STREAM, { as }));
    }
    const seen: string[] = [];
    let after = 0;
    for (let page = 0; page < 3; page++) {
      const { next, clients } = await listOf(
        world,
        `?limit=2&after=${after}`,
      );
      seen.push(...clients.map(({ owner }: Json) => owner));
      assert.equal(next === null, page === 2);
      after = next;
    }
    assert.deepEqual(seen, [
      ...["token:alice", "token:bob", "token:alice", "token:bob"],
      "token:alice",
    ]);
    const of = await listOf(world, "?owner=token:bob");
    assert.equal(of.clients.length, 2);
    assert.equal(of.open, 5);
    assert.equal((await listOf(world, "?address=192.0.2.2")).clients.length, 0);
    for (const stream of streams) await stream.body!.cancel();
  });

  it("refuses wrong parameters and says what would be right", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    for (
      const [query, detail] of [
        ["?limit=0", /limit must be a whole number from 1 to 1000, not '0'/],
        ["?limit=1001", /limit must be/],
        ["?after=-1", /after must be a whole number from 0/],
        ["?after=1e9", /after must be/],
        ["?nonsense=1", /known are limit, after, owner, address/],
        ["?limit=1&limit=2", /'limit' is given twice/],
        [`?owner=${"x".repeat(1001)}`, /owner/],
      ] as const
    ) {
      const answer = await world.ask(`/v1/clients${query}`, { as: "ops" });
      assert.equal(answer.status, 400, query);
      assert.match((await answer.json()).detail, detail);
    }
  });
});

describe("DELETE /v1/clients/{id}", () => {
  it("ends one stream, which says so, and no other", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const ended = await world.ask(STREAM, { as: "alice" });
    const other = await world.ask(STREAM, { as: "bob" });
    const { clients } = await listOf(world, "?owner=token:alice");
    const path = `/v1/clients/${clients[0].id}`;
    const answer = await world.ask(path, {
      method: "DELETE",
      as: "ops",
      headers: { "x-request-id": "of-ops" },
    });
    assert.equal(answer.status, 204);
    assert.match(
      await ended.text(),
      /event: end\ndata: \{"reason":"closed-by-operator"\}\n\n$/,
    );
    assert.equal((await listOf(world)).open, 1);
    assert.equal(world.qanat.hub.figures.ends["closed-by-operator"], 1);
    const [, fields] = world.log.find(([event]) =>
      event === "client-closed-by-operator"
    )!;
    assert.equal(fields.operator, "token:ops");
    assert.equal(fields.request_id, "of-ops");
    assert.equal(fields.client, clients[0].id);
    assert.equal(fields.client_owner, "token:alice");
    assert.equal(fields.client_request_id, clients[0].request_id);
    const again = await world.ask(path, { method: "DELETE", as: "ops" });
    assert.equal(again.status, 404);
    assert.match((await again.json()).detail, /may have ended/);
    await other.body!.cancel();
  });

  it("breaks an Arrow stream off, so that it looks incomplete", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const stream = await world.ask(`/v1/arrow?channels=${A}`, { as: "alice" });
    const { clients } = await listOf(world);
    await world.ask(`/v1/clients/${clients[0].id}`, {
      method: "DELETE",
      as: "ops",
    });
    await assert.rejects(stream.arrayBuffer());
  });

  it("knows no other ids", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const stream = await world.ask(STREAM, { as: "alice" });
    for (const id of ["1", "0", "x".repeat(5000), "%00", "of-alice"]) {
      const answer = await world.ask(`/v1/clients/${id}`, {
        method: "DELETE",
        as: "ops",
      });
      assert.equal(answer.status, 404, id.slice(0, 10));
      assert.ok((await answer.text()).length < 1000);
    }
    assert.equal((await listOf(world)).open, 1);
    await stream.body!.cancel();
  });
});
