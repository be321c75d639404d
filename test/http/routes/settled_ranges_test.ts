// Which answers may be stored by caches: those of settled ranges alone, and nothing that is cut off, incomplete or may change.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { type TokenAccess, tokenAccess } from "../../auth/token_access.ts";
import { HeldOutlet } from "../../clients/held_outlet.ts";
import {
  A,
  B,
  FIRST,
  gpsOf,
  type Read,
  SettledWorld,
  STRIDE_NS,
} from "./settled_world.ts";

const PUBLIC = "public, max-age=86400, no-transform";
const NO_STORE = "no-store, no-transform";

function eventsOf(row: number, more = "duration=1"): string {
  return `/v1/events?channels=${A},${B}&start=${gpsOf(row)}&${more}`;
}

function arrowOf(row: number, more = "duration=1"): string {
  return `/v1/arrow?channels=${A},${B}&start=${gpsOf(row)}&${more}`;
}

/** It may be stored. */
function assertSettled({ status, headers, isWhole }: Read): string {
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), PUBLIC);
  assert.equal(headers.get("x-accel-buffering"), null);
  assert.ok(isWhole);
  const etag = headers.get("etag");
  assert.ok(etag !== null);
  return etag;
}

/** It must not be stored, and is answered all the same. */
function assertUnsettled({ status, headers, isWhole }: Read): void {
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), NO_STORE);
  assert.equal(headers.get("etag"), null);
  assert.equal(headers.get("x-accel-buffering"), "no");
  assert.ok(isWhole);
}

describe("a range of the page ring", () => {
  it("is settled when all of its blocks are there: one ETag, the same bytes", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const csv = `/v1/data?channels=${A}&start=${gpsOf(FIRST + 16)}&duration=1`;
    for (const path of [eventsOf(FIRST + 16), arrowOf(FIRST + 16), csv]) {
      const first = await world.read(path);
      const etag = assertSettled(first);
      assert.doesNotMatch(etag, /^W/);
      const vary = first.headers.get("vary")!.toLowerCase();
      assert.match(vary, /accept-encoding/);
      if (path.startsWith("/v1/arrow")) assert.match(vary, /accept(,|$)/);
      assert.match(vary, /last-event-id/);
      const second = await world.read(path);
      assert.equal(assertSettled(second), etag);
      assert.deepEqual(second.bytes, first.bytes);
    }
    assert.deepEqual(world.answers, {
      sent: 6,
      cut: 0,
      "not-modified": 0,
      unsettled: 0,
    });
  });

  it("has the same ETag and bytes after a restart, when it must be read again", async () => {
    const path = eventsOf(FIRST + 16);
    await using before = await SettledWorld.start();
    before.publish(64);
    const first = await before.read(path);
    await using after = await SettledWorld.start({ row: FIRST + 64 + 16 * 30 });
    after.publish(4);
    const again = await after.read(path);
    assert.equal(after.source.opened, 1);
    assert.equal(assertSettled(again), assertSettled(first));
    assert.deepEqual(again.bytes, first.bytes);
  });

  it("is not settled while a block is missing, though it is answered", async () => {
    await using world = await SettledWorld.start();
    world.publish(20);
    world.publish(1, [world.topicOf(B)]);
    world.publish(43);
    const short = await world.read(eventsOf(FIRST + 16));
    assertUnsettled(short);
    assert.match(new TextDecoder().decode(short.bytes), /"missing"/);
    assertUnsettled(await world.read(arrowOf(FIRST + 16)));
    // One channel has all of its blocks.
    const path = eventsOf(FIRST + 16).replace(`,${B}`, "");
    assertSettled(await world.read(path));
    assert.equal(world.answers["unsettled"], 2);
  });

  it("is not settled while its end is still to come", async () => {
    await using world = await SettledWorld.start();
    world.publish(40);
    const answer = world.read(eventsOf(FIRST + 30, "duration=0.75"));
    // Its end is past by the clock, and one block is late.
    while (world.qanat.hub.figures.clients === 0) {
      await new Promise((go) => setTimeout(go, 5));
    }
    world.publish(8);
    assertUnsettled(await answer);
  });
});

