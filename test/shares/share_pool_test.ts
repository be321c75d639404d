// What one address may hold of a pool, and what is left for the others; in both kinds of pools.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type {
  SharePool,
  SharePoolOptions,
} from "../../src/shares/share_pool.ts";
import { TableProcess } from "./table_pools.ts";

const A = "10.0.0.1";
const B = "10.0.0.2";

/** Takes until it is refused; how often that went well, and the refusal. */
function fill(pool: SharePool, address: string): [number, string] {
  for (let taken = 0;; taken++) {
    const refusal = pool.take(address);
    if (refusal !== null) return [taken, refusal];
  }
}

const KINDS: Readonly<
  Record<string, (options: SharePoolOptions) => SharePool>
> = {
  "a pool of one thread": (options) => new LocalSharePool(options),
  "a pool in shared memory": (options) =>
    new TableProcess(2).pools(options)[1]!,
};

for (const [name, newPool] of Object.entries(KINDS)) {
  describe(name, () => {
    it("leaves room for others (one address could take all of every pool)", () => {
      const pool = newPool({ capacity: 1000, sharePercent: 90 });
      assert.deepEqual(fill(pool, A), [900, "share"]);
      assert.deepEqual(fill(pool, B), [90, "share"]);
      assert.deepEqual(fill(pool, "10.0.0.3"), [9, "share"]);
      // An address that holds nothing gets the last one.
      assert.equal(pool.take("10.0.0.4"), null);
      assert.equal(pool.take("10.0.0.5"), "full");
      assert.equal(pool.used, 1000);
      pool.release(A);
      assert.equal(pool.take(A), "share");
      assert.equal(pool.take("10.0.0.5"), null);
    });

    it("gives each some of a small pool", () => {
      const four = newPool({ capacity: 4, sharePercent: 90 });
      assert.deepEqual(fill(four, A), [3, "share"]);
      assert.deepEqual(fill(four, B), [1, "full"]);
      const one = newPool({ capacity: 1, sharePercent: 90 });
      assert.deepEqual(fill(one, A), [1, "full"]);
      const none = newPool({ capacity: 0, sharePercent: 90 });
      assert.deepEqual(fill(none, A), [0, "full"]);
    });

    it("at 100 % gives one address all of it", () => {
      const pool = newPool({ capacity: 10, sharePercent: 100 });
      assert.deepEqual(fill(pool, A), [10, "full"]);
    });

    it("counts bytes as well as pieces", () => {
      const pool = newPool({ capacity: 1000, sharePercent: 50 });
      assert.equal(pool.take(A, 400), null);
      assert.equal(pool.take(A, 101), "share");
      assert.equal(pool.take(A, 100), null);
      assert.equal(pool.take(B, 600), "full");
      // More than its share at once, as it holds nothing.
      assert.equal(pool.take(B, 450), null);
      pool.release(A, 500);
      assert.equal(pool.used, 450);
      assert.throws(() => pool.release(B, 451), /as it holds 450/);
    });

    it("moves what one address holds to another, within its share", () => {
      const pool = newPool({ capacity: 4, sharePercent: 50 });
      for (const address of [A, A, B, "10.0.0.3"]) {
        assert.equal(pool.take(address), null);
      }
      assert.equal(pool.move(A, "10.0.0.4"), null);
      assert.equal(pool.move(A, B), "share");
      assert.equal(pool.move(B, B), null);
      assert.equal(pool.used, 4);
      for (const address of [A, B, "10.0.0.3", "10.0.0.4"]) {
        pool.release(address);
      }
      assert.equal(pool.used, 0);
    });

    it("counts an IPv6 /64 as one address (each of its 2^64 addresses had its own limit)", () => {
      const pool = newPool({ capacity: 100, sharePercent: 10 });
      for (let i = 1; i <= 10; i++) {
        assert.equal(pool.take(`2001:db8::${i}`), null);
      }
      assert.equal(pool.take("2001:db8::ffff"), "share");
      assert.equal(pool.size, 1);
      assert.equal(pool.take("2001:db8:0:1::1"), null);
      pool.release("2001:db8::5", 10);
      assert.equal(pool.size, 1);
    });

    it("takes so many of an address where that is limited, and forgets it with the last", () => {
      const pool = newPool({
        capacity: 100,
        sharePercent: 100,
        maxOf: () => 2,
      });
      assert.deepEqual(fill(pool, A), [2, "address"]);
      assert.equal(pool.take(B), null);
      assert.equal(pool.size, 2);
      pool.release(A);
      assert.equal(pool.take(A), null);
      pool.release(A, 2);
      pool.release(B);
      assert.equal(pool.size, 0);
      assert.throws(() => pool.release(A), /holds 0/);
    });

    it("counts who has no address in all only", () => {
      const pool = newPool({
        capacity: 100,
        sharePercent: 1,
        maxOf: () => 1,
      });
      assert.deepEqual(fill(pool, ""), [100, "full"]);
      pool.release("", 100);
      assert.deepEqual([pool.used, pool.size], [0, 0]);
      assert.throws(() => pool.release(""), /no address/);
    });
  });
}
