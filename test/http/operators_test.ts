// Who may use the routes for operators, on the port for clients and on their own.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { VERSION } from "../../src/telemetry/build_info.ts";
import { OperatorsWorld, STREAM } from "./operators_world.ts";

const ROUTES = ["/metrics", "/v1/status", "/v1/clients"];
const OWNERS = { alice: {}, ops: { isOperator: true } };

/** Status of the answer, and the whole text. */
async function answerOf(
  answer: Promise<Response>,
): Promise<[status: number, text: string, headers: Headers]> {
  const response = await answer;
  return [response.status, await response.text(), response.headers];
}

describe("operators' routes with authentication", () => {
  it("need the right qanat.operate, and say so", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    for (const path of ROUTES) {
      const [none, , noneHeaders] = await answerOf(world.ask(path));
      assert.equal(none, 401, path);
      assert.equal(noneHeaders.get("www-authenticate"), 'Bearer realm="qanat"');
      const [reader, text, headers] = await answerOf(
        world.ask(path, { as: "alice" }),
      );
      assert.equal(reader, 403, path);
      assert.match(text, /"error":"insufficient_scope"/);
      assert.match(
        headers.get("www-authenticate")!,
        /error="insufficient_scope".*scope="qanat\.operate"/,
      );
      const [bad] = await answerOf(world.ask(path, { as: "mallory" }));
      assert.equal(bad, 401, path);
      const [operator] = await answerOf(world.ask(path, { as: "ops" }));
      assert.equal(operator, 200, path);
    }
    const [status] = await answerOf(
      world.ask("/v1/clients/x", { method: "DELETE", as: "alice" }),
    );
    assert.equal(status, 403);
    const { denied } = world.tokens!.access;
    assert.equal(denied.insufficient_scope, ROUTES.length + 1);
  });

  it("with a token in the address are refused as all others", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    for (const name of ["token", "Access_Token", "JWT", "tok%65n"]) {
      const asked = world.ask(`/metrics?${name}=t-ops`);
      const [status, text] = await answerOf(asked);
      assert.equal(status, 400, name);
      assert.match(text, /must not be part of an address/);
      assert.doesNotMatch(text, /t-ops/);
    }
  });

  it("are as unknown to all others where operators have a port of their own", async () => {
    await using world = await OperatorsWorld.start({
      owners: OWNERS,
      config: { operatorPort: 1, basePath: "/qanat" },
    });
    for (const path of [...ROUTES, "/v1/clients/0123456789abcdef"]) {
      for (const as of [undefined, "alice"]) {
        for (const method of ["GET", "POST", "DELETE"]) {
          const init = as === undefined ? { method } : { method, as };
          const [status, text] = await answerOf(
            world.ask(`/qanat${path}`, init),
          );
          assert.equal(status, 404, `${method} ${path} ${as}`);
          assert.ok(text.includes(`There is nothing at '${path}'`), text);
        }
      }
    }
    const [operator] = await answerOf(
      world.ask("/qanat/metrics", { as: "ops" }),
    );
    assert.equal(operator, 200);
  });

  it("leave health and readiness open, which say only yes or no to all others", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    assert.deepEqual(
      (await answerOf(world.ask("/healthz"))).slice(0, 2),
      [200, '{"status":"ok"}'],
    );
    assert.equal((await answerOf(world.ask("/readyz")))[0], 200);
    world.qanat.drain();
    for (const as of [undefined, "alice", "mallory"]) {
      const init = as === undefined ? {} : { as };
      const [status, text] = await answerOf(world.ask("/readyz", init));
      assert.equal(status, 503);
      assert.doesNotMatch(text, /"reasons"|drain/, `${as}`);
      assert.deepEqual(
        (await answerOf(world.ask("/healthz", init))).slice(0, 2),
        [503, '{"status":"unavailable"}'],
      );
    }
    const [, text] = await answerOf(world.ask("/readyz", { as: "ops" }));
    assert.match(text, /"reasons":\[".*(drain|shut|stop)/);
    assert.deepEqual(
      (await answerOf(world.ask("/healthz", { as: "ops" }))).slice(0, 2),
      [503, '{"status":"draining"}'],
    );
  });

  it("leave the server's time to readers", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    const [status, text] = await answerOf(
      world.ask("/v1/time", { as: "alice" }),
    );
    assert.equal(status, 200);
    const { time_ns, unix_ms } = JSON.parse(text);
    assert.match(time_ns, /^\d{19}$/);
    assert.ok(Math.abs(unix_ms - Date.now()) < 60_000);
    assert.equal((await answerOf(world.ask("/v1/time")))[0], 401);
  });

  it("leave the version to readers", async () => {
    await using world = await OperatorsWorld.start({
      owners: OWNERS,
      config: { operatorPort: 1, revision: "4f0c1d2" },
    });
    const [status, text] = await answerOf(
      world.ask("/v1/version", { as: "alice" }),
    );
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), {
      version: VERSION,
      revision: "4f0c1d2",
      runtime: navigator.userAgent,
      api: "v1",
    });
    assert.equal((await answerOf(world.ask("/v1/version")))[0], 401);
  });
});

