// Which tokens are accepted, and the attacks on them.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { type CryptoKey, exportSPKI, importJWK, SignJWT } from "jose";
import { AccessControl } from "../../../src/auth/access_control.ts";
import type { Claims } from "../../../src/auth/claims.ts";
import type { Denial } from "../../../src/auth/denial.ts";
import { REFUSED_MS } from "../../../src/auth/jwt/token_cache.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import {
  AUDIENCE,
  ISSUER,
  newKey,
  NOW_S,
  part,
  signed,
  startedVerifier,
  type TestKey,
  type VerifierDouble,
} from "./issuer_double.ts";

const OTHER_ISSUER = "https://other.example.org";

describe("a verifier of JWTs", () => {
  let rsa: TestKey, ec: TestKey, foreign: TestKey;
  let world: VerifierDouble;
  const opened: VerifierDouble[] = [];

  before(async () => {
    rsa = await newKey("rsa", "RS256");
    ec = await newKey("ec");
    foreign = await newKey("ec");
    world = await started();
  });
  after(() => opened.forEach(({ verifier }) => verifier.close()));

  async function started(
    options: Parameters<typeof startedVerifier>[1] = {},
    keys: readonly TestKey[] = [rsa, ec],
  ): Promise<VerifierDouble> {
    const made = await startedVerifier(keys, options);
    opened.push(made);
    return made;
  }

  async function accepted(
    token: string,
    { verifier } = world,
  ): Promise<Claims> {
    const outcome = await verifier.verify(token, "192.0.2.1");
    if ("error" in outcome) throw new Error(outcome.detail);
    return outcome;
  }

  /** The refusal; it never contains a part of the token. */
  async function refusal(
    token: string,
    { verifier } = world,
  ): Promise<Denial> {
    const outcome = await verifier.verify(token, "192.0.2.1");
    assert.ok("error" in outcome, "the token is accepted");
    for (const piece of token.split(".")) {
      if (piece.length > 8) assert.ok(!outcome.detail.includes(piece));
    }
    return outcome;
  }

  async function assertInvalid(token: string, why: RegExp, at = world) {
    const { error, detail } = await refusal(token, at);
    assert.equal(error, "invalid_token", detail);
    assert.match(detail, why);
  }

  for (const algorithm of ["RS256", "ES256"] as const) {
    it(`accepts ${algorithm}`, async () => {
      const token = await signed(algorithm === "RS256" ? rsa : ec, {
        groups: ["cal", "sus"],
        scope: "arrakis.read:/H1 openid",
      });
      assert.equal(world.verifier.recognizes(token), true);
      assert.deepEqual(await accepted(token), {
        kind: "jwt",
        subject: "alice",
        issuer: ISSUER,
        groups: ["cal", "sus"],
        scopes: ["arrakis.read:/H1", "openid"],
        tokenHash: "",
        expiresMs: (NOW_S + 605) * 1000,
      });
    });
  }

  it("refuses `alg: none`", async () => {
    const [, claims, signature] = (await signed(ec)).split(".");
    const none = part({ alg: "none", kid: "ec" });
    await assertInvalid(`${none}.${claims}.`, /RS256 or ES256/);
    await assertInvalid(`${none}.${claims}.${signature}`, /RS256 or ES256/);
    const real = part({ alg: "ES256", kid: "ec" });
    await assertInvalid(`${real}.${claims}.`, /no signature/);
  });

  it("refuses HS256 with the public key as secret", async () => {
    const key = await importJWK(rsa.jwk, "RS256", { extractable: true });
    const secret = new TextEncoder().encode(await exportSPKI(key as CryptoKey));
    const token = await new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: "a" })
      .setProtectedHeader({ alg: "HS256", kid: "rsa" })
      .setExpirationTime(NOW_S + 600).sign(secret);
    await assertInvalid(token, /RS256 or ES256/);
  });

  it("refuses other algorithms of the same key", async () => {
    for (const alg of ["PS256", "RS512", "ES384", "EdDSA", "rs256", ""]) {
      const [, claims, signature] = (await signed(rsa)).split(".");
      const token = `${part({ alg, kid: "rsa" })}.${claims}.${signature}`;
      await assertInvalid(token, /RS256 or ES256/);
    }
  });

  it("refuses a key of the other algorithm", async () => {
    const token = await signed(ec, {}, { kid: "rsa" });
    await assertInvalid(token, /not for the algorithm/);
  });

  it("takes a key id as nothing but a name: paths, addresses and prototypes are unknown keys, and nothing is fetched for them", async () => {
    const before = world.documents.reads.length;
    for (
      const kid of [
        "../../../../dev/null",
        "/etc/passwd",
        "file:///dev/null",
        "https://evil.example.org/keys",
        "ec' OR '1'='1",
        "__proto__",
        "constructor",
        "",
        "EC",
        "ec\u0000",
      ]
    ) {
      await assertInvalid(await signed(ec, {}, { kid }), /does not list/);
    }
    assert.equal(world.documents.reads.length, before);
    for (const kid of [["ec"], { ec: 1 }, 1, "k".repeat(257)]) {
      const [, claims, signature] = (await signed(ec)).split(".");
      const token = `${part({ alg: "ES256", kid })}.${claims}.${signature}`;
      await assertInvalid(token, /key id/);
    }
  });

  it("ignores keys, and addresses of keys, that a token brings along", async () => {
    const before = world.documents.reads.length;
    for (const kid of [undefined, "ec", "mine"]) {
      const token = await signed(foreign, {}, {
        kid,
        jwk: foreign.jwk,
        jku: "https://evil.example.org/keys",
        x5u: "https://evil.example.org/cert",
      });
      await assertInvalid(token, /signature does not match|does not list/);
    }
    assert.equal(world.documents.reads.length, before);
  });

  it("refuses extensions that a token declares critical", async () => {
    const [, claims, signature] = (await signed(ec)).split(".");
    for (const crit of [["exp"], ["b64"], [], "b64"]) {
      const header = part({ alg: "ES256", kid: "ec", b64: true, crit });
      await assertInvalid(`${header}.${claims}.${signature}`, /crit/);
    }
  });

  it("refuses a token whose claims were changed", async () => {
    const [header, , signature] = (await signed(ec)).split(".");
    const claims = part({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: "root",
      exp: NOW_S + 600,
    });
    await assertInvalid(`${header}.${claims}.${signature}`, /signature/);
  });

  it("refuses a token of another issuer with the same key id, and fetches nothing for it", async () => {
    const before = world.documents.reads.length;
    await assertInvalid(
      await signed(foreign, { iss: OTHER_ISSUER }),
      /issuer .* not one/,
    );
    await assertInvalid(await signed(ec, { iss: `${ISSUER}/` }), /not one/);
    await assertInvalid(await signed(ec, { iss: [ISSUER] }), /not one/);
    await assertInvalid(await signed(ec, { iss: undefined }), /not one/);
    // It names the right issuer, but is signed with the other one's key.
    await assertInvalid(await signed(foreign), /signature/);
    assert.equal(world.documents.reads.length, before);
  });

  it("checks each issuer's tokens with that issuer's keys only", async () => {
    const two = await started({ issuers: [ISSUER, OTHER_ISSUER] });
    two.documents.publish([foreign], OTHER_ISSUER);
    two.clock.ms += 60_000;
    const { issuer } = await accepted(
      await signed(foreign, { iss: OTHER_ISSUER }),
      two,
    );
    assert.equal(issuer, OTHER_ISSUER);
    await assertInvalid(
      await signed(ec, { iss: OTHER_ISSUER }),
      /signature/,
      two,
    );
    await assertInvalid(await signed(foreign), /signature/, two);
  });

  it("accepts the audiences of the settings and ANY, and no other", async () => {
    for (
      const aud of [AUDIENCE, "ANY", [AUDIENCE], ["x", "ANY"], ["x", AUDIENCE]]
    ) {
      await accepted(await signed(ec, { aud }));
    }
    for (const aud of ["https://other", `${AUDIENCE}/`, ["x"], [], "any", 1]) {
      await assertInvalid(await signed(ec, { aud }), /another audience/);
    }
    await assertInvalid(await signed(ec, { aud: undefined }), /no claim 'aud'/);
  });

  it("needs `exp` and `sub`", async () => {
    await assertInvalid(await signed(ec, { exp: undefined }), /exp/);
    await assertInvalid(await signed(ec, { exp: `${NOW_S + 600}` }), /exp/);
    await assertInvalid(await signed(ec, { sub: undefined }), /'sub'/);
    for (const sub of ["", 7, null, "a\nb", "x".repeat(257)]) {
      await assertInvalid(await signed(ec, { sub }), /'sub'/);
    }
  });

  it("accepts a token up to the tolerance of clocks, and not a second longer", async () => {
    await accepted(await signed(ec, { exp: NOW_S - 4 }));
    await assertInvalid(await signed(ec, { exp: NOW_S - 5 }), /expired/);
    await accepted(await signed(ec, { nbf: NOW_S + 5 }));
    await assertInvalid(await signed(ec, { nbf: NOW_S + 6 }), /not valid/);
    await accepted(await signed(ec, { iat: NOW_S + 5 }));
    await assertInvalid(await signed(ec, { iat: NOW_S + 6 }), /issued/);
  });

  it("without tolerance, refuses a token in the second in which it expires", async () => {
    const strict = await started({ toleranceS: 0 });
    await accepted(await signed(ec, { exp: NOW_S + 1 }), strict);
    await assertInvalid(await signed(ec, { exp: NOW_S }), /expired/, strict);
    await assertInvalid(
      await signed(ec, { nbf: NOW_S + 1 }),
      /not valid/,
      strict,
    );
  });

  it("a token that was accepted ends with its time, though it is remembered", async () => {
    const world = await started();
    const token = await signed(ec);
    await accepted(token, world);
    world.clock.ms = 604_999;
    await accepted(token, world);
    world.clock.ms = 605_000;
    await assertInvalid(token, /expired/, world);
    assert.equal(world.verifier.counters.checks, 1);
  });

  it("refuses numbers that are no time", async () => {
    for (const exp of [-1, null, {}, "9", true]) {
      await assertInvalid(await signed(ec, { exp }), /'exp'/);
    }
    await assertInvalid(await signed(ec, { nbf: "0" }), /'nbf'/);
    await assertInvalid(await signed(ec, { iat: null }), /'iat'/);
  });

  it("refuses a later version of SciTokens", async () => {
    await accepted(await signed(ec, { ver: "scitoken:2.0" }));
    await accepted(await signed(ec, { ver: "1.0" }));
    await assertInvalid(await signed(ec, { ver: "scitoken:3.0" }), /'ver'/);
  });

  it("takes groups from the claim of the settings, which may lie deeper", async () => {
    const deep = { realm_access: { roles: ["a"] }, "wlcg.groups": ["/b"] };
    const token = await signed(ec, deep);
    for (
      const [groupsClaim, groups] of [
        ["realm_access.roles", ["a"]],
        ["wlcg.groups", ["/b"]],
        ["groups", []],
        ["realm_access.none", []],
        ["constructor.name", []],
      ] as const
    ) {
      const at = await started({ groupsClaim });
      assert.deepEqual((await accepted(token, at)).groups, groups);
    }
    const wrong = await signed(ec, { groups: [1] });
    await assertInvalid(wrong, /'groups' must be a list/);
  });

  it("reads `scp` as scitokens does, and of both claims what both allow", async () => {
    const scopes = async (claims: Record<string, unknown>) =>
      (await accepted(await signed(ec, claims))).scopes;
    assert.deepEqual(await scopes({ scope: undefined, scp: ["a", "b"] }), [
      "a",
      "b",
    ]);
    assert.deepEqual(await scopes({ scope: undefined, scp: "a b" }), ["a b"]);
    assert.deepEqual(await scopes({ scope: "a b", scp: ["b", "c"] }), ["b"]);
    assert.deepEqual(await scopes({ scope: undefined }), []);
    await assertInvalid(await signed(ec, { scope: ["a"] }), /'scope'/);
  });

  it("limits scopes, groups, header and the token", async () => {
    const many = Array.from({ length: 257 }, (_, i) => `${i}`);
    await assertInvalid(await signed(ec, { scope: many.join(" ") }), /257/);
    await assertInvalid(await signed(ec, { groups: many }), /257/);
    const long = "x".repeat(1025);
    await assertInvalid(await signed(ec, { scope: long }), /1024/);
    await assertInvalid(await signed(ec, { groups: [long] }), /1024/);
    await assertInvalid(
      await signed(ec, {}, { extra: "x".repeat(2000) }),
      /header is longer/,
    );
  });

  it("a huge token is refused before any of it is read", async () => {
    const { verifier } = world;
    const before = verifier.counters.checks;
    const access = new AccessControl({
      catalog: new Catalog(),
      verifiers: [verifier],
    });
    const token = await signed(ec, { pad: "x".repeat(1_000_000) });
    const outcome = await access.authenticate({
      authorization: `Bearer ${token}`,
      session: null,
      address: "",
    });
    access.close();
    assert.ok("error" in outcome);
    assert.equal(outcome.error, "invalid_request");
    assert.equal(verifier.counters.checks, before);
  });

  it("refuses what only looks like a JWT, without a check of signatures", async () => {
    const before = world.verifier.counters.checks;
    const [header, claims, signature] = (await signed(ec)).split(".");
    for (
      const token of [
        `${header}.${claims}`,
        `${header}.${claims}.${signature}.${signature}`,
        `${header}.${claims}.${signature}=`,
        `${header}..${signature}`,
        `${part([])}.${claims}.${signature}`,
        `${header}.${part("text")}.${signature}`,
        `${header}.${part(null)}.${signature}`,
        `ey.ey.ey`,
        `ey${"a.".repeat(1000)}`,
      ]
    ) {
      await assertInvalid(token, /not/);
    }
    assert.equal(world.verifier.counters.checks, before);
  });

  it("checks the signature of a token once, also when many requests bring it at once", async () => {
    const world = await started();
    const token = await signed(rsa);
    const outcomes = await Promise.all(
      Array.from(
        { length: 50 },
        () => world.verifier.verify(token, "192.0.2.1"),
      ),
    );
    assert.equal(new Set(outcomes).size, 1);
    await accepted(token, world);
    assert.equal(world.verifier.counters.checks, 1);
    assert.equal(world.verifier.remembered, 1);
  });

  it("remembers a refusal for a short time", async () => {
    const world = await started();
    const token = await signed(foreign);
    await assertInvalid(token, /signature/, world);
    await assertInvalid(token, /signature/, world);
    assert.equal(world.verifier.counters.checks, 1);
    world.clock.ms += REFUSED_MS;
    await assertInvalid(token, /signature/, world);
    assert.equal(world.verifier.counters.checks, 2);
  });

  it("a token that is replayed after its key was withdrawn is refused, though it was accepted before", async () => {
    const world = await started();
    const token = await signed(ec);
    await accepted(token, world);
    world.documents.publish([rsa]);
    world.clock.ms += 600_000 - 1;
    await accepted(token, world);
    world.clock.ms += 1;
    for (const keys of world.verifier.issuers) await keys.refresh();
    await assertInvalid(token, /does not list/, world);
  });

  it("a flood of unknown keys causes one fetch a minute", async () => {
    const world = await started();
    const atStart = world.documents.reads.length;
    for (let minute = 1; minute <= 3; minute++) {
      world.clock.ms = minute * 60_000;
      const tokens = await Promise.all(
        Array.from(
          { length: 40 },
          (_, i) => signed(foreign, {}, { kid: `unknown-${minute}-${i}` }),
        ),
      );
      await Promise.all(
        tokens.map((token) => assertInvalid(token, /does not list/, world)),
      );
      // Two documents a fetch.
      assert.equal(world.documents.reads.length - atStart, 2 * minute);
    }
    assert.equal(world.verifier.counters.checks, 0);
  });

  it("a new key is found at the first token that is signed with it", async () => {
    const world = await started({}, [rsa]);
    const token = await signed(ec);
    await assertInvalid(token, /does not list/, world);
    world.documents.publish([rsa, ec]);
    world.clock.ms += 60_000;
    await accepted(token, world);
  });

  it("an expired token with an unknown key causes no fetch", async () => {
    const world = await started();
    world.clock.ms += 120_000;
    const before = world.documents.reads.length;
    await assertInvalid(
      await signed(foreign, { exp: NOW_S }, { kid: "old" }),
      /expired/,
      world,
    );
    assert.equal(world.documents.reads.length, before);
  });

  it("while its issuer is away, a known key serves; an unknown one may be new, so its token is not called invalid", async () => {
    const world = await started();
    world.documents.fail();
    world.clock.ms += 60_000;
    const token = await signed(foreign, {}, { kid: "new" });
    const { error } = await refusal(token, world);
    assert.equal(error, "unavailable");
    await accepted(await signed(ec), world);
    await accepted(await signed(ec, { aud: "ANY" }), world);
  });

  it("checks only some tokens at once; of many more, some are refused for now", async () => {
    const world = await started({ addressSharePercent: 100 });
    const { verifier } = world;
    const tokens = await Promise.all(
      Array.from({ length: 2100 }, (_, i) => signed(ec, { sub: `${i}` })),
    );
    const outcomes = await Promise.all(
      tokens.map((token) => verifier.verify(token, "192.0.2.1")),
    );
    const busy = outcomes.filter((outcome) =>
      "error" in outcome && outcome.error === "unavailable"
    );
    // 4 are checked, 2,048 wait.
    assert.equal(busy.length, 2100 - 2052);
    assert.deepEqual(verifier.busy, { all: busy.length, share: 0 });
    assert.equal(verifier.counters.checks, 2052);
    await accepted(tokens.at(-1)!, world);
  });

  it("a flood of bad tokens from one address does not delay the tokens of another one", async () => {
    const { verifier } = await started();
    const bad = await Promise.all(
      Array.from({ length: 300 }, (_, i) => signed(foreign, { sub: `${i}` })),
    );
    const good = await signed(ec);
    let checked = 0;
    const flood = bad.map(async (token) => {
      await verifier.verify(token, "192.0.2.1");
      checked++;
    });
    const outcome = await verifier.verify(good, "192.0.2.2");
    assert.ok(!("error" in outcome));
    // Those that were being checked already, and the turn of their address.
    assert.ok(checked < 20, `after ${checked} others`);
    await Promise.all(flood);
    assert.equal(verifier.waiting, 0);
  });

  it("checks its part of the tokens at a time where several threads serve", async () => {
    for (const [workers, checks] of [[1, 4], [2, 2], [16, 1]] as const) {
      const { verifier } = await started({ workers });
      const tokens = await Promise.all(
        Array.from({ length: 6 }, (_, i) => signed(ec, { sub: `${i}` })),
      );
      const verified = tokens.map((token) =>
        verifier.verify(token, "192.0.2.1")
      );
      await null;
      assert.equal(verifier.waiting, 6 - checks);
      await Promise.all(verified);
    }
  });

  it("the tokens of one address take only a part of the waiting places", async () => {
    const { verifier } = await started({ addressSharePercent: 50 });
    const tokens = await Promise.all(
      Array.from({ length: 1100 }, (_, i) => signed(ec, { sub: `${i}` })),
    );
    const flood = tokens.map((token) => verifier.verify(token, "192.0.2.1"));
    const other = verifier.verify(await signed(ec), "192.0.2.2");
    const refused = (await Promise.all(flood)).filter((each) =>
      "error" in each
    );
    assert.equal(refused.length, 1100 - 4 - 1024);
    assert.match((refused[0] as Denial).detail, /of your address/);
    assert.deepEqual(verifier.busy, { all: 0, share: refused.length });
    assert.ok(!("error" in await other));
  });

  it("no log line and no refusal contains a token", async () => {
    const world = await started();
    const tokens = [
      await signed(ec),
      await signed(foreign),
      await signed(foreign, {}, { kid: "unknown" }),
      await signed(ec, { exp: 1 }),
    ];
    world.documents.fail();
    world.clock.ms += 60_000;
    for (const token of tokens) {
      const outcome = JSON.stringify(
        await world.verifier.verify(token, "192.0.2.1"),
      );
      const text = outcome + world.log.lines.join("\n");
      for (const piece of token.split(".")) assert.ok(!text.includes(piece));
    }
  });
});