describe("a range of history", () => {
  const START = FIRST - 320;

  it("is settled when all of its blocks could be read before the first byte, once", async () => {
    await using world = await SettledWorld.start();
    world.publish(4);
    const first = await world.read(eventsOf(START, "duration=4"));
    const etag = assertSettled(first);
    assert.equal(world.source.opened, 1);
    assert.equal(
      new TextDecoder().decode(first.bytes).match(/^data: \{"time"/gm)?.length,
      64,
    );
    const second = await world.read(eventsOf(START, "duration=4"));
    assert.equal(assertSettled(second), etag);
    assert.deepEqual(second.bytes, first.bytes);
    assert.equal(world.qanat.hub.history.histories, 0);
  });

  it("is not settled when the log lacks a block, or begins later", async () => {
    await using world = await SettledWorld.start();
    world.publish(4);
    world.source.lost.add(`${world.topicOf(B)} ${START + 9}`);
    assertUnsettled(await world.read(eventsOf(START)));
    world.source.lost.clear();
    assertSettled(await world.read(eventsOf(START)));
    world.source.oldest = START + 1;
    const cut = await world.read(eventsOf(START, "duration=1&gaps=skip"));
    assertUnsettled(cut);
    assert.match(new TextDecoder().decode(cut.bytes), /"retention"/);
    assertSettled(await world.read(eventsOf(START + 1)));
  });

  it("is not settled when it cannot be read at once, or is too long to be held", async () => {
    await using world = await SettledWorld.start({ config: { historyMb: 1 } });
    world.publish(4);
    world.source.failures = 1;
    assertUnsettled(await world.read(eventsOf(START)));
    world.source.oldest = 0;
    const long = await world.read(
      eventsOf(FIRST - 16 * 90, "duration=75&gaps=skip"),
    );
    assertUnsettled(long);
    assertSettled(await world.read(eventsOf(START)));
  });

  it("is not promised while the page ring has a later part without a block", async () => {
    await using world = await SettledWorld.start();
    world.publish(20);
    world.publish(1, [world.topicOf(B)]);
    world.publish(20);
    assertUnsettled(await world.read(eventsOf(FIRST - 64, "duration=6")));
  });
});

describe("an answer that was promised to be settled", () => {
  function openSettled(world: SettledWorld, row: number) {
    const { hub, source: { catalog } } = world.qanat;
    const admission = hub.admission.admit(
      [catalog.get(A, null)!],
      "events",
      {
        address: "",
        startNs: BigInt(row) * STRIDE_NS,
        endNs: BigInt(row + 16) * STRIDE_NS,
      },
    );
    assert.ok(admission.kind === "ready");
    const outlet = new HeldOutlet();
    outlet.isStalled = true;
    return { outlet, client: admission.open(outlet, true) };
  }

  async function isOver(outlet: HeldOutlet): Promise<void> {
    for (let i = 0; i < 200 && outlet.ending === "open"; i++) {
      outlet.isStalled = false;
      outlet.finish();
      await new Promise((go) => setTimeout(go, 5));
    }
  }

  it("is sent whole", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const { outlet } = openSettled(world, FIRST + 16);
    await isOver(outlet);
    assert.equal(outlet.ending, "ended");
    assert.match(outlet.text, /"complete"/);
    assert.equal(world.answers["sent"], 1);
  });

  it("breaks off when a block was deleted meanwhile: it has no proper end", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    for (const lost of [FIRST - 310, FIRST - 320]) {
      world.source.lost.add(`${world.topicOf(A)} ${lost}`);
    }
    const { outlet, client } = openSettled(world, FIRST - 320);
    await isOver(outlet);
    assert.equal(outlet.ending, "cut short");
    assert.equal(client.ended, "gap");
    assert.equal(world.answers["cut"], 1);
    assert.equal(world.answers["sent"], 0);
  });

  it("breaks off when the server ends it for any reason", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const { hub } = world.qanat;
    for (
      const reason of ["drain", "age", "changed", "revoked", "slow"] as const
    ) {
      const { outlet, client } = openSettled(world, FIRST + 16);
      hub.lifecycle.end(client, reason);
      assert.equal(outlet.ending, "cut short", reason);
    }
    const { outlet, client } = openSettled(world, FIRST + 16);
    hub.lifecycle.drop(client, "stalled");
    assert.equal(outlet.ending, "destroyed");
    assert.equal(world.answers["cut"], 6);
    assert.equal(world.answers["sent"], 0);
  });

  it("has no heartbeat, however long it waits", async () => {
    await using world = await SettledWorld.start({
      config: { heartbeatMs: 1000 },
    });
    // Nothing was published yet: the client waits for its first row.
    const { outlet } = openSettled(world, FIRST - 100);
    outlet.isStalled = false;
    outlet.finish();
    const before = outlet.written.length;
    world.clock.index += 16 * 20;
    world.qanat.hub.tick();
    assert.equal(outlet.written.length, before);
  });
});

