// Tokens by chance: a changed one is never accepted, and signed ones with any claims are accepted or refused, never more.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import {
  newKey,
  NOW_S,
  signed,
  startedVerifier,
  type TestKey,
  type VerifierDouble,
} from "./issuer_double.ts";
import { Random } from "../../random.ts";

const BASE64URL =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CLAIMS = [
  "iss",
  "aud",
  "sub",
  "exp",
  "nbf",
  "iat",
  "scope",
  "scp",
  "ver",
  "groups",
  "error",
  "denial",
  "kind",
  "payload",
  "__proto__",
  "toString",
];

describe("tokens by chance", () => {
  let key: TestKey;
  let world: VerifierDouble;
  before(async () => {
    key = await newKey("key");
    world = await startedVerifier([key]);
  });
  after(() => world.verifier.close());

  it("are refused when a character has changed, unless it stands for the same bytes", async () => {
    const random = new Random(15);
    const token = await signed(key);
    const characters = `${BASE64URL}.= +/\u0000é`;
    for (let i = 0; i < 2000; i++) {
      const at = random.below(token.length);
      const changed = token.slice(0, at) +
        characters[random.below(characters.length)] +
        token.slice(at + random.below(3));
      const outcome = await world.verifier.verify(changed, "");
      if ("error" in outcome) continue;
      assert.deepEqual(bytesOf(changed), bytesOf(token), `position ${at}`);
    }
  });

  it("are accepted or refused, whatever their claims are", async () => {
    const random = new Random(16);
    const outcomes = { accepted: 0, refused: 0 };
    for (let i = 0; i < 800; i++) {
      const claims = Object.fromEntries(
        Array.from({ length: 1 + random.below(2) }, () => [
          CLAIMS[random.below(CLAIMS.length)]!,
          value(random, 0),
        ]),
      );
      const outcome = await world.verifier.verify(
        await signed(key, claims),
        "",
      );
      if ("error" in outcome) {
        assert.equal(outcome.error, "invalid_token");
        assert.equal(typeof outcome.detail, "string");
        outcomes.refused++;
      } else {
        assert.equal(outcome.kind, "jwt");
        assert.ok(outcome.subject.length > 0);
        assert.ok(outcome.expiresMs > NOW_S * 1000);
        for (const list of [outcome.scopes, outcome.groups]) {
          assert.ok(list.every((item) => typeof item === "string"));
        }
        outcomes.accepted++;
      }
    }
    assert.ok(outcomes.accepted > 50 && outcomes.refused > 50);
  });
});

/** Header and claims as they are, the signature as bytes. */
function bytesOf(token: string): unknown[] {
  const [header, claims, signature] = token.split(".");
  return [
    header,
    claims,
    Uint8Array.fromBase64(signature!, { alphabet: "base64url" }),
  ];
}

function value(random: Random, depth: number): unknown {
  switch (random.below(depth > 2 ? 8 : 10)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return NOW_S + 1000 - random.below(2000);
    case 3:
      return [-1, 0, 1e300, 0.5, -0][random.below(5)];
    case 4:
      return "";
    case 5:
      return "arrakis.read:/ openid";
    case 6:
      return ["alice", "\u0000", "\ud800", "ANY", "scitoken:9"][
        random.below(5)
      ];
    case 7:
      return "x".repeat(random.below(3000));
    case 8:
      return Array.from(
        { length: random.below(4) },
        () => value(random, depth + 1),
      );
    default:
      return { a: value(random, depth + 1) };
  }
}
