// Pools of several workers over one table in shared memory, in one thread: what they refuse, what is left of a worker
// that has ended, and a table that is full.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type { ShareHolder } from "../../src/shares/share_holder.ts";
import { POOL_NAMES } from "../../src/shares/share_pools.ts";
import { poolMemory } from "../../src/shares/pool_memory.ts";
import { Random } from "../random.ts";
import { TableProcess } from "./table_pools.ts";

const OPTIONS = {
  capacity: 60,
  sharePercent: 70,
  maxOf: ({ limits }: ShareHolder) => limits.clientsMax,
};

/** Addresses, owners with limits of their own, and one that is counted only in the total. */
const HOLDERS: readonly ShareHolder[] = [
  { kind: "address", key: "", limits: {} },
  { kind: "address", key: "10.0.0.1", limits: {} },
  { kind: "address", key: "10.0.0.2", limits: {} },
  { kind: "address", key: "2001:db8:0:1::/64", limits: {} },
  { kind: "owner", key: "owner a", limits: { clientsMax: 5 } },
  { kind: "owner", key: "owner b", limits: { sharePercent: 20 } },
  { kind: "owner", key: "owner c", limits: { clientsMax: 0 } },
];

describe("pools of several workers", () => {
  it("refuse and count as one pool of one thread does, whatever workers do", () => {
    for (let seed = 1; seed <= 20; seed++) compareRandom(seed);
  });

  it("are as many as there are names, and do not mix", () => {
    const process = new TableProcess(2);
    const pools = POOL_NAMES.map((name) =>
      process.workers[0]!.pool(name, OPTIONS)
    );
    pools.forEach((pool, i) =>
      assert.equal(pool.take("10.0.0.1", i + 1), null)
    );
    assert.deepEqual(
      pools.map(({ used, size }) => [used, size]),
      pools.map((_, i) => [i + 1, 1]),
    );
    pools.forEach((pool, i) => pool.release("10.0.0.1", i + 1));
    assert.ok(pools.every(({ used, size }) => used + size === 0));
  });

  it("let a worker release only what it has taken itself", () => {
    const [a, b] = new TableProcess(2).pools(OPTIONS);
    assert.equal(a!.take("10.0.0.1", 2), null);
    assert.throws(() => b!.release("10.0.0.1"), /as it holds 0/);
    assert.throws(() => b!.release(""), /no address as it holds 0/);
    assert.equal(b!.take("10.0.0.1"), null);
    assert.throws(() => b!.release("10.0.0.1", 2), /as it holds 1/);
    // A release that throws leaves the lock free.
    assert.equal(a!.used, 3);
    a!.release("10.0.0.1", 2);
    assert.deepEqual([b!.used, b!.size], [1, 1]);
  });

  it("forget what a worker held when it ends, and count nothing that it still does", () => {
    const process = new TableProcess(3);
    const [a, b, c] = process.pools(OPTIONS);
    for (const pool of [a!, b!]) {
      assert.equal(pool.take("10.0.0.1", 3), null);
      assert.equal(pool.take("", 2), null);
    }
    assert.equal(b!.take("10.0.0.2"), null);
    process.columns.end(1);
    assert.deepEqual([c!.used, c!.size], [5, 1]);
    // The worker that has ended may still run for a moment.
    b!.release("10.0.0.1", 3);
    b!.release("10.0.0.2");
    b!.release("", 2);
    assert.equal(b!.take("10.0.0.9"), "full");
    assert.equal(b!.move("10.0.0.1", "10.0.0.9"), "full");
    assert.deepEqual([c!.used, c!.size], [5, 1]);
    process.start(1);
    const [, successor] = process.pools(OPTIONS);
    assert.equal(successor!.take("10.0.0.1"), null);
    b!.release("10.0.0.1");
    a!.release("10.0.0.1", 3);
    a!.release("", 2);
    assert.deepEqual([c!.used, c!.size], [1, 1]);
    successor!.release("10.0.0.1");
    assert.deepEqual([c!.used, c!.size], [0, 0]);
  });

  it("find every holder after workers have ended in any order", () => {
    const random = new Random(7);
    const process = new TableProcess(4, 300);
    const held = process.workers.map(() => new Map<string, number>());
    const options = { capacity: 10_000, sharePercent: 100 };
    for (let step = 0; step < 20_000; step++) {
      const worker = random.below(4);
      const address = `10.0.0.${random.below(200)}`;
      const pool = process.pools(options)[worker]!;
      const own = held[worker]!;
      if (random.once(500)) {
        process.columns.end(worker);
        process.start(worker);
        own.clear();
      } else if (random.once(2)) {
        assert.equal(pool.take(address), null);
        own.set(address, (own.get(address) ?? 0) + 1);
      } else if ((own.get(address) ?? 0) > 0) {
        pool.release(address);
        own.set(address, own.get(address)! - 1);
      }
    }
    const holders = new Set(
      held.flatMap((own) => [...own].filter(([, n]) => n > 0).map(([a]) => a)),
    );
    const [pool] = process.pools(options);
    assert.equal(pool!.size, holders.size);
    assert.equal(
      pool!.used,
      held.flatMap((own) => [...own.values()]).reduce((sum, n) => sum + n, 0),
    );
    held.forEach((own, worker) =>
      own.forEach((amount, address) => {
        if (amount > 0) {
          process.pools(options)[worker]!.release(address, amount);
        }
      })
    );
    assert.deepEqual([pool!.used, pool!.size], [0, 0]);
  });

  it("refuse a new holder as full, and count that, when the table has no room for one", () => {
    const process = new TableProcess(2, 3);
    const [a, b] = process.pools(OPTIONS);
    for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
      assert.equal(a!.take(address), null);
    }
    assert.equal(b!.take("10.0.0.4"), "full");
    assert.equal(b!.move("", "10.0.0.4"), "full");
    assert.deepEqual(process.workers.map((w) => w.refusedHolders), [0, 2]);
    // Those that are known are served, and so is one that has no address.
    assert.equal(b!.take("10.0.0.3"), null);
    assert.equal(b!.take(""), null);
    // The entry of the one that gives is free for the one that takes.
    assert.equal(a!.move("10.0.0.1", "10.0.0.4"), null);
    assert.equal(a!.move("10.0.0.3", "10.0.0.5"), "full");
    a!.release("10.0.0.2");
    assert.equal(b!.take("10.0.0.5"), null);
    assert.deepEqual([a!.used, a!.size], [5, 3]);
  });

  it("leave the lock free and the numbers right where the stack ends, in whatever call", () => {
    const [a, b] = new TableProcess(2).pools({
      capacity: 1e9,
      sharePercent: 99,
    });
    let taken = 0;
    let failed = 0;
    const dive = (...padding: number[]): void => {
      try {
        if (a!.take("10.0.0.1") === null) taken++;
        a!.take("");
        a!.move("", "10.0.0.1");
        a!.release("10.0.0.1");
        a!.move("10.0.0.1", "10.0.0.2");
        a!.release("10.0.0.2");
      } catch {
        failed++;
      }
      dive(...padding);
    };
    for (let words = 0; words < 40; words++) {
      assert.throws(() => dive(...new Array(words).fill(0)), RangeError);
    }
    assert.ok(taken > 1000 && failed > 40, `${taken} ${failed}`);
    // Another worker is not blocked, and everything that is counted can be released.
    const { used } = b!;
    let left = 0;
    for (const address of ["10.0.0.1", "10.0.0.2", ""]) {
      try {
        for (;; left++) a!.release(address);
      } catch (error) {
        assert.match((error as Error).message, /as it holds 0/);
      }
    }
    assert.deepEqual([left, b!.used, b!.size], [used, 0, 0]);
  });

  it("number the streams of all workers", () => {
    const { workers } = new TableProcess(2);
    const [a, b] = workers;
    const numbers = [a!, b!, b!, a!].map((pools) => pools.nextClientNumber());
    assert.deepEqual(numbers, [1, 2, 3, 4]);
  });

  it("report to the other workers who waits, until the worker ends", () => {
    const process = new TableProcess(3);
    const [a, b, c] = process.workers.map((pools) => pools.notice("resumes"));
    a!.set(3, 1);
    c!.set(2, 2);
    process.workers[2]!.notice("histories").set(100, 100);
    assert.deepEqual([a!.othersWaiting, a!.othersShort], [2, 2]);
    assert.deepEqual([b!.othersWaiting, b!.othersShort], [5, 3]);
    process.columns.end(0);
    assert.deepEqual([b!.othersWaiting, b!.othersShort], [2, 2]);
  });

  it("need memory for each client's entries in all pools, up to a limit", () => {
    const sizes = { workers: 4, connectionsMax: 0 };
    const small = poolMemory({ ...sizes, clientsMax: 10_000 });
    assert.equal(small.entriesMax, 72_768);
    assert.ok(
      small.bytes.byteLength < 6 * 2 ** 20,
      `${small.bytes.byteLength}`,
    );
    const large = poolMemory({ ...sizes, clientsMax: 1e6 });
    assert.equal(large.entriesMax, 2 ** 20);
  });
});

