import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { LocalSharePool } from "../../src/shares/local_share_pool.ts";
import type { SharePool } from "../../src/shares/share_pool.ts";
import { Permit, takePermit } from "../../src/clients/permit.ts";

function permitFrom(pool: SharePool, address: string): Permit {
  const permit = takePermit("history", pool, address);
  assert.ok(permit instanceof Permit);
  return permit;
}

describe("Permit", () => {
  it("returns itself once, at the end of its scope or before", () => {
    const pool = new LocalSharePool({ capacity: 2, sharePercent: 100 });
    {
      using permit = permitFrom(pool, "10.0.0.1");
      assert.equal(pool.used, 1);
      permit[Symbol.dispose]();
      assert.equal(pool.used, 0);
    }
    assert.deepEqual([pool.used, pool.size], [0, 0]);
  });

  it("is refused where the pool is full", () => {
    const pool = new LocalSharePool({ capacity: 1, sharePercent: 100 });
    using _permit = permitFrom(pool, "10.0.0.1");
    assert.equal(takePermit("history", pool, "10.0.0.2"), "full");
  });

  it("passed to another address, it belongs to that one alone", () => {
    const pool = new LocalSharePool({ capacity: 1, sharePercent: 100 });
    const permit = permitFrom(pool, "10.0.0.1");
    const passed = permit.passTo("10.0.0.2")!;
    permit[Symbol.dispose]();
    assert.equal(pool.used, 1);
    assert.throws(() => permit.passTo("10.0.0.3"), /returned/);
    passed[Symbol.dispose]();
    assert.deepEqual([pool.used, pool.size], [0, 0]);
  });
});