describe("operators' routes without authentication", () => {
  it("are open, except for those that show and end the streams of others", async () => {
    await using world = await OperatorsWorld.start();
    assert.equal((await answerOf(world.ask("/metrics")))[0], 200);
    assert.equal((await answerOf(world.ask("/v1/status")))[0], 200);
    for (
      const [path, method] of [
        ["/v1/clients", "GET"],
        ["/v1/clients/0123456789abcdef", "DELETE"],
      ] as const
    ) {
      const [status, text] = await answerOf(world.ask(path, { method }));
      assert.equal(status, 403);
      assert.match(text, /--operator-port PORT \(QANAT_OPERATOR_PORT\)/);
    }
  });

  it("are unknown where operators have a port of their own", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1 },
    });
    for (const path of ROUTES) {
      const [status, text] = await answerOf(world.ask(path));
      assert.equal(status, 404);
      assert.match(text, /Unknown path/);
      assert.equal((await answerOf(world.askOperators(path)))[0], 200);
    }
    assert.equal((await answerOf(world.ask("/readyz")))[0], 200);
    world.qanat.drain();
    for (const path of ["/readyz", "/healthz"]) {
      const [status, text] = await answerOf(world.ask(path));
      assert.equal(status, 503);
      assert.doesNotMatch(text, /"reasons"|drain|shut/);
      const [, whole] = await answerOf(world.askOperators(path));
      assert.match(whole, /drain|shut/);
    }
  });
});

