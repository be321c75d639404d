// Each scope and what the Python package scitokens 1.9.7 makes of it (Enforcer._check_scope); null where it refuses.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { scopePath, scopePaths } from "../../../src/auth/jwt/scope_path.ts";

const AS_SCITOKENS: readonly [string, readonly [string, string] | null][] = [
  ["arrakis.read:/", ["arrakis.read", "/"]],
  ["arrakis.read", ["arrakis.read", "/"]],
  ["arrakis.read:", null],
  ["arrakis.read:H1", null],
  ["arrakis.read:~/H1", null],
  ["read", null],
  ["write", null],
  ["read:/a", ["read", "/a"]],
  ["arrakis.read://", ["arrakis.read", "/"]],
  ["arrakis.read:///", ["arrakis.read", "/"]],
  ["arrakis.read://H1", ["arrakis.read", "/H1"]],
  ["arrakis.read:///H1//X", ["arrakis.read", "/H1/X"]],
  ["arrakis.read:/H1/", ["arrakis.read", "/H1/"]],
  ["arrakis.read:/H1//", ["arrakis.read", "/H1/"]],
  ["arrakis.read:/./H1/.", ["arrakis.read", "/H1"]],
  ["arrakis.read:/.", ["arrakis.read", "/"]],
  ["arrakis.read:/./", ["arrakis.read", "/"]],
  ["arrakis.read:/..", null],
  ["arrakis.read:/H1/../L1", null],
  ["arrakis.read:/H1/..", null],
  ["arrakis.read:/%2e%2e", null],
  ["arrakis.read:/%2E%2e/x", null],
  ["arrakis.read:/.%2e", null],
  ["arrakis.read:/%2e", ["arrakis.read", "/"]],
  ["arrakis.read:/%2E", ["arrakis.read", "/%2E"]],
  ["arrakis.read:/%252e%252e", ["arrakis.read", "/%2e%2e"]],
  ["arrakis.read:/%2f", ["arrakis.read", "/%2f"]],
  ["arrakis.read:/a%2fb", ["arrakis.read", "/a%2fb"]],
  ["arrakis.read:/a%2Fb", ["arrakis.read", "/a%2Fb"]],
  ["arrakis.read:/a%2f..%2fb", ["arrakis.read", "/a%2f..%2fb"]],
  ["arrakis.read:/%41%4a%4A", ["arrakis.read", "/AJ%4A"]],
  ["arrakis.read:/a%", ["arrakis.read", "/a%"]],
  ["arrakis.read:/a%2", ["arrakis.read", "/a%2"]],
  ["arrakis.read:/a%zz", ["arrakis.read", "/a%zz"]],
  ["arrakis.read:/%%2e", ["arrakis.read", "/%."]],
  ["arrakis.read:/a%25b", ["arrakis.read", "/a%b"]],
  ["arrakis.read:/%c3%a9", ["arrakis.read", "/Ã©"]],
  ["arrakis.read:/é", ["arrakis.read", "/é"]],
  ["arrakis.read:/a:b", ["arrakis.read", "/a:b"]],
  ["a:b:c", null],
  ["", ["", "/"]],
  [":/x", ["", "/x"]],
  ["arrakis.read:/...", ["arrakis.read", "/..."]],
  ["arrakis.read:/a%3fb%2b%23", ["arrakis.read", "/a%3fb%2b%23"]],
  ["arrakis.read:/H1/ ", ["arrakis.read", "/H1/ "]],
  ["ARRAKIS.READ:/", ["ARRAKIS.READ", "/"]],
  ["arrakis.read:/a%00b", ["arrakis.read", "/a\u0000b"]],
  ["arrakis.read:/%2e/%2e/a", ["arrakis.read", "/a"]],
  ["arrakis.read:/a\\..\\b", ["arrakis.read", "/a\\..\\b"]],
];

describe("a scope", () => {
  for (const [scope, expected] of AS_SCITOKENS) {
    it(`${JSON.stringify(scope)} is read as scitokens reads it`, () => {
      const found = scopePath(scope);
      assert.deepEqual(found && [found.action, found.path], expected);
    });
  }

  it("that is not understood ends the list, as scitokens stops there", () => {
    const paths = scopePaths(["openid", "arrakis.read:/a", "read", "b:/c"]);
    assert.deepEqual(paths.map(({ path }) => path), ["/", "/a"]);
  });
});
