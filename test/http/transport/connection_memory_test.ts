// The memory of requests that wait and of answers that are not read, of two workers that have one pool for each.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ConnectionFigures } from "../../../src/http/transport/connection_figures.ts";
import { ConnectionMemory } from "../../../src/http/transport/connection_memory.ts";
import { LocalSharePools } from "../../../src/shares/share_pools.ts";
import { TableProcess } from "../../shares/table_pools.ts";

const MIB = 1024 * 1024;

describe("the memory of connections", () => {
  it("of two workers holds 16 MiB of requests in all", () => {
    const figures = new ConnectionFigures();
    const [a, b] = new TableProcess(2).workers.map((sharePools) =>
      new ConnectionMemory({ figures, sharePools, workers: 2 })
    );
    assert.ok(a!.hold(10 * MIB));
    assert.ok(!b!.hold(6 * MIB + 1));
    assert.ok(b!.hold(6 * MIB));
    assert.ok(!a!.hold(1));
    assert.ok(a!.hold(0));
    assert.ok(a!.hold(-10 * MIB));
    assert.ok(b!.hold(10 * MIB));
    assert.equal(figures.heldBytes, 16 * MIB);
    assert.ok(b!.hold(-16 * MIB));
    assert.equal(figures.heldBytes, 0);
  });

  it("of answers leaves each worker its part, and what the others do not need", () => {
    const figures = new ConnectionFigures();
    const [a, b] = new TableProcess(2).workers.map((sharePools) =>
      new ConnectionMemory({ figures, sharePools, workers: 2 })
    );
    assert.equal(a!.measured(200 * MIB), 256 * MIB);
    // Together too much: the one with more than its half must close connections, the other one need not.
    assert.equal(b!.measured(100 * MIB), 128 * MIB);
    assert.equal(a!.measured(200 * MIB), 156 * MIB);
    assert.equal(figures.unreadBytes, 300 * MIB);
    assert.equal(a!.measured(156 * MIB), 156 * MIB);
    assert.equal(b!.measured(0), 128 * MIB);
    assert.equal(a!.measured(156 * MIB), 256 * MIB);
  });

  it("of two servers of one thread leaves each of them the whole limit", () => {
    const figures = new ConnectionFigures();
    const sharePools = new LocalSharePools();
    const [clients, operators] = [0, 1].map(() =>
      new ConnectionMemory({ figures, sharePools })
    );
    assert.equal(clients!.measured(200 * MIB), 256 * MIB);
    assert.equal(operators!.measured(200 * MIB), 256 * MIB);
    assert.equal(figures.unreadBytes, 400 * MIB);
  });
});