describe("the port for operators", () => {
  it("serves their routes and health, and nothing else", async () => {
    await using world = await OperatorsWorld.start({
      owners: OWNERS,
      config: { operatorPort: 1 },
    });
    for (const path of [...ROUTES, "/healthz", "/readyz", "/"]) {
      assert.equal((await answerOf(world.askOperators(path)))[0], 200, path);
    }
    for (
      const path of [
        ...["/v1/channels", STREAM, "/v1/arrow", "/openapi.json", "/docs"],
        ...["/page/page.css", "/qanat.js", "/v1/session", "/v1/time"],
        "/v1/version",
      ]
    ) assert.equal((await answerOf(world.askOperators(path)))[0], 404, path);
  });

  it("refuses other hosts, and pages of other origins whatever --cors-origin allows", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1, corsOrigin: ["*"] },
    });
    const origin = { headers: { origin: "https://page.example" } };
    const [status, text] = await answerOf(
      world.askOperators("/metrics", origin),
    );
    assert.equal(status, 403);
    assert.doesNotMatch(text, /cors-origin/);
    const [deletion] = await answerOf(
      world.askOperators("/v1/clients/x", { ...origin, method: "DELETE" }),
    );
    assert.equal(deletion, 403);
    const [host] = await answerOf(
      world.askOperators("/metrics", { headers: { host: "evil.example" } }),
    );
    assert.equal(host, 403);
  });

  it("advises what helps on this port: a loopback host, and no setting of the port for clients", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1, corsOrigin: ["https://page.example"] },
    });
    const headers = { host: "ops.example.org", origin: "http://other.example" };
    const [, byHost] = await answerOf(
      world.askOperators("/metrics", { headers: { host: headers.host } }),
    );
    assert.match(byHost, /Call it by the host 127\.0\.0\.1 or localhost/);
    assert.doesNotMatch(byHost, /allowed-hosts/);
    const [, byOrigin] = await answerOf(
      world.askOperators("/metrics", { headers: { origin: headers.origin } }),
    );
    assert.doesNotMatch(byOrigin, /cors-origin/);
    const logged = world.log.filter(([event]) => event.endsWith("-refused"));
    assert.deepEqual(
      logged.map(([event, { port, admit }]) => [event, port, admit]),
      [
        ["host-refused", "operators", undefined],
        ["origin-refused", "operators", undefined],
      ],
    );
    // On the port for clients, which may refuse the same names, the settings help.
    for (const header of ["host", "origin"] as const) {
      const [status] = await answerOf(
        world.ask("/v1/status", { headers: { [header]: headers[header] } }),
      );
      assert.equal(status, header === "host" ? 404 : 403);
    }
    assert.equal(
      world.log.at(-1)![1].admit,
      "--cors-origin https://page.example,http://other.example",
    );
  });

  it("beyond loopback refuses a host only by --allowed-hosts, and advises it", async () => {
    await using world = await OperatorsWorld.start({
      owners: OWNERS,
      config: { operatorPort: 1, allowedHosts: ["qanat.example.org"] },
    });
    const [status, text] = await answerOf(
      world.askOperators("/metrics", {
        host: "192.0.2.7",
        headers: { host: "ops.example.org" },
      }),
    );
    assert.equal(status, 403);
    assert.match(text, /--allowed-hosts ops\.example\.org/);
    assert.equal(
      world.log.at(-1)![1].admit,
      "--allowed-hosts qanat.example.org,ops.example.org",
    );
  });

  it("lists its routes below the base path, where an unknown path points to", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1, basePath: "/qanat" },
    });
    const [, text] = await answerOf(world.askOperators("/qanat/v1/channels"));
    assert.match(text, /'\/qanat\/' lists what there is/);
    const [status, index] = await answerOf(world.askOperators("/qanat/"));
    assert.equal(status, 200);
    assert.match(index, /the port for operators/);
  });

  it("refuses other hosts on loopback, also with --allowed-hosts '*' (DNS rebinding), and answers to names that it lists", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1, allowedHosts: ["*", "ops.example.org"] },
    });
    // What a browser sends for a page of evil.example, once that name has the address 127.0.0.1.
    const rebound = {
      host: "evil.example:9090",
      origin: "http://evil.example:9090",
      "sec-fetch-site": "same-origin",
    };
    for (const path of ROUTES) {
      const asked = world.askOperators(path, { headers: rebound });
      assert.equal((await answerOf(asked))[0], 403, path);
    }
    const [deletion] = await answerOf(
      world.askOperators("/v1/clients/x", {
        headers: rebound,
        method: "DELETE",
      }),
    );
    assert.equal(deletion, 403);
    const [named] = await answerOf(
      world.askOperators("/metrics", { headers: { host: "ops.example.org" } }),
    );
    assert.equal(named, 200);
  });

  it("gives the reasons why this instance is not ready", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    world.qanat.drain();
    const [status, text] = await answerOf(world.askOperators("/readyz"));
    assert.equal(status, 503);
    assert.match(text, /"reasons":\[/);
  });

  it("needs the right beyond loopback, by a token and never by a session", async () => {
    await using world = await OperatorsWorld.start({
      owners: OWNERS,
      config: { operatorPort: 1 },
    });
    const host = "192.0.2.7";
    for (const path of ROUTES) {
      const [none, text] = await answerOf(world.askOperators(path, { host }));
      assert.equal(none, 401);
      // The page is on the port for clients.
      assert.doesNotMatch(text, /on the page/);
      assert.equal(
        (await answerOf(world.askOperators(path, { host, as: "alice" })))[0],
        403,
      );
      assert.equal(
        (await answerOf(world.askOperators(path, { host, as: "ops" })))[0],
        200,
      );
    }
    const [status, text] = await answerOf(
      world.askOperators("/readyz", { host }),
    );
    assert.equal(status, 200, text);
  });

  it("lets no one in beyond loopback without authentication", async () => {
    await using world = await OperatorsWorld.start({
      config: { operatorPort: 1 },
    });
    const [status, text] = await answerOf(
      world.askOperators("/v1/clients", { host: "192.0.2.7" }),
    );
    assert.equal(status, 403);
    assert.match(text, /--operator-host \(QANAT_OPERATOR_HOST\)/);
    assert.doesNotMatch(text, /--operator-port/);
  });
});

describe("a session's cookie", () => {
  it("ends no stream for a page of another site", async () => {
    await using world = await OperatorsWorld.start({ owners: OWNERS });
    // A session over plain HTTP needs a client on this machine.
    world.address = "127.0.0.1";
    const signIn = await world.ask("/v1/session", {
      method: "POST",
      as: "ops",
      headers: { host: "localhost" },
    });
    const [cookie] = signIn.headers.get("set-cookie")!.split(";");
    const end = (headers: Record<string, string>) =>
      answerOf(world.ask("/v1/clients/0123456789abcdef", {
        method: "DELETE",
        headers: { host: "localhost", cookie: cookie!, ...headers },
      }));
    assert.equal((await end({}))[0], 404);
    assert.equal((await end({ "sec-fetch-site": "same-origin" }))[0], 404);
    for (const site of ["cross-site", "same-site"]) {
      assert.equal((await end({ "sec-fetch-site": site }))[0], 401, site);
    }
    assert.equal((await end({ origin: "http://evil.test" }))[0], 403);
  });
});
