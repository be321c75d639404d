// Since when a relay has blocks: as its upstream says, which asks its own source.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { topicOf } from "../../src/channels/channel.ts";
import { DrivenSource } from "../driven_source.ts";
import { CHANNELS, RelayWorld } from "./relay_world.ts";

const { channel } = CHANNELS[0]!;
const TOPIC = topicOf(channel);
const OLDEST_MS = 23_671_000_000 * 62.5;

let world: RelayWorld;

class OldSource extends DrivenSource {
  oldestMs(topic: string): Promise<number | null> {
    return Promise.resolve(topic === TOPIC ? OLDEST_MS : null);
  }
}

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

describe("the oldest block of a relay's topic", () => {
  it("is that of its upstream, through any number of relays", async () => {
    await world.instance(new OldSource(CHANNELS), { host: "origin" });
    const near = world.upstream(["origin"]);
    await world.instance(near, { host: "near" });
    const far = world.upstream(["near"]);
    await world.instance(far);
    assert.equal(await near.oldestMs(TOPIC), OLDEST_MS);
    assert.equal(await far.oldestMs(TOPIC), OLDEST_MS);
    assert.equal(await far.oldestMs(topicOf(CHANNELS[1]!.channel)), null);
    assert.equal(await far.oldestMs("no-such-topic"), null);
  });

  it("is not known where the upstream does not say it, and an error where it says nonsense", async () => {
    await world.instance(new DrivenSource(CHANNELS), { host: "origin" });
    const source = world.upstream(["origin"]);
    await world.instance(source);
    assert.equal(await source.oldestMs(TOPIC), null);
    const serve = world.servers.get("origin")!;
    for (
      const [body, expected] of [
        [{}, null],
        [null, null],
        [{ available_from_ns: 5 }, /no time/],
        [{ available_from_ns: "soon" }, /no time/],
        ["{", /JSON/],
      ] as const
    ) {
      world.servers.set("origin", (request) => {
        const { pathname } = new URL(request.url);
        if (!pathname.startsWith("/v1/channels/")) return serve(request);
        return new Response(
          typeof body === "string" ? body : JSON.stringify(body),
          { headers: { "content-type": "application/json" } },
        );
      });
      if (expected === null) assert.equal(await source.oldestMs(TOPIC), null);
      else await assert.rejects(source.oldestMs(TOPIC), expected);
    }
    world.servers.delete("origin");
    await assert.rejects(source.oldestMs(TOPIC), /connection refused/);
  });
});
