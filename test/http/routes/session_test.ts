// /v1/session: the cookie in each situation, which requests may use it, and the attacks on it.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import type { Hono } from "hono";
import { Qanat } from "../../../src/app.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import type { Config } from "../../../src/config.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { SessionKeys } from "../../../src/auth/session_keys.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import {
  type TestOwner,
  type TokenAccess,
  tokenAccess,
} from "../../auth/token_access.ts";
import { configWith, silent } from "../../driven_source.ts";

const KEY = "key-of-a-test-key-of-a-test-key-of-a-test";
const CHANNEL = "H1:QANAT-COUNT_I64_16";
const HOUR_MS = 3_600_000;
const SAME = { "sec-fetch-site": "same-origin" };
const ALICE = { authorization: "Bearer t-alice" };

interface Way {
  readonly isHttps?: boolean;
  readonly address?: string;
  readonly host?: string;
}

const LOOPBACK: Way = {};
const HTTPS: Way = {
  isHttps: true,
  address: "192.0.2.7",
  host: "qanat.example.org",
};
const PLAIN: Way = { address: "192.0.2.7", host: "qanat.example.org" };

interface World extends TokenAccess {
  readonly qanat: Qanat;
  nowMs: number;
  ask(
    path: string,
    headers?: Record<string, string>,
    init?: { readonly method?: string } & Way,
  ): Promise<Response>;
}

const worlds: World[] = [];
afterEach(async () => {
  for (const { qanat } of worlds.splice(0)) {
    qanat.drain();
    await qanat.close();
  }
});

async function world({ owners = { alice: {} }, keys = KEY, ...changes }:
  & {
    owners?: Record<string, TestOwner>;
    keys?: string;
    acceptsTokens?: boolean;
  }
  & Partial<Config> = {}): Promise<World> {
  const catalog = new Catalog();
  const { acceptsTokens = true, ...config } = changes;
  const clock = { nowMs: Date.now() };
  const tokens = await tokenAccess(catalog, owners, {
    keys,
    acceptsTokens,
    unixMs: () => clock.nowMs,
  });
  const qanat = new Qanat({
    config: configWith(config),
    source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    log: silent,
    access: tokens.access,
  });
  await qanat.start();
  const apps = new Map<string, Hono>();
  const appOf = ({ isHttps = false, address = "127.0.0.1" }: Way): Hono => {
    const key = `${isHttps} ${address}`;
    const app = apps.get(key) ?? honoApp(qanat, {
      addressOf: () => address,
      isHttps: () => isHttps,
      alreadySent: null,
    });
    apps.set(key, app);
    return app;
  };
  const made: World = Object.assign(clock, {
    ...tokens,
    qanat,
    ask: (
      path: string,
      headers: Record<string, string> = {},
      { method = "GET", ...way }: { readonly method?: string } & Way = {},
    ) => {
      const host = way.host ?? "localhost:8080";
      const request = new Request(`http://${host}${path}`, {
        method,
        headers: { host, ...headers },
      });
      return Promise.resolve(appOf(way).fetch(request));
    },
  });
  worlds.push(made);
  return made;
}

/** Name, value and attributes of the cookie that an answer sets. */
function setCookieOf(answer: Response): { pair: string; attributes: string[] } {
  const [pair, ...attributes] = answer.headers.getSetCookie()[0]!.split("; ");
  return { pair: pair!, attributes: attributes.sort() };
}

