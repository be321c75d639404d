import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { AddressTable } from "../../src/clients/admission.ts";

describe("AddressTable", () => {
  it("takes so many clients of an address, and forgets it with the last", () => {
    const table = new AddressTable(2);
    assert.ok(table.take("10.0.0.1"));
    assert.ok(table.take("10.0.0.1"));
    assert.ok(!table.take("10.0.0.1"));
    assert.ok(table.take("10.0.0.2"));
    assert.equal(table.size, 2);
    assert.equal(table.most, 2);
    table.release("10.0.0.1");
    assert.ok(table.take("10.0.0.1"));
    table.release("10.0.0.1");
    table.release("10.0.0.1");
    table.release("10.0.0.2");
    assert.equal(table.size, 0);
  });

  it("refuses nobody at 0, and does not count who has no address", () => {
    const table = new AddressTable(0);
    for (let i = 0; i < 100; i++) assert.ok(table.take("10.0.0.1"));
    assert.equal(table.most, 100);
    const one = new AddressTable(1);
    for (let i = 0; i < 100; i++) assert.ok(one.take(""));
    one.release("");
    assert.equal(one.size, 0);
  });

  it("throws when more are released than were taken", () => {
    assert.throws(() => new AddressTable(0).release("10.0.0.1"), /has none/);
  });
});
