// Random runs of a relay whose connections break at any byte, whose upstreams are restarted, and differ.
// Invariant: each row of a client behind the relay is, byte for byte, that of an instance that reads by itself; a row that
// is missing is in a gap that was reported.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { HeldOutlet } from "../clients/held_outlet.ts";
import { Random } from "../random.ts";
import {
  FIRST,
  LoggedSource,
  open,
  RelayWorld,
  settle,
} from "./relay_world.ts";

const STEPS = 240;
const SEEDS = [1, 2, 3, 4];
const STEPS_OF_SECOND = 16;
/** After an outage no block is late for so long. */
const GRACE_STEPS = 300;

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

interface Read {
  /** The text of each row's event, by its id. */
  readonly rows: Map<string, string>;
  /** Spans of gaps, GPS ns. */
  readonly gaps: { readonly from: bigint; readonly to: bigint }[];
  readonly ends: string[];
}

function read({ text }: HeldOutlet): Read {
  const rows = new Map<string, string>();
  const gaps: Read["gaps"] = [];
  const ends: string[] = [];
  let last = -1n;
  for (const event of text.split("\n\n")) {
    const [, id] = event.match(/^id: (\d+)/m) ?? [];
    const [, kind] = event.match(/^event: (\w+)/m) ?? [];
    const [, data] = event.match(/^data: (.*)/m) ?? [];
    if (kind === "gap") {
      const { from, to } = JSON.parse(data!);
      gaps.push({ from: BigInt(from), to: BigInt(to) });
    } else if (kind === "end") ends.push(data!);
    else if (id !== undefined && data?.includes("channels")) {
      assert.ok(BigInt(id) > last, "rows in their order");
      last = BigInt(id);
      rows.set(id, event);
    }
  }
  return { rows, gaps, ends };
}

function hasNone(client: HeldOutlet): boolean {
  return read(client).rows.size === 0;
}

/**
 * Rows of `expected` that a client behind a relay does not have; each of the others is the same, or says null where a block
 * was late, if `mayBeShort`.
 */
function missing(expected: Read, got: Read, mayBeShort = false): string[] {
  const begin = BigInt([...got.rows.keys()][0]!);
  const ids: string[] = [];
  for (const [id, event] of expected.rows) {
    if (BigInt(id) < begin) continue;
    const other = got.rows.get(id);
    if (other === undefined) ids.push(id);
    else if (!mayBeShort || !other.includes("null")) assert.equal(other, event);
  }
  for (const id of got.rows.keys()) assert.ok(expected.rows.has(id), id);
  assert.deepEqual(got.ends, []);
  return ids;
}

describe("a relay whose connections break", () => {
  for (const seed of SEEDS) {
    it(`at any byte loses nothing (seed ${seed})`, async () => {
      const random = randomOf(seed);
      const own = new LoggedSource(world.clock);
      const shared = new LoggedSource(world.clock);
      const direct = await world.instance(own);
      await world.instance(shared, { host: "origin" });
      const relay = await world.instance(world.upstream(["origin"]));
      const expected = open(direct, "events", { gaps: "skip" });
      const got = open(relay, "events", { gaps: "skip" });
      await settle();
      await settle();
      let isCutting = false;
      let cuts = 0;
      world.onPiece = (piece) => {
        if (!isCutting || random() > 0.05) return piece;
        cuts++;
        return piece.subarray(0, Math.floor(random() * piece.byteLength));
      };
      for (let i = 0; i < STEPS; i++) {
        isCutting = i > 20 && i < STEPS - 40;
        const index = FIRST + i;
        world.clock.index = index + 1;
        for (const source of [own, shared]) source.publishRow(index);
        await settle();
        if (i % STEPS_OF_SECOND === 0) world.tick();
        // A busy machine takes more turns to connect.
        for (let n = 0; i === 10 && n < 1000 && hasNone(got); n++) {
          await settle();
        }
      }
      await settle();
      assert.ok(cuts > 2, `${cuts} cuts`);
      const [all, some] = [read(expected), read(got)];
      assert.ok(some.rows.size > STEPS - 30);
      assert.deepEqual(missing(all, some), []);
    });
  }
});