async function signIn(
  { ask }: World,
  headers: Record<string, string> = ALICE,
  way: Way = LOOPBACK,
): Promise<string> {
  const answer = await ask("/v1/session", { ...headers, ...SAME }, {
    method: "POST",
    ...way,
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return setCookieOf(answer).pair;
}

async function statusWith(
  { ask }: World,
  cookie: string,
  headers: Record<string, string> = SAME,
  way: Way = LOOPBACK,
): Promise<number> {
  const answer = await ask("/v1/channels/count", { cookie, ...headers }, way);
  await answer.body?.cancel();
  return answer.status;
}

describe("POST /v1/session", () => {
  it("answers whom the token names, and a cookie that scripts cannot read and other sites do not send", async () => {
    const it = await world();
    const answer = await it.ask("/v1/session", { ...ALICE, ...SAME }, {
      method: "POST",
    });
    const { pair, attributes } = setCookieOf(answer);
    assert.match(pair, /^qanat-session=1\.[\w.-]+$/);
    assert.deepEqual(attributes, [
      "HttpOnly",
      `Max-Age=${12 * 3600}`,
      "Path=/",
      "SameSite=Strict",
    ]);
    assert.equal(answer.headers.get("cache-control"), "no-store");
    assert.deepEqual(await answer.json(), {
      principal: "token:alice",
      kind: "token",
      subject: "alice",
      issuer: "",
      is_operator: false,
      expires_unix_ms: it.nowMs + 12 * HOUR_MS,
      is_session: true,
      can_sign_in: true,
    });
  });

  it("sets Secure and __Host- over HTTPS, and __Secure- below a base path, which __Host- does not allow", async () => {
    const over = async (config: Partial<Config>, way: Way = HTTPS) => {
      const it = await world(config);
      const path = `${config.basePath ?? ""}/v1/session`;
      const answer = await it.ask(path, { ...ALICE, ...SAME }, {
        method: "POST",
        ...way,
      });
      const { pair, attributes } = setCookieOf(answer);
      return [
        pair.split("=")[0],
        ...attributes.filter((a) => /^(Path|Secure)/.test(a)),
      ];
    };
    assert.deepEqual(await over({}), [
      "__Host-qanat-session",
      "Path=/",
      "Secure",
    ]);
    assert.deepEqual(await over({ basePath: "/qanat" }), [
      "__Secure-qanat-session",
      "Path=/qanat",
      "Secure",
    ]);
    const publicUrl = "https://example.org/data";
    assert.deepEqual(await over({ publicUrl }, PLAIN), [
      "__Secure-qanat-session",
      "Path=/data",
      "Secure",
    ]);
    assert.deepEqual(
      await over({ publicUrl: "https://qanat.example.org" }, LOOPBACK),
      ["__Host-qanat-session", "Path=/", "Secure"],
    );
  });

  it("over plain HTTP from another machine is refused, with the settings that help", async () => {
    const it = await world();
    for (
      const way of [PLAIN, { address: "192.0.2.7" }, { host: "a.example" }]
    ) {
      const answer = await it.ask("/v1/session", ALICE, {
        method: "POST",
        ...way,
      });
      assert.equal(answer.status, 403);
      assert.match(await answer.text(), /needs HTTPS.*--public-url/);
    }
  });

  it("lets the cookie live no longer than the token", async () => {
    const it = await world({ owners: { alice: {} } });
    it.owners.alice = { expiresMs: it.nowMs + 90_500 };
    const answer = await it.ask("/v1/session", ALICE, { method: "POST" });
    assert.ok(setCookieOf(answer).attributes.includes("Max-Age=90"));
  });

  it("without a token, with a wrong one or with a cookie alone makes no session", async () => {
    const it = await world();
    const cookie = await signIn(it);
    for (
      const headers of [
        {},
        { authorization: "Bearer t-unknown" },
        { authorization: "Basic YWxpY2U6eA==" },
        { cookie },
      ]
    ) {
      const answer = await it.ask("/v1/session", { ...SAME, ...headers }, {
        method: "POST",
      });
      assert.ok([400, 401].includes(answer.status));
      assert.deepEqual(answer.headers.getSetCookie(), []);
    }
  });

  it("names the bytes when the token's groups do not fit into a cookie", async () => {
    const groups = Array.from({ length: 400 }, (_, i) => `/group/${i}`);
    const it = await world({ owners: { alice: { groups } } });
    const answer = await it.ask("/v1/session", ALICE, { method: "POST" });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /groups and scopes need a cookie of \d+/);
    assert.deepEqual(answer.headers.getSetCookie(), []);
    const { text } = await it.qanat.metrics();
    assert.match(text, /qanat_auth_sessions_total\{outcome="too_large"\} 1/);
  });

  it("does not exist without authentication", async () => {
    const qanat = new Qanat({
      config: configWith({}),
      source: new EmbeddedSource({
        catalog: new Catalog(),
        nowGpsNs: () => nowGpsNs(),
      }),
      log: silent,
    });
    const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
    for (const method of ["POST", "DELETE"]) {
      const answer = await app.request("/v1/session", { method });
      assert.equal(answer.status, 404);
    }
    const answer = await app.request("/v1/session");
    const { principal, can_sign_in } = await answer.json();
    assert.deepEqual([principal, can_sign_in], ["anonymous", false]);
    await qanat.close();
  });
});

describe("the index as text", () => {
  it("has addresses with https where a proxy speaks it with the client", async () => {
    const { ask } = await world();
    const textOf = async (way: Way) => (await ask("/", {}, way)).text();
    assert.match(
      await textOf(HTTPS),
      / https:\/\/qanat\.example\.org\/v1\/time /,
    );
    assert.match(
      await textOf(PLAIN),
      / http:\/\/qanat\.example\.org\/v1\/time /,
    );
  });
});

describe("a session", () => {
  it("reads what its token may read, on every instance with the key", async () => {
    const owners = { alice: { match: CHANNEL } };
    const cookie = await signIn(await world({ owners }));
    const other = await world({ owners });
    const answer = await other.ask("/v1/channels", { cookie, ...SAME });
    const { channels } = await answer.json();
    assert.deepEqual(channels.map((c: { name: string }) => c.name), [CHANNEL]);
  });

  it("follows its token: a revocation and a narrower policy reach it at once", async () => {
    const it = await world();
    const cookie = await signIn(it);
    it.owners.alice = { match: CHANNEL };
    it.changed();
    const answer = await it.ask("/v1/channels/count", { cookie, ...SAME });
    assert.deepEqual(await answer.json(), { count: 1 });
    it.owners.alice = { isRevoked: true };
    it.changed();
    assert.equal(await statusWith(it, cookie), 401);
  });

  it("of a kind of token that the settings accept no longer is refused", async () => {
    const cookie = await signIn(await world());
    const changed = await world({ acceptsTokens: false });
    assert.equal(await statusWith(changed, cookie), 401);
  });

  it("gives way to a token in the header, also to a wrong one", async () => {
    const it = await world({ owners: { alice: {}, bob: { match: CHANNEL } } });
    const cookie = await signIn(it);
    const answer = await it.ask("/v1/session", {
      cookie,
      authorization: "Bearer t-bob",
      ...SAME,
    });
    const { principal, is_session } = await answer.json();
    assert.deepEqual([principal, is_session], ["token:bob", false]);
    const wrong = { ...SAME, authorization: "Bearer t-unknown" };
    assert.equal(await statusWith(it, cookie, wrong), 401);
  });

  it("expires on the server too: a kept cookie is of no use after its time", async () => {
    const it = await world();
    const cookie = await signIn(it);
    it.nowMs += 12 * HOUR_MS;
    const answer = await it.ask("/v1/channels", { cookie, ...SAME });
    assert.equal(answer.status, 401);
    assert.match(
      answer.headers.get("www-authenticate")!,
      /error="invalid_token".*The session has expired/,
    );
  });
});

describe("attacks on a session", () => {
  it("CSRF: a request that another site has caused has no session", async () => {
    const it = await world({ corsOrigin: ["https://pages.example"] });
    const cookie = await signIn(it);
    assert.equal(await statusWith(it, cookie, SAME), 200);
    assert.equal(
      await statusWith(it, cookie, { "sec-fetch-site": "none" }),
      200,
    );
    assert.equal(await statusWith(it, cookie, {}), 200);
    const own = { origin: "http://localhost:8080" };
    assert.equal(await statusWith(it, cookie, own), 200);
    for (
      const headers of [
        { "sec-fetch-site": "cross-site" },
        // Another port or another name of the same host: SameSite=Strict does not stop these.
        { "sec-fetch-site": "same-site" },
        { "sec-fetch-site": "cross-site", origin: "https://pages.example" },
        { origin: "https://pages.example" },
        // Browsers without Sec-Fetch-Site.
        { origin: "https://localhost:8080" },
      ]
    ) {
      assert.equal(
        await statusWith(it, cookie, headers),
        401,
        JSON.stringify(headers),
      );
    }
    for (
      const origin of ["http://localhost:9090", "null", "https://evil.example"]
    ) {
      assert.equal(await statusWith(it, cookie, { origin }), 403, origin);
    }
  });

  it("CSRF of signing in and out: only pages of this instance may, and an allowed origin is none of them", async () => {
    const it = await world({ corsOrigin: ["https://pages.example"] });
    const cookie = await signIn(it);
    for (const method of ["POST", "DELETE"]) {
      for (
        const headers of [
          { "sec-fetch-site": "cross-site" },
          { "sec-fetch-site": "same-site" },
          { origin: "https://pages.example" },
        ]
      ) {
        const answer = await it.ask("/v1/session", {
          cookie,
          ...ALICE,
          ...headers,
        }, { method });
        assert.equal(answer.status, 403, JSON.stringify(headers));
        assert.deepEqual(answer.headers.getSetCookie(), []);
      }
    }
    assert.equal(await statusWith(it, cookie), 200);
  });

  it("a cookie never makes an answer that another site may read with credentials", async () => {
    const it = await world({ corsOrigin: ["https://pages.example"] });
    const origin = "https://pages.example";
    const preflight = await it.ask("/v1/session", {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    }, { method: "OPTIONS" });
    const answer = await it.ask("/v1/channels/count", { origin, ...ALICE });
    for (const { headers } of [preflight, answer]) {
      assert.equal(headers.get("access-control-allow-origin"), origin);
      assert.equal(headers.get("access-control-allow-credentials"), null);
    }
    assert.equal(answer.status, 200);
  });

  it("a cookie without the prefix, planted by a page over plain HTTP, is not read over HTTPS", async () => {
    const it = await world({ owners: { alice: {}, mallory: {} } });
    const planted = await signIn(it, { authorization: "Bearer t-mallory" });
    assert.equal(await statusWith(it, planted), 200);
    assert.equal(await statusWith(it, planted, SAME, HTTPS), 401);
    const renamed = planted.replace("qanat-", "__Secure-qanat-");
    assert.equal(await statusWith(it, renamed, SAME, HTTPS), 401);
  });

  it("over plain HTTP from another machine no cookie is read", async () => {
    const it = await world();
    const cookie = await signIn(it);
    assert.equal(await statusWith(it, cookie, {}, PLAIN), 401);
  });

  it("session fixation: signing in makes a new session and ends the one that the browser had", async () => {
    const it = await world({ owners: { alice: {}, mallory: {} } });
    const planted = await signIn(it, { authorization: "Bearer t-mallory" });
    const cookie = await signIn(it, { ...ALICE, cookie: planted });
    assert.notEqual(cookie, planted);
    assert.equal(await statusWith(it, planted), 401);
    const answer = await it.ask("/v1/session", { cookie, ...SAME });
    assert.equal((await answer.json()).principal, "token:alice");
  });

  it("a copy of the cookie is refused after DELETE, and other sessions of the owner stay", async () => {
    const it = await world();
    const [stolen, other] = [await signIn(it), await signIn(it)];
    const answer = await it.ask("/v1/session", { cookie: stolen, ...SAME }, {
      method: "DELETE",
    });
    assert.equal(answer.status, 204);
    const { pair, attributes } = setCookieOf(answer);
    assert.equal(pair, "qanat-session=");
    assert.ok(attributes.includes("Max-Age=0"));
    assert.equal(await statusWith(it, stolen), 401);
    assert.equal(await statusWith(it, other), 200);
  });

  it("DELETE removes a cookie that is no longer valid, and one that is not there", async () => {
    const it = await world();
    for (
      const cookie of ["qanat-session=1.AAAAAAAA.x", "", "qanat-session=%"]
    ) {
      const answer = await it.ask("/v1/session", { cookie }, {
        method: "DELETE",
      });
      assert.equal(answer.status, 204);
      assert.ok(setCookieOf(answer).attributes.includes("Max-Age=0"));
    }
  });

  it("a token in the address is refused here, too", async () => {
    const it = await world();
    const path = "/v1/session?access_token=t-alice";
    const answer = await it.ask(path, {}, { method: "POST" });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /must not be part of an address/);
  });
});

