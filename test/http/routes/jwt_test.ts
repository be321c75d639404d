// What HTTP answers to JWTs: the channels that their scopes allow, and refusals that say why, for people and for clients.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import type { Hono } from "hono";
import { Qanat } from "../../../src/app.ts";
import { AccessControl } from "../../../src/auth/access_control.ts";
import { GrantsInForce } from "../../../src/auth/grants_in_force.ts";
import { grantOfScopes } from "../../../src/auth/jwt/scope_grants.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import {
  newKey,
  NOW_S,
  signed,
  startedVerifier,
  type TestKey,
  type VerifierDouble,
} from "../../auth/jwt/issuer_double.ts";
import { configWith, silent } from "../../driven_source.ts";

interface Problem {
  readonly status: number;
  readonly error?: string;
  readonly detail: string;
}

describe("JWTs over HTTP", () => {
  let key: TestKey, foreign: TestKey;
  let world: VerifierDouble;
  let qanat: Qanat;
  let app: Hono;

  before(async () => {
    key = await newKey("key");
    foreign = await newKey("key");
    world = await startedVerifier([key], { addressSharePercent: 1 });
    const catalog = new Catalog();
    qanat = new Qanat({
      config: configWith({}),
      source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
      log: silent,
      access: new AccessControl({
        catalog,
        book: new GrantsInForce(grantOfScopes),
        verifiers: [world.verifier],
        unixMs: world.clock.unixMs,
      }),
    });
    await qanat.start();
    app = honoApp(qanat, {
      addressOf: (c) => c.req.header("x-test-address") ?? "127.0.0.1",
      isHttps: () => false,
      alreadySent: null,
    });
  });
  after(async () => {
    qanat.drain();
    await qanat.close();
  });

  function ask(
    token: string,
    path = "/v1/channels",
    address = "127.0.0.1",
  ): Promise<Response> {
    const headers = {
      authorization: `Bearer ${token}`,
      "x-test-address": address,
    };
    return Promise.resolve(
      app.fetch(new Request(`http://localhost:8080${path}`, { headers })),
    );
  }

  /** Publishers of the channels that a scope shows. */
  async function publishersWith(scope: string): Promise<string[]> {
    const response = await ask(await signed(key, { scope }));
    assert.equal(response.status, 200);
    const { channels } = await response.json() as {
      channels: { publisher: string }[];
    };
    return [...new Set(channels.map(({ publisher }) => publisher))].sort();
  }

  async function assertRefused(
    token: string,
    { status, error, why, scope }: {
      readonly status: number;
      readonly error: string;
      readonly why: RegExp;
      readonly scope?: string;
    },
  ) {
    const response = await ask(token);
    assert.equal(response.status, status);
    const problem = await response.json() as Problem;
    assert.equal(problem.error, error);
    assert.match(problem.detail, why);
    const challenge = response.headers.get("www-authenticate");
    if (status === 503) {
      assert.equal(challenge, null);
      assert.ok(Number(response.headers.get("retry-after")) > 0);
    } else {
      assert.match(challenge!, /^Bearer realm="qanat"/);
      assert.match(challenge!, new RegExp(`error="${error}"`));
      assert.match(challenge!, why);
      assert.equal(/scope="([^"]*)"/.exec(challenge!)?.[1], scope);
    }
    const all = JSON.stringify(problem) + challenge;
    for (const piece of token.split(".")) assert.ok(!all.includes(piece));
  }

  it("show the channels that their scopes allow, and no others", async () => {
    const all = await publishersWith("arrakis.read:/");
    assert.ok(all.length > 2);
    assert.deepEqual(await publishersWith("arrakis.read:/H1QANAT"), [
      "H1QANAT",
    ]);
    assert.deepEqual(await publishersWith("arrakis.read:/H1QANA"), []);
    assert.deepEqual(
      await publishersWith("arrakis.read:/H1QANAT arrakis.read:/L1QANAT"),
      ["H1QANAT", "L1QANAT"],
    );
  });

  it("make a channel that they do not allow an unknown one", async () => {
    const token = await signed(key, { scope: "arrakis.read:/L1QANAT" });
    const name = "H1:QANAT-COUNT_I64_16";
    const [hidden, unknown] = await Promise.all(
      [name, name.replace("COUNT", "CXUNT")].map(async (channel) => {
        const answer = await ask(token, `/v1/channels/${channel}`);
        const { near, request_id: _, ...problem } = await answer.json();
        assert.ok(near.every((each: string) => each.startsWith("L1:")));
        return [
          answer.status,
          JSON.stringify(problem).replaceAll(channel, "NAME"),
        ];
      }),
    );
    assert.equal(hidden![0], 404);
    assert.deepEqual(hidden, unknown);
  });

  it("without any right are answered 403 with the scope that would help", async () => {
    for (const scope of ["openid", "arrakis.create:/", "read arrakis.read:/"]) {
      await assertRefused(await signed(key, { scope }), {
        status: 403,
        error: "insufficient_scope",
        why: /The token is valid, but nothing here is granted/,
        scope: "arrakis.read:/",
      });
    }
  });

  it("that are not accepted are answered 401 with the reason", async () => {
    const cases: [string, RegExp][] = [
      [
        await signed(key, { aud: "https://other" }),
        /another audience: .* such as 'https:\/\/[^']+', and not ANY/,
      ],
      [await signed(key, { exp: NOW_S - 60 }), /expired 60 s ago/],
      [await signed(key, { nbf: NOW_S + 60 }), /not valid before 60 s/],
      [await signed(key, { iss: "https://other" }), /issuer/],
      [await signed(foreign), /signature does not match/],
      [await signed(key, {}, { kid: "other" }), /does not list/],
    ];
    for (const [token, why] of cases) {
      await assertRefused(token, { status: 401, error: "invalid_token", why });
    }
  });

  it("that cannot be checked now are answered 503 with a time to try again", async () => {
    world.documents.fail();
    world.clock.ms += 60_000;
    await assertRefused(await signed(key, {}, { kid: "new" }), {
      status: 503,
      error: "unavailable",
      why: /keys of the token's issuer cannot be read now/,
    });
    world.documents.publish([key]);
    world.clock.ms += 60_000;
    await assertRefused(await signed(key, {}, { kid: "new" }), {
      status: 401,
      error: "invalid_token",
      why: /does not list/,
    });
  });

  it("of an address of which too many wait are answered 503, and those of others are accepted", async () => {
    const tokens = await Promise.all(
      Array.from({ length: 40 }, (_, i) => signed(key, { sub: `${i}` })),
    );
    const flood = tokens.map((token) => ask(token));
    const other = ask(await signed(key), "/v1/channels", "192.0.2.1");
    const answers = await Promise.all(flood);
    const refused = answers.filter(({ status }) => status !== 200);
    // 4 are checked, and 1 % of 2,048 wait.
    assert.equal(refused.length, 40 - 4 - 20);
    for (const answer of refused) {
      assert.equal(answer.status, 503);
      assert.equal(answer.headers.get("retry-after"), "5");
      const { error, detail } = await answer.json() as Problem;
      assert.equal(error, "unavailable");
      assert.match(detail, /of your address wait/);
    }
    assert.equal((await other).status, 200);
    const { text } = await qanat.metrics();
    assert.match(text, /^qanat_auth_jwt_busy_total\{limit="share"\} 16$/m);
  });

  it("are counted by metrics and the status, without a name of their owners", async () => {
    await ask(await signed(key, { sub: "somebody" }));
    const { text } = await qanat.metrics();
    const issuer = '{issuer="https://issuer.example.org/realm"}';
    for (
      const pattern of [
        /^qanat_auth_jwt_checks_total [1-9]/m,
        /^qanat_auth_jwt_known [1-9]/m,
        /^qanat_auth_jwt_busy_total\{limit="all"\} 0$/m,
        /^qanat_auth_jwt_waiting 0$/m,
        new RegExp(`^qanat_auth_issuer_reads_total${issuer} [1-9]`, "m"),
        new RegExp(`^qanat_auth_issuer_failing_seconds${issuer} 0$`, "m"),
      ]
    ) assert.match(text, pattern);
    const { issuers } = qanat.status()["access"] as {
      issuers: { issuer: string; failing_s: number }[];
    };
    assert.equal(issuers[0]!.issuer, "https://issuer.example.org/realm");
    assert.equal(issuers[0]!.failing_s, 0);
    assert.ok(!(text + JSON.stringify(qanat.status())).includes("somebody"));
  });

  it("in an address are refused, also where they are valid, and the answer does not repeat them", async () => {
    const token = await signed(key);
    for (const name of ["access_token", "token", "jwt", "authorization"]) {
      for (const authorized of [token, "none"]) {
        const response = await ask(authorized, `/v1/channels?${name}=${token}`);
        const text = await response.text();
        assert.equal(response.status, 400);
        assert.match(text, /must not be part of an address/);
        assert.ok(!text.includes(token.split(".")[2]!));
      }
    }
  });
});
