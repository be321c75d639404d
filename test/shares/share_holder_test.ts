// By whom shared pools are used: owners and addresses, with the limits that an operator grants.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  addressHolder,
  holderOf,
  type ShareLimits,
} from "../../src/shares/share_holder.ts";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type { SharePool } from "../../src/shares/share_pool.ts";

function owner(account: string | null, shares: ShareLimits = {}) {
  return holderOf({ address: "10.0.0.1", rights: { account, shares } });
}

/** Takes until it is refused; how often that went well, and the refusal. */
function fill(
  pool: SharePool,
  holder: ReturnType<typeof holderOf>,
): [number, string] {
  for (let taken = 0;; taken++) {
    const refusal = pool.take(holder);
    if (refusal !== null) return [taken, refusal];
  }
}

describe("a holder of shares", () => {
  it("is the account of a client where it has one, else its address", () => {
    assert.equal(owner("token:alice").kind, "owner");
    assert.deepEqual(owner(null), addressHolder("10.0.0.1"));
    assert.deepEqual(holderOf({ address: "10.0.0.1" }), owner(null));
  });

  it("never is an address, whatever an owner is called", () => {
    for (const name of ["", "10.0.0.1", "2001:db8::1", "owner 10.0.0.1"]) {
      assert.notEqual(owner(name).key, addressHolder(name).key, name);
      assert.notEqual(owner(name).key, "", name);
    }
    // The id of an owner is not an IPv6 address, of which only the /64 would count.
    const [a, b] = [
      "jwt:https://i/ 1:2:3:4:5:6:7:8",
      "jwt:https://i/ 1:2:3:4:9:9:9:9",
    ];
    assert.notEqual(owner(a!).key, owner(b!).key);
  });

  it("shares with other owners of its address, and with itself on other addresses", () => {
    const pool = new LocalSharePool({ capacity: 1000, sharePercent: 90 });
    assert.deepEqual(fill(pool, owner("token:alice")), [900, "share"]);
    const elsewhere = holderOf({
      address: "10.0.0.2",
      rights: { account: "token:alice", shares: {} },
    });
    assert.equal(pool.take(elsewhere), "share");
    assert.deepEqual(fill(pool, owner("token:bob")), [90, "share"]);
    assert.equal(pool.take("10.0.0.1"), null);
    assert.equal(pool.size, 3);
  });

  it("has limits of its own, which may change while it holds something", () => {
    const pool = new LocalSharePool({
      capacity: 100,
      sharePercent: 100,
      maxOf: ({ limits }) => limits.clientsMax ?? 10,
    });
    assert.deepEqual(fill(pool, owner("a", { clientsMax: 3 })), [3, "owner"]);
    assert.deepEqual(fill(pool, owner("b")), [10, "owner"]);
    assert.deepEqual(fill(pool, owner("c", { sharePercent: 10 })), [
      8,
      "share",
    ]);
    assert.deepEqual(fill(pool, owner("a", { clientsMax: 5 })), [2, "owner"]);
    pool.release(owner("a", { clientsMax: 1 }), 5);
    pool.release(owner("b"), 10);
    pool.release(owner("c"), 8);
    assert.deepEqual([pool.used, pool.size], [0, 0]);
  });

  it("of an address has the limits that the policy gives to everyone", () => {
    const pool = new LocalSharePool({
      capacity: 100,
      sharePercent: 100,
      maxOf: ({ limits }) => limits.clientsMax,
    });
    const anyone = owner(null, { clientsMax: 2 });
    assert.deepEqual(fill(pool, anyone), [2, "address"]);
  });
});