describe("a stream of a session", () => {
  const PATH = `/v1/events?channels=${CHANNEL}`;

  async function lastEvent(answer: Response): Promise<string> {
    const text = await answer.text();
    return text.trimEnd().split("\n\n").at(-1)!;
  }

  it("ends when the session does by DELETE, by its expiry, and when its token is revoked or its key removed", async () => {
    const ways: [
      string,
      (it: World, cookie: string) => Promise<void> | void,
    ][] = [
      ["revoked", async (it, cookie) => {
        await it.ask("/v1/session", { cookie, ...SAME }, { method: "DELETE" });
      }],
      ["expired", (it) => void (it.nowMs += 12 * HOUR_MS)],
      ["revoked", (it) => {
        it.owners.alice = { isRevoked: true };
        it.changed();
      }],
      // The key of a session that has leaked.
      ["revoked", async (it) => {
        it.sessions.useKeys(await SessionKeys.random());
      }],
    ];
    for (const [reason, end] of ways) {
      const it = await world();
      const cookie = await signIn(it);
      const stream = await it.ask(PATH, { cookie, ...SAME });
      assert.equal(stream.status, 200);
      await end(it, cookie);
      // The next check of all clients, once a second.
      it.qanat.hub.tick();
      assert.match(await lastEvent(stream), new RegExp(`"reason":"${reason}"`));
    }
  });

  it("of a token continues when another session of its owner ends", async () => {
    const it = await world();
    const cookie = await signIn(it);
    const stream = await it.ask(PATH, ALICE);
    await it.ask("/v1/session", { cookie, ...SAME }, { method: "DELETE" });
    it.qanat.hub.tick();
    assert.equal(it.qanat.hub.figures.clients, 1);
    await stream.body!.cancel();
  });
});
