// The bearer token of the header Authorization.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { bearerOf } from "../../src/auth/authorization_header.ts";

describe("bearerOf()", () => {
  for (
    const [header, token] of [
      ["", null],
      ["Bearer a.b.c", "a.b.c"],
      ["bearer   a  ", "a"],
      ["BEARER a,b", "a,b"],
    ] as const
  ) {
    it(`${JSON.stringify(header)}: ${token}`, () => {
      assert.equal(bearerOf(header), token);
    });
  }

  for (
    const [header, error] of [
      ["Bearer", "invalid_request"],
      ["Bearer a b", "invalid_request"],
      ["Bearer a, Bearer a", "invalid_request"],
      ["Bearer a, Basic eDp5", "invalid_request"],
      ["Basic eDp5", "invalid_token"],
      ["Basic eDp5, Bearer a", "invalid_token"],
      ["a", "invalid_token"],
      ["Bearers a", "invalid_token"],
      [" Bearer a", "invalid_token"],
      [", Bearer a", "invalid_token"],
    ] as const
  ) {
    it(`${JSON.stringify(header)}: ${error}, and how to send it`, () => {
      const denial = bearerOf(header);
      assert.ok(typeof denial === "object" && denial !== null);
      assert.equal(denial.error, error);
      assert.match(denial.detail, /'Authorization: Bearer TOKEN'/);
    });
  }
});