/** The same random operations on the table, by three workers, and on one pool with a map. */
function compareRandom(seed: number): void {
  const random = new Random(seed);
  const local = new LocalSharePool(OPTIONS);
  const table = new TableProcess(3).pools(OPTIONS);
  /** By worker and holder. */
  const held = table.map(() => HOLDERS.map(() => 0));
  for (let step = 0; step < 3000; step++) {
    const worker = random.below(3);
    const pool = table[worker]!;
    const own = held[worker]!;
    const from = random.below(HOLDERS.length);
    const to = random.below(HOLDERS.length);
    const amount = 1 + random.below(6);
    const has = own[from]! >= amount;
    const about = `seed ${seed}, step ${step}`;
    switch (random.below(3)) {
      case 0: {
        const expected = local.take(HOLDERS[to]!, amount);
        assert.equal(pool.take(HOLDERS[to]!, amount), expected, about);
        if (expected === null) own[to]! += amount;
        break;
      }
      case 1:
        if (!has) break;
        local.release(HOLDERS[from]!, amount);
        pool.release(HOLDERS[from]!, amount);
        own[from]! -= amount;
        break;
      case 2: {
        if (!has || from === to) break;
        const expected = local.move(HOLDERS[from]!, HOLDERS[to]!, amount);
        const moved = pool.move(HOLDERS[from]!, HOLDERS[to]!, amount);
        assert.equal(moved, expected, about);
        if (expected !== null) break;
        own[from]! -= amount;
        own[to]! += amount;
      }
    }
    for (const { used, size } of table) {
      assert.deepEqual([used, size], [local.used, local.size], about);
    }
  }
}
