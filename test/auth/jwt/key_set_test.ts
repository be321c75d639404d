// Which keys of a JSON Web Key Set are used.
import { before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { exportJWK, generateKeyPair } from "jose";
import { KEYS_MAX, KeySet } from "../../../src/auth/jwt/key_set.ts";
import { newKey, type TestKey } from "./issuer_double.ts";

describe("a key set", () => {
  let rsa: TestKey, ec: TestKey;
  before(async () => {
    rsa = await newKey("rsa", "RS256");
    ec = await newKey("ec");
  });

  async function idsOf(...keys: unknown[]): Promise<(string | null)[]> {
    const set = await KeySet.of({ keys: [ec.jwk, ...keys] });
    return set.keys.slice(1).map(({ id }) => id);
  }

  it("has the keys for RS256 and ES256", async () => {
    const { keys } = await KeySet.of({ keys: [rsa.jwk, ec.jwk] });
    assert.deepEqual(keys.map(({ id, algorithm }) => [id, algorithm]), [
      ["rsa", "RS256"],
      ["ec", "ES256"],
    ]);
  });

  it("leaves out keys for other uses, of other types, and broken ones", async () => {
    const p384 = await generateKeyPair("ES384", { extractable: true });
    const small = rsa.jwk["n"] as string;
    for (
      const key of [
        { ...rsa.jwk, use: "enc" },
        { ...rsa.jwk, alg: "PS256" },
        { ...rsa.jwk, key_ops: ["encrypt"] },
        { ...rsa.jwk, kid: 1 },
        { ...rsa.jwk, kid: "x".repeat(257) },
        { ...rsa.jwk, d: "AQAB" },
        { ...rsa.jwk, n: small.slice(0, 170) },
        { ...rsa.jwk, n: small.repeat(5) },
        { ...rsa.jwk, e: "x".repeat(300) },
        { ...rsa.jwk, n: "*".repeat(342) },
        { ...rsa.jwk, n: "A".repeat(342) },
        { kty: "oct", k: "c2VjcmV0", kid: "secret" },
        await exportJWK(p384.publicKey),
        { kty: "EC", crv: "P-256" },
        null,
        [],
        "key",
      ]
    ) {
      assert.deepEqual(await idsOf(key), [], JSON.stringify(key));
    }
    assert.deepEqual(await idsOf({ ...rsa.jwk, alg: "RS256" }), ["rsa"]);
  });

  it("is refused as a whole where it has no usable key, or too many", async () => {
    for (const document of [{}, { keys: {} }, null, [], "x"]) {
      await assert.rejects(KeySet.of(document), /no list 'keys'/);
    }
    await assert.rejects(KeySet.of({ keys: [] }), /no public key/);
    const many = Array.from({ length: KEYS_MAX + 1 }, () => ec.jwk);
    await assert.rejects(KeySet.of({ keys: many }), /65 keys/);
  });

  it("finds a key by its id; without an id the only one, as scitokens does", async () => {
    const both = await KeySet.of({ keys: [rsa.jwk, ec.jwk] });
    assert.equal(both.find("ec")?.algorithm, "ES256");
    assert.equal(both.find("EC"), null);
    assert.equal(both.find(undefined), null);
    const one = await KeySet.of({ keys: [ec.jwk] });
    assert.equal(one.find(undefined)?.id, "ec");
    const hidden = { ...rsa.jwk, use: "enc" };
    const two = await KeySet.of({ keys: [ec.jwk, hidden] });
    assert.equal(two.find(undefined), null);
  });

  it("knows a key again when it is read once more, and not another one of the same id", async () => {
    const [set, again] = [
      await KeySet.of({ keys: [ec.jwk] }),
      await KeySet.of({ keys: [rsa.jwk, ec.jwk] }),
    ];
    assert.equal(again.has(set.keys[0]!), true);
    assert.equal(set.equals(again), false);
    const other = await newKey("ec");
    const replaced = await KeySet.of({ keys: [other.jwk] });
    assert.equal(replaced.has(set.keys[0]!), false);
  });
});
