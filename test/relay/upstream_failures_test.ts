// What a relay says about its upstreams: in its log, in /readyz and in /v1/status.
// Invariant: each reason is logged once until the upstream answers again, and shown as long as it lasts.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { DrivenSource } from "../driven_source.ts";
import { CHANNELS, RelayWorld, settle } from "./relay_world.ts";

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

const problem = (status: number, detail: string) => () =>
  Response.json({ detail }, { status });

describe("a relay whose upstream fails", () => {
  it("logs each reason once, and says why it is not ready", async () => {
    const upstream = world.upstream(["origin"]);
    const relay = await world.instance(upstream, {
      eventLoopDelayMaxMs: Infinity,
    });
    const reasons = () =>
      world.lines.flatMap(({ event, kind }) =>
        event === "upstream-failed" ? [kind] : []
      );
    await world.pass(3);
    assert.deepEqual(reasons(), ["unreachable"]);
    assert.match(relay.notReady().join(), /origin: connection refused/);
    world.servers.set("origin", problem(401, "no credential"));
    await world.pass(3);
    assert.deepEqual(reasons(), ["unreachable", "credential"]);
    assert.match(
      relay.notReady().join(),
      /status 401: no credential; name a token .* in --upstream-token-file/,
    );
    world.servers.delete("origin");
    await world.pass(3);
    world.servers.set("origin", problem(503, "full"));
    await world.pass(3);
    assert.deepEqual(reasons(), ["unreachable", "credential", "busy"]);
    const { source } = relay.status() as {
      source: { upstreams: Record<string, unknown>[] };
    };
    const [shown] = source.upstreams;
    assert.equal(shown!.upstream, "origin");
    assert.equal(shown!.state, "failed");
    assert.equal(shown!.kind, "busy");
    assert.match(String(shown!.reason), /--relay-streams-max/);
    const { failures } = upstream.status();
    assert.ok(failures!.unreachable! > 3 && failures!.credential! >= 3);

    const origin = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
    });
    await world.pass(5);
    origin.feeds.tick();
    await settle();
    assert.deepEqual(relay.notReady(), []);
    assert.equal(upstream.status().upstreams![0]!.state, "connected");
    assert.equal(upstream.status().upstreams![0]!.reason, null);
    assert.ok(Number.isFinite(upstream.status().upstreams![0]!.delayMs));
    world.servers.delete("origin");
    world.cut();
    await world.pass(2);
    assert.ok(world.lines.some(({ event }) => event === "upstream-connected"));
    assert.deepEqual(reasons().slice(3), ["closed", "unreachable"]);
  });

  it("says that it would read from itself, and what to do", async () => {
    const upstream = world.upstream(["self"]);
    const relay = await world.instance(upstream, { host: "self" });
    await world.pass(3);
    const { kind, reason } = upstream.status().upstreams![0]!;
    assert.equal(kind, "circle");
    assert.match(reason!, /in a circle; take one of the addresses out of/);
    assert.match(relay.notReady().join(), /circle/);
    assert.ok(world.lines.some(({ kind }) => kind === "circle"));
  });

  it("says that its upstream has no source", async () => {
    const source = new DrivenSource(CHANNELS);
    const status = source.status();
    source.status = () => ({
      ...status,
      reachable: false,
      lastContactClockMs: 0,
    });
    await world.instance(source, { host: "origin" });
    const relay = await world.instance(world.upstream(["origin"]));
    await world.pass(20);
    assert.match(
      relay.notReady().join(),
      /the upstream origin answers, and cannot reach its own source/,
    );
  });
});

describe("/v1/status of an origin", () => {
  it("counts the streams to relays by kind", async () => {
    const origin = await world.instance(new DrivenSource(CHANNELS), {
      host: "origin",
    });
    const relay = await world.instance(world.upstream(["origin"]));
    const { relays } = origin.status() as { relays: Record<string, unknown> };
    assert.equal(relays.channel_streams, 1);
    assert.equal(relays.block_streams, 0);
    assert.equal(relays.streams_max, 100);
    assert.equal((relay.status() as { relays?: unknown }).relays, undefined);
  });
});
