// The bytes that slow clients get by their policy, and what becomes of those that stall, drain or find no slot.
import { describe, it } from "@std/testing/bdd";
import { A, B, embeddedOf, GoldenWorld } from "./golden_world.ts";

const EVENTS = `/v1/events?channels=${A},${B}`;
const ARROW = `/v1/arrow?channels=${A},${B}`;
/** Blocks of this channel fill a ring of 1 MiB within seconds. */
const WIDE = "H1:QANAT-NOISE_F32_16384";

describe("slow clients, byte by byte", () => {
  it("that stall for some rows, under every policy", () =>
    GoldenWorld.play("slow/some_rows", {}, async (world) => {
      const clients = [];
      for (const slow of ["gap", "latest", "close", "trend"]) {
        clients.push(await world.open(slow, `${EVENTS}&slow=${slow}`));
      }
      for (const slow of ["gap", "latest", "close"]) {
        clients.push(await world.open(slow, `${ARROW}&slow=${slow}`));
      }
      await world.publish(3);
      for (const client of clients) client.stall();
      await world.publish(40);
      for (const client of clients) client.goOn();
      await world.settle();
      await world.publish(3);
      await world.pass(2);
      await world.figures("gaps", "clients_", "catch_up", "trend");
    }));

  it("that the ring has passed, under every policy", () =>
    GoldenWorld.play(
      "slow/ring_has_passed",
      {
        channels: embeddedOf(A, B, WIDE),
        config: { writeStallMs: 600_000 },
      },
      async (world) => {
        const clients = [];
        for (const slow of ["gap", "latest", "close", "trend"]) {
          clients.push(await world.open(slow, `${EVENTS}&slow=${slow}`));
        }
        for (const slow of ["gap", "close"]) {
          clients.push(await world.open(slow, `${ARROW}&slow=${slow}`));
        }
        const wide = await world.open(
          "fills the ring",
          `/v1/arrow?channels=${WIDE}&slow=latest`,
        );
        await world.publish(3);
        for (const client of [...clients, wide]) client.stall();
        await world.publish(400);
        await wide.leave();
        wide.writes.length = 0;
        for (const client of clients) client.goOn();
        await world.settle();
        await world.publish(3);
        await world.pass(2);
        await world.figures("gaps", "clients_", "ring", "trend");
      },
    ));

  it("none of whose writes finishes are dropped", () =>
    GoldenWorld.play(
      "slow/stalled",
      { config: { writeStallMs: 5000 } },
      async (world) => {
        const clients = [
          await world.open("events", EVENTS),
          await world.open("Arrow", ARROW),
        ];
        await world.publish(2);
        for (const client of clients) client.stall();
        await world.publish(16);
        await world.pass(7);
        for (const client of clients) client.goOn();
        await world.settle();
      },
    ));

  it("keep the last slots of a short slab, and all continue as slots become free", () => {
    const names = [A, B, "H1:QANAT-NOISE_F32_256", "H1:QANAT-NOISE_F32_2048"];
    return GoldenWorld.play(
      "slow/slab_is_short",
      {
        channels: embeddedOf(...names, WIDE),
        // Four chunks, each for frames of one size.
        config: { slabMb: 1, retentionMb: 8, writeStallMs: 600_000 },
      },
      async (world) => {
        const held = [];
        for (const name of [...names, WIDE]) {
          for (const format of ["events", "arrow"] as const) {
            held.push(world.hold(`${format} of ${name}`, [name], format));
          }
        }
        for (const outlet of held) outlet.isStalled = true;
        await world.publish(6);
        await world.pass(1);
        await world.figures("slab", "gaps", "clients_", "uncharged");
        for (const outlet of held) outlet.isStalled = false;
        for (const outlet of held) outlet.finish();
        await world.settle();
        await world.publish(2);
        await world.figures("slab", "gaps", "clients_", "uncharged");
      },
    );
  });
});

describe("quiet streams, byte by byte", () => {
  it("get heartbeats, in every format", () =>
    GoldenWorld.play(
      "slow/heartbeats",
      { config: { heartbeatMs: 3000 } },
      async (world) => {
        await world.open("events", EVENTS);
        await world.open("gzip", EVENTS, {
          headers: { "accept-encoding": "gzip, identity;q=0" },
        });
        await world.open("events of Arrow", `${EVENTS}&encoding=arrow`);
        await world.open("Arrow", ARROW);
        await world.open("Arrow gzip", `${ARROW}&coding=gzip`);
        await world.open("trend", `${EVENTS}&trend=10s`);
        await world.publish(2);
        await world.pass(10, [world.topicOf(B)]);
        await world.pass(4);
      },
    ));
});

describe("a drain, byte by byte", () => {
  it("ends each client properly and admits no further client", () =>
    GoldenWorld.play("slow/drain", {}, async (world) => {
      const stalled = await world.open("stalled", EVENTS);
      await world.open("events", EVENTS);
      await world.open("Arrow", ARROW);
      await world.open("history", `${EVENTS}&start=1479469376`);
      await world.publish(2);
      stalled.stall();
      await world.publish(8);
      world.qanat.drain();
      await world.open("too late", EVENTS);
      await world.open("too late for readiness", "/readyz");
      stalled.goOn();
      await world.settle();
    }));
});
