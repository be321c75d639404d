// The comparison of streams that were cut finds what differs, so that the suites that use it can fail.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { isSamePrefix, sameLive } from "./same_streams.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const HELLO = "event: hello\ndata: {}";
const row = (n: number) => `\n\nid: ${n}\ndata: [${n},${n}]`;

/** A message of Arrow: a marker, padding, and its time. */
function message(time: number): number[] {
  return [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, time, 1, 2, 3, 4, 5, 6, 7];
}

describe("sameLive()", () => {
  const a = bytes(HELLO + row(1) + row(2) + row(3));

  it("compares from the later first row to the earlier cut", () => {
    const b = bytes(HELLO + row(2) + row(3) + row(4));
    assert.equal(sameLive(a, b, false), row(2).length + row(3).length - 2);
    assert.equal(sameLive(b, a, false), row(2).length + row(3).length - 2);
    assert.equal(sameLive(a, a, false), a.length - HELLO.length - 2);
  });

  it("finds another head, another row, another order and a row that is missing", () => {
    for (
      const other of [
        "event: hallo\ndata: {}" + row(1) + row(2),
        HELLO + row(2).replace("2]", "3]") + row(3),
        HELLO + row(2) + "\n\nevent: gap" + row(3),
        HELLO + row(1) + row(3),
        HELLO + row(7),
      ]
    ) {
      assert.equal(sameLive(a, bytes(other), false), -1, other);
      assert.equal(sameLive(bytes(other), a, false), -1, other);
    }
  });

  it("compares messages of Arrow", () => {
    const body = (...times: number[]) => new Uint8Array(times.flatMap(message));
    assert.equal(sameLive(body(0, 1, 2, 3), body(0, 2, 3, 4), true), 32);
    assert.equal(sameLive(body(0, 1, 2, 3), body(9, 2, 3, 4), true), -1);
    assert.equal(sameLive(body(0, 1, 2, 3), body(0, 1, 3), true), -1);
  });
});

describe("isSamePrefix()", () => {
  it("compares the bytes that both have", () => {
    assert.ok(isSamePrefix(bytes("abc"), bytes("ab")));
    assert.ok(!isSamePrefix(bytes("abc"), bytes("ax")));
  });
});
