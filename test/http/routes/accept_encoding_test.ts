import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { codingFor } from "../../../src/http/routes/accept_encoding.ts";

describe("codingFor()", () => {
  it("follows the rules of Accept-Encoding", () => {
    const cases: [string | undefined, string | null][] = [
      [undefined, "identity"],
      ["", "identity"],
      ["gzip", "gzip"],
      ["GZIP", "gzip"],
      ["x-gzip;q=0.5", "gzip"],
      ["gzip, deflate, br, zstd", "gzip"],
      ["deflate, br", "identity"],
      ["*", "gzip"],
      ["gzip;q=0", "identity"],
      ["gzip;q=0, *", "identity"],
      ["gzip;q=0.5, identity;q=1", "identity"],
      ["gzip;q=0.5, identity;q=0.4", "gzip"],
      ["identity;q=0, gzip;q=0.001", "gzip"],
      ["identity;q=0", null],
      ["*;q=0", null],
      ["br, *;q=0", null],
      ["gzip;q=0, identity;q=0", null],
      ["*;q=0, gzip", "gzip"],
    ];
    for (const [header, expected] of cases) {
      assert.equal(
        codingFor(header, ["gzip", "identity"]),
        expected,
        `Accept-Encoding: ${header}`,
      );
    }
  });

  it("chooses identity where it is offered first", () => {
    assert.equal(codingFor("gzip, identity", ["identity", "gzip"]), "identity");
    assert.equal(codingFor("identity;q=0, gzip", ["identity", "gzip"]), "gzip");
    assert.equal(codingFor("gzip", ["identity"]), "identity");
  });
});