describe("If-None-Match", () => {
  it("is answered with 304 by what the client has, without a client or a read", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    for (const path of [eventsOf(FIRST - 320), arrowOf(FIRST + 16)]) {
      const etag = assertSettled(await world.read(path));
      const { opened } = world.qanat.hub.figures.counters;
      const reads = world.source.opened;
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
        for (const method of ["GET", "HEAD"]) {
          const headers = { "if-none-match": known };
          const answer = await world.read(path, { method, headers });
          assert.equal(answer.status, 304);
          assert.equal(answer.bytes.byteLength, 0);
          assert.equal(answer.headers.get("etag"), etag);
          assert.equal(answer.headers.get("cache-control"), PUBLIC);
          assert.notEqual(answer.headers.get("vary"), null);
          assert.equal(answer.headers.get("content-type"), null);
        }
      }
      assert.equal(world.qanat.hub.figures.counters.opened, opened);
      assert.equal(world.source.opened, reads);
      const headers = { "if-none-match": '"other"' };
      assertSettled(await world.read(path, { headers }));
    }
    assert.equal(world.answers["not-modified"], 12);
  });

  it("is not asked for where the answer could be another one", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const etag = assertSettled(await world.read(eventsOf(FIRST + 16)));
    const headers = { "if-none-match": etag };
    for (
      const more of ["duration=2", "duration=1&encoding=arrow", "duration=0.5"]
    ) {
      const { status } = await world.read(eventsOf(FIRST + 16, more), {
        headers,
      });
      assert.equal(status, 200);
    }
  });
});

describe("requests whose answers no cache may store", () => {
  it("ask for relative times, resume, or would get other rows when they are slow", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const now = (row: number) => `-${(FIRST + 64 - row) / 16}`;
    for (
      const path of [
        `/v1/events?channels=${A}&start=${now(FIRST + 16)}&duration=1`,
        `/v1/events?channels=${A}&start=${now(FIRST + 16)}&end=${
          gpsOf(FIRST + 32)
        }`,
        `/v1/events?channels=${A}&start=${gpsOf(FIRST + 16)}&end=${
          now(FIRST + 32)
        }`,
        eventsOf(FIRST + 16, "duration=1&slow=latest"),
        eventsOf(FIRST + 16, "duration=1&slow=trend"),
        eventsOf(
          FIRST + 16,
          `duration=1&after=${BigInt(FIRST + 20) * STRIDE_NS}`,
        ),
      ]
    ) assertUnsettled(await world.read(path));
    const id = String(BigInt(FIRST + 20) * STRIDE_NS);
    const headers = { "last-event-id": id };
    assertUnsettled(await world.read(eventsOf(FIRST + 16), { headers }));
    // None of them was a candidate.
    assert.equal(world.answers["unsettled"], 0);
  });

  it("are POSTed, or ask for headers alone", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const body = { channels: [A], start: gpsOf(FIRST + 16), duration: 1 };
    assertUnsettled(
      await world.read("/v1/events", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
    assertUnsettled(
      await world.read(eventsOf(FIRST + 16), { method: "HEAD" }),
    );
  });

  it("come back after the end of their range", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const headers = { "last-event-id": String(BigInt(FIRST + 32) * STRIDE_NS) };
    const over = await world.read(eventsOf(FIRST + 16), { headers });
    assert.equal(over.status, 204);
    assert.equal(over.headers.get("cache-control"), "no-store");
  });

  it("are all of them with --cache-max-age-s 0", async () => {
    await using world = await SettledWorld.start({
      config: { cacheMaxAgeS: 0 },
    });
    world.publish(64);
    assertUnsettled(await world.read(eventsOf(FIRST + 16)));
  });
});

