// What is added for older versions of Node does what the standard says.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { addMissingGlobals, FALLBACKS } from "../../src/edge/node_globals.ts";

const { fromBase64, toBase64, toHex, withResolvers } = FALLBACKS;

describe("what is added for older versions of Node", () => {
  it("writes and reads base64 and hexadecimal text as the runtime does", () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let length = 0; length < 256; length += 51) {
      const bytes = all.subarray(256 - length);
      assert.equal(toHex.call(bytes), bytes.toHex());
      for (const alphabet of ["base64", "base64url"] as const) {
        for (const omitPadding of [false, true]) {
          const options = { alphabet, omitPadding };
          const text = bytes.toBase64(options);
          assert.equal(toBase64.call(bytes, options), text);
          assert.deepEqual(fromBase64(text, { alphabet }), bytes);
        }
      }
    }
  });

  it("refuses what is no base64", () => {
    for (const text of ["a", "a*", "=a", "a-_"]) {
      assert.throws(() => fromBase64(text), SyntaxError, text);
      assert.throws(() => Uint8Array.fromBase64(text), SyntaxError, text);
    }
    assert.throws(
      () => fromBase64("a+/", { alphabet: "base64url" }),
      SyntaxError,
    );
  });

  it("makes a promise with its resolvers", async () => {
    const { promise, resolve } = withResolvers<number>();
    resolve(3);
    assert.equal(await promise, 3);
    const failing = withResolvers<number>();
    failing.reject(new Error("x"));
    await assert.rejects(failing.promise, /x/);
  });

  it("replaces nothing that the runtime has", () => {
    const before = [
      Uint8Array.prototype.toHex,
      Uint8Array.fromBase64,
      Promise.withResolvers,
    ];
    addMissingGlobals();
    assert.deepEqual(before, [
      Uint8Array.prototype.toHex,
      Uint8Array.fromBase64,
      Promise.withResolvers,
    ]);
  });
});
