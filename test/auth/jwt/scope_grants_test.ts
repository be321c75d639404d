// What the scopes of a JWT allow where there is no policy.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { ANONYMOUS, type Claims } from "../../../src/auth/claims.ts";
import type { Grant } from "../../../src/auth/grant.ts";
import { grantOfScopes } from "../../../src/auth/jwt/scope_grants.ts";
import type { Channel } from "../../../src/channels/channel.ts";

const CHANNELS = [
  ["H1", "H1:STRAIN"],
  ["H1", "H1:STRAIN2"],
  ["H10", "H10:STRAIN"],
  ["h1", "h1:STRAIN"],
  ["H1", "H1:A/B"],
  ["H1", "H1:50%"],
  ["H1/X", "H1:C"],
] as const;

function grantOf(...scopes: string[]): Grant {
  const claims: Claims = { ...ANONYMOUS, kind: "jwt", subject: "a", scopes };
  return grantOfScopes(claims)!;
}

/** The names that these scopes allow. */
function allowed(...scopes: string[]): string[] {
  const grant = grantOf(...scopes);
  return CHANNELS.filter(([publisher, name]) =>
    grant.allows({ publisher, name } as Channel)
  ).map(([, name]) => name);
}

describe("scopes without a policy", () => {
  const all = CHANNELS.map(([, name]) => name);
  const ofH1 = ["H1:STRAIN", "H1:STRAIN2", "H1:A/B", "H1:50%"];

  for (
    const [scopes, names] of [
      [["arrakis.read:/"], all],
      [["arrakis.read"], all],
      [["openid", "arrakis.read:/"], all],
      [["arrakis.read:/H1"], ofH1],
      [["arrakis.read:/H1/"], ofH1],
      [["arrakis.read:/H1/H1:STRAIN"], ["H1:STRAIN"]],
      [["arrakis.read:/H1/H1:STRAIN/"], []],
      [["arrakis.read:/H1/H1:A/B"], ["H1:A/B"]],
      [["arrakis.read:/H1/H1:50%25"], ["H1:50%"]],
      [["arrakis.read:/H1/H1:50%"], ["H1:50%"]],
      [["arrakis.read:/H1/X"], []],
      [["arrakis.read:/H1%2fX"], []],
      [["arrakis.read:/H10", "arrakis.read:/h1"], ["H10:STRAIN", "h1:STRAIN"]],
      [["arrakis.read:/H1/H10:STRAIN"], []],
      [["arrakis.read:/.*"], []],
      [["arrakis.create:/"], []],
      [["arrakis.readx:/", "xarrakis.read:/", "ARRAKIS.READ:/"], []],
      [["read:/"], []],
      [["arrakis.read:/H1/../H10"], []],
      [["arrakis.read:/H10", "relative:H1", "arrakis.read:/H1"], [
        "H10:STRAIN",
      ]],
      [[], []],
    ] as const
  ) {
    it(`${scopes.join(" ") || "none"}: ${names.length} of ${all.length}`, () => {
      assert.deepEqual(allowed(...scopes), names);
    });
  }

  it("only `qanat.operate` for everything makes an operator", () => {
    assert.equal(grantOf("qanat.operate").isOperator, true);
    assert.equal(grantOf("qanat.operate:/").isOperator, true);
    assert.equal(grantOf("qanat.operate:/H1").isOperator, false);
    assert.equal(grantOf("arrakis.read:/").isOperator, false);
    assert.equal(grantOf("arrakis.read:/").readsAll, true);
    assert.equal(grantOf("arrakis.create:/").isEmpty, true);
  });

  it("`arrakis.create` allows to publish as a publisher, or as all", () => {
    for (
      const [scope, publishers] of [
        ["arrakis.create:/", ["H1", "H10", "L1/X"]],
        ["arrakis.create", ["H1", "H10", "L1/X"]],
        ["arrakis.create:/H1", ["H1"]],
        ["arrakis.create:/%48%31", ["H1"]],
        ["arrakis.create:/H1/", []],
        ["arrakis.create:/H1/X", []],
        ["arrakis.create:/h1", []],
        ["arrakis.read:/", []],
      ] as const
    ) {
      const grant = grantOf(scope);
      const may = ["H1", "H10", "L1/X"].filter((id) => grant.mayPublish(id));
      assert.deepEqual(may, publishers, scope);
    }
    const both = grantOf("arrakis.read:/", "arrakis.create:/L1");
    assert.ok(both.readsAll && both.mayPublish("L1") && !both.mayPublish("H1"));
  });

  it("nothing is said about other credentials", () => {
    const claims: Claims = { ...ANONYMOUS, scopes: ["arrakis.read:/"] };
    assert.equal(grantOfScopes(claims), null);
    assert.equal(grantOfScopes({ ...claims, kind: "token" }), null);
  });
});