describe("what caches are allowed", () => {
  it("is to ask again each time where an expression selects the channels", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const path = `/v1/events?match=.*&start=${gpsOf(FIRST + 16)}&duration=1`;
    const { headers } = await world.read(path);
    assert.equal(headers.get("cache-control"), "no-cache, no-transform");
    const again = { "if-none-match": headers.get("etag")! };
    assert.equal((await world.read(path, { headers: again })).status, 304);
  });

  it("is to keep compressed answers, under a weak ETag", async () => {
    await using world = await SettledWorld.start();
    world.publish(64);
    const packed = await world.read(arrowOf(FIRST + 16) + "&coding=gzip");
    assert.match(assertSettled(packed), /^W\/"/);
    assert.equal(packed.headers.get("content-encoding"), "gzip");
  });

  it("is nothing but private copies with authentication, and a revoked client gets no 304", async () => {
    let tokens!: TokenAccess;
    await using world = await SettledWorld.start({
      access: async (catalog) => {
        tokens = await tokenAccess(catalog, { alice: {}, bob: { match: A } });
        return tokens.access;
      },
    });
    world.publish(64);
    const as = (name: string, more: Record<string, string> = {}) => ({
      headers: { authorization: `Bearer t-${name}`, ...more },
    });
    const path = eventsOf(FIRST + 16);
    const first = await world.read(path, as("alice"));
    assert.equal(
      first.headers.get("cache-control"),
      "private, no-cache, no-transform",
    );
    const known = { "if-none-match": first.headers.get("etag")! };
    assert.equal((await world.read(path, as("alice", known))).status, 304);
    assert.equal((await world.read(path, as("bob", known))).status, 404);
    tokens.owners["alice"] = { isRevoked: true };
    tokens.changed();
    assert.equal((await world.read(path, as("alice", known))).status, 401);
    assert.equal((await world.read(path, { headers: known })).status, 401);
  });
});

describe("trends", () => {
  it("are settled when every bin has all samples of every channel", async () => {
    await using world = await SettledWorld.start();
    world.publish(16 * 5);
    const path = eventsOf(FIRST + 16, "duration=2&trend=1s");
    const first = await world.read(path);
    assertSettled(first);
    const again = await world.read(path);
    assert.deepEqual(again.bytes, first.bytes);
    assertSettled(await world.read(arrowOf(FIRST, "duration=2&trend=1s")));
  });

  it("are not while a bin lacks a block, or began before the recording", async () => {
    await using world = await SettledWorld.start();
    world.publish(20);
    world.publish(1, [world.topicOf(B)]);
    world.publish(16 * 4);
    for (const start of [FIRST - 16, FIRST + 16]) {
      assertUnsettled(
        await world.read(eventsOf(start, "duration=2&trend=1s&gaps=skip")),
      );
    }
    assertSettled(
      await world.read(eventsOf(FIRST + 32, "duration=1&trend=1s")),
    );
  });
});
