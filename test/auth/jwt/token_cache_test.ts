import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { ANONYMOUS, type Claims } from "../../../src/auth/claims.ts";
import type { IssuerKey } from "../../../src/auth/jwt/key_set.ts";
import {
  REFUSED_MAX,
  REFUSED_MS,
  TokenCache,
  tokenHashOf,
  VERIFIED_MAX,
} from "../../../src/auth/jwt/token_cache.ts";
import { refused } from "../../../src/auth/jwt/unverified_token.ts";
import { TestClock } from "./issuer_double.ts";

const KEY = { id: "k", text: "k" } as IssuerKey;

function cacheOf(isCurrent = () => true) {
  const clock = new TestClock();
  return { clock, cache: new TokenCache({ isCurrent, ...clock }) };
}

function claims(expiresMs: number): Claims {
  return { ...ANONYMOUS, kind: "jwt", subject: "a", expiresMs };
}

describe("the cache of tokens", () => {
  it("has a limit; the tokens that were used last stay", () => {
    const { cache } = cacheOf();
    const accept = (hash: string) =>
      cache.accept(hash, { claims: claims(Infinity), key: KEY });
    accept("often");
    for (let i = 0; i < VERIFIED_MAX; i++) {
      accept(`${i}`);
      assert.ok(cache.get("often"));
    }
    assert.equal(cache.size, VERIFIED_MAX);
    assert.equal(cache.get("0"), null);
  });

  it("a flood of refused tokens drops no valid one", () => {
    const { cache } = cacheOf();
    cache.accept("valid", { claims: claims(Infinity), key: KEY });
    for (let i = 0; i < 2 * REFUSED_MAX; i++) {
      cache.refuse(`${i}`, refused("no"));
    }
    assert.ok(cache.get("valid"));
    assert.equal(cache.get("0"), null);
    assert.ok(cache.get(`${2 * REFUSED_MAX - 1}`));
  });

  it("forgets a token when it expires or its key is withdrawn, and a refusal after a time", () => {
    let isListed = true;
    const { cache, clock } = cacheOf(() => isListed);
    const expiresMs = clock.unixMs() + 1000;
    cache.accept("a", { claims: claims(expiresMs), key: KEY });
    cache.accept("b", { claims: claims(Infinity), key: KEY });
    cache.refuse("c", refused("no"));
    clock.ms = 999;
    assert.ok(cache.get("a"));
    clock.ms = 1000;
    assert.equal(cache.get("a"), null);
    isListed = false;
    assert.equal(cache.get("b"), null);
    assert.equal(cache.size, 0);
    clock.ms = REFUSED_MS - 1;
    assert.ok(cache.get("c"));
    clock.ms = REFUSED_MS;
    assert.equal(cache.get("c"), null);
  });

  it("holds SHA-256 of tokens", () => {
    assert.equal(
      tokenHashOf("abc"),
      "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    );
  });
});