describe("a relay of two upstreams that differ", () => {
  for (const seed of SEEDS) {
    it(`loses nothing that one of them has, or reports it (seed ${seed})`, async () => {
      const random = randomOf(seed);
      const own = new LoggedSource(world.clock);
      const direct = await world.instance(own);
      const hosts = ["one", "two"];
      const sources = hosts.map(() => new LoggedSource(world.clock));
      // The second one is behind by so many rows.
      const behind = [0, Math.floor(random() * 40)];
      for (const [i, host] of hosts.entries()) {
        await world.instance(sources[i]!, { host });
      }
      const relay = await world.instance(world.upstream(hosts));
      const expected = open(direct, "events", { gaps: "skip" });
      const got = open(relay, "events", { gaps: "skip" });
      await settle();
      await settle();
      const holes = new Set<number>();
      for (let i = 0; i < STEPS + GRACE_STEPS; i++) {
        if (random() < 0.02 && i > 20 && i < STEPS) holes.add(i);
        world.clock.index = FIRST + i + 1;
        own.publishRow(FIRST + i);
        for (const [k, source] of sources.entries()) {
          const row = i - behind[k]!;
          if (row < 0) continue;
          source.publishRow(FIRST + row, () => k === 0 || !holes.has(row));
        }
        const isSwitch = i > 20 && i < STEPS - 60 && random() < 0.03;
        if (isSwitch) {
          const [host, server] = [...world.servers][0]!;
          world.servers.delete(host);
          world.cut();
          await settle();
          world.servers.set(host, server);
        }
        await settle();
        if (i % STEPS_OF_SECOND === 0) world.tick();
      }
      await settle();
      const [all, some] = [read(expected), read(got)];
      // What the second one has not read yet is no loss.
      const last = [...some.rows.keys()].at(-1)!;
      const first = [...all.rows.keys()].at(-1 - behind[1]! - STEPS_OF_SECOND)!;
      assert.ok(BigInt(last) >= BigInt(first), "it does not end before");
      for (const id of missing(all, some, true)) {
        const end = BigInt(id);
        if (end > BigInt(last)) continue;
        const isTold = some.gaps.some(({ from, to }) =>
          from < end && end <= to
        );
        assert.ok(isTold, `row ${id} is missing, and no gap says so`);
      }
    });
  }
});

describe("a relay whose upstream is restarted", () => {
  for (const seed of SEEDS) {
    it(`continues with what the new one reads (seed ${seed})`, async () => {
      const random = randomOf(seed);
      const own = new LoggedSource(world.clock);
      const direct = await world.instance(own);
      const log = new Map<string, number[]>();
      let shared = new LoggedSource(world.clock, log);
      await world.instance(shared, { host: "origin" });
      const relay = await world.instance(world.upstream(["origin"]));
      const expected = open(direct, "events", { gaps: "skip" });
      const got = open(relay, "events", { gaps: "skip" });
      await settle();
      await settle();
      let backAt = -1;
      for (let i = 0; i < STEPS; i++) {
        world.clock.index = FIRST + i + 1;
        for (const source of [own, shared]) source.publishRow(FIRST + i);
        if (i === backAt) {
          shared = new LoggedSource(world.clock, log);
          await world.instance(shared, { host: "origin" });
        } else if (i > backAt && i < STEPS - 80 && random() < 0.02) {
          world.servers.delete("origin");
          world.cut();
          backAt = i + 1 + Math.floor(random() * 30);
        }
        await settle();
        if (i % STEPS_OF_SECOND === 0) world.tick();
        await settle();
      }
      const [all, some] = [read(expected), read(got)];
      assert.ok(some.rows.size > STEPS / 2);
      for (const id of missing(all, some)) {
        const end = BigInt(id);
        const isTold = some.gaps.some(({ from, to }) =>
          from < end && end <= to
        );
        assert.ok(isTold, `row ${id} is missing, and no gap says so`);
      }
    });
  }
});

/** Numbers from 0 to 1. */
function randomOf(seed: number): () => number {
  const random = new Random(seed);
  return () => random.below(1e6) / 1e6;
}
