// Rights that end while a stream is being opened: its body is on the way, or it waits for its turn.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { ClientRights } from "../../../src/clients/client_options.ts";
import { HeldOutlet } from "../../clients/held_outlet.ts";
import { A, OperatorsWorld } from "../operators_world.ts";

/** Two letters from a name that exists. */
const NEAR_A = `${A}XY`;

/** A request of alice whose body ends when the test says. */
async function slowPost(
  world: OperatorsWorld,
  body: unknown,
  path = "/v1/events",
) {
  const text = JSON.stringify(body);
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const send = (part: string) => writer.write(new TextEncoder().encode(part));
  const isRead = send(text.slice(0, 5));
  const answer = world.ask(path, {
    as: "alice",
    method: "POST",
    headers: { "content-type": "application/json" },
    body: readable,
    duplex: "half",
  } as RequestInit);
  // Then the sender is known, and its channels are looked up.
  await isRead;
  return async () => {
    void send(text.slice(5));
    void writer.close();
    const response = await answer;
    return { status: response.status, text: await response.text() };
  };
}

describe("a POST whose body arrives after a change of rights", () => {
  it("learns nothing and reads nothing with a token that was revoked", async () => {
    await using world = await OperatorsWorld.start({ owners: { alice: {} } });
    for (
      const [path, channels] of [
        ["/v1/events", [A]],
        ["/v1/events", [NEAR_A]],
        ["/v1/latest", [A]],
      ] as const
    ) {
      const finish = await slowPost(world, { channels }, path);
      world.tokens!.owners["alice"] = { isRevoked: true };
      world.tokens!.changed();
      const { status, text } = await finish();
      assert.equal(status, 401, text);
      assert.match(text, /has been revoked/);
      assert.doesNotMatch(text, /"near"/);
      world.tokens!.owners["alice"] = {};
      world.tokens!.changed();
    }
  });

  it("finds the channels of the new policy, and no others", async () => {
    await using world = await OperatorsWorld.start({ owners: { alice: {} } });
    const finish = [
      await slowPost(world, { channels: [A] }),
      await slowPost(world, { channels: [NEAR_A] }),
    ];
    world.tokens!.owners["alice"] = { match: "L1:.*" };
    world.tokens!.changed();
    for (const each of finish) {
      const { status, text } = await each();
      assert.equal(status, 404, text);
      assert.doesNotMatch(text.replace(/"near":\[\]/, ""), /"near":\["H1/);
    }
  });
});

describe("a client whose rights have ended while it waited", () => {
  async function admitWith(world: OperatorsWorld, rights: ClientRights) {
    const { hub, source: { catalog } } = world.qanat;
    const channel = catalog.get(A, null)!;
    await Promise.resolve();
    return hub.admission.admit([channel], "events", { address: "", rights });
  }

  it("is not admitted", async () => {
    await using world = await OperatorsWorld.start();
    for (
      const lost of ["expired", "revoked", "removed", "unfinished"] as const
    ) {
      const rights = {
        owner: "token:alice",
        account: null,
        shares: {},
        lost: () => lost,
      };
      const { kind } = await admitWith(world, rights);
      assert.equal(kind, "other-rights");
    }
    assert.equal(world.qanat.hub.figures.clients, 0);
  });

  it("is ended by the same check of all clients, however many parts it takes", async () => {
    await using world = await OperatorsWorld.start();
    const parts: ReturnType<ClientRights["lost"]>[] = [null];
    const rights = {
      owner: "token:alice",
      account: null,
      shares: {},
      lost: () => parts.length > 1 ? parts.shift()! : parts[0]!,
    };
    const admission = await admitWith(world, rights);
    assert.ok(admission.kind === "ready");
    const client = admission.open(new HeldOutlet());
    parts.splice(0, 1, "unfinished", "unfinished", "unfinished", "removed");
    world.qanat.hub.rightsChanged();
    while (parts.length > 1) await new Promise((go) => setTimeout(go, 1));
    await new Promise((go) => setTimeout(go, 1));
    assert.equal(client.ended, "removed");
  });
});
