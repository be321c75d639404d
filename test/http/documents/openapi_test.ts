// Compares /openapi.json with the service: every route, status, parameter and body that one has, the other has.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Qanat } from "../../../src/app.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { serveOperators } from "../../../src/http/operator_server.ts";
import { type HttpServer, serve } from "../../../src/http/server.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import { tokenAccess } from "../../auth/token_access.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";
import {
  A,
  json,
  OPERATORS,
  requests,
  SELECTING,
  STREAMS,
} from "./api_requests.ts";
import { SchemaCheck } from "./schema_check.ts";

type Json = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly schema: Json & { readonly examples?: unknown[] };
}
interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { content: Record<string, { schema: Json }> };
  readonly responses: Record<
    string,
    { content?: Record<string, { schema: Json }>; headers?: Json }
  >;
}

/**
 * One that takes clients, one that is full and not ready, one that an address has its only stream of, one that has no
 * time for what is long, one that needs a token, and one that is stopping. `servers` has their ports for operators after
 * all others.
 */
let qanats: Qanat[];
let servers: HttpServer[];
let document: Json;
let paths: Record<string, Record<string, Operation>>;
let schemas: SchemaCheck;

const at = (path: string, server = 0) =>
  `http://127.0.0.1:${servers[server]!.port}${path}`;

/** The list of clients is on the port for operators only, where there is no authentication. */
const serverOf = (path: string) =>
  path.startsWith("/v1/clients") ? OPERATORS : 0;

class SourceThatIsNotReady extends DrivenSource {
  override status() {
    return { ...super.status(), ready: false, lastContactClockMs: 0 };
  }
}

before(async () => {
  const embedded = (catalog = new Catalog()) =>
    new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() });
  const unready = new SourceThatIsNotReady([]);
  const guarded = new Catalog();
  const groups = Array.from({ length: 400 }, (_, i) => `/group/${i}`);
  const owners = { alice: {}, member: { groups } };
  qanats = [
    new Qanat({
      // A busy machine does not make it unready.
      config: configWith({ port: 0, eventLoopDelayMaxMs: 60_000 }),
      source: embedded(),
      log: silent,
      memory: () => Deno.memoryUsage(),
    }),
    new Qanat({
      config: configWith({ port: 0, clientsMax: 0 }),
      source: unready,
      log: silent,
    }),
    new Qanat({
      config: configWith({ port: 0, clientsPerAddressMax: 1 }),
      source: embedded(),
      log: silent,
    }),
    new Qanat({
      config: configWith({
        port: 0,
        sliceMs: 0.001,
        requestWorksMax: 0,
        requestMs: 100,
      }),
      source: embedded(),
      log: silent,
    }),
    new Qanat({
      config: configWith({ port: 0 }),
      source: embedded(guarded),
      log: silent,
      access: (await tokenAccess(guarded, owners)).access,
    }),
    new Qanat({
      config: configWith({ port: 0 }),
      source: embedded(),
      log: silent,
    }),
  ];
  for (const qanat of qanats) await qanat.start();
  qanats[5]!.drain();
  for (const channel of qanats[0]!.catalog.find({})) {
    unready.publish(channel);
  }
  servers = await Promise.all(qanats.map((qanat) => serve(qanat)));
  for (const qanat of qanats) servers.push(await serveOperators(qanat));
  document = await (await fetch(at("/openapi.json"))).json();
  paths = document.paths as typeof paths;
  schemas = new SchemaCheck(document);
});

after(async () => {
  for (const [i, qanat] of qanats.entries()) {
    qanat.drain();
    await servers[i]!.close(500);
    await servers[i + OPERATORS]!.close(500);
    await qanat.close();
  }
});

/** Sends a raw request with headers beyond the limit; resolves with the status. */
function statusOfLarge(method: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(servers[0]!.port, "127.0.0.1", () => {
      const cookie = "x".repeat(40_000);
      socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n\r\n`,
      );
    });
    let got = "";
    socket.on("data", (data) => got += data.toString("latin1"));
    socket.on("close", () => resolve(Number(got.split(" ")[1])));
    socket.on("error", (error) => got === "" ? reject(error) : undefined);
  });
}

/** Ends a stream as an operator. */
async function endOfClient(): Promise<string> {
  const stream = await fetch(at(`/v1/events?channels=${A}`));
  const { clients } = await (await fetch(at("/v1/clients", OPERATORS))).json();
  const path = `/v1/clients/${clients[0].id}`;
  const { status } = await fetch(at(path, OPERATORS), { method: "DELETE" });
  await stream.body?.cancel();
  return `DELETE /v1/clients/{id} ${status}`;
}

/** Asks again for settled ranges, with the ETags of their answers. */
async function askedAgain(): Promise<string[]> {
  const seen: string[] = [];
  const start = nowGpsNs() / 1_000_000_000n - 30n;
  for (const path of ["/v1/events", "/v1/arrow", "/v1/data"]) {
    const url = at(`${path}?channels=${A}&start=${start}&duration=1`);
    const first = await fetch(url);
    await first.bytes();
    const headers = { "if-none-match": first.headers.get("etag") ?? "none" };
    for (const method of ["GET", "HEAD"]) {
      const { status } = await fetch(url, { method, headers });
      seen.push(`${method} ${path} ${status}`);
    }
  }
  return seen;
}

/** A path for a template. */
function filled(template: string, operation: Operation): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find((p) => p.name === name)!;
    return encodeURIComponent(String(parameter.schema.examples![0]));
  });
}

describe("/openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.equal(validator.version, "3.1");
    assert.ok(result.valid, JSON.stringify(result.errors));
  });

  it("has every route of the app, and no other", () => {
    const app = honoApp(qanats[0]!, {
      addressOf: () => "",
      alreadySent: null,
    });
    const routes = new Set<string>();
    for (const { method, path } of app.routes) {
      if (method === "ALL") continue; // middleware
      routes.add(`${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
      if (method === "GET") {
        routes.add(`HEAD ${path.replace(/:(\w+)/g, "{$1}")}`);
      }
    }
    const documentedRoutes = Object.entries(paths).flatMap((
      [path, operations],
    ) => Object.keys(operations).map((m) => `${m.toUpperCase()} ${path}`));
    assert.deepEqual(documentedRoutes.sort(), [...routes].sort());
    assert.ok(documentedRoutes.length > 25);
  });

  it("has the base path as its server and the same paths", async () => {
    const app = honoApp(
      new Qanat({
        config: configWith({ basePath: "/data/qanat" }),
        source: new DrivenSource([]),
        log: silent,
      }),
      { addressOf: () => "", alreadySent: null },
    );
    const answer = await app.fetch(
      new Request("http://localhost/data/qanat/openapi.json"),
    );
    const other = await answer.json();
    assert.deepEqual(other.servers, [{ url: "/data/qanat" }]);
    assert.deepEqual(Object.keys(other.paths), Object.keys(paths));
    const outside = await app.fetch(new Request("http://localhost/v1/events"));
    assert.equal(outside.status, 404);
    assert.match(
      (await outside.json()).detail,
      /nothing at '\/v1\/events'; '\/data\/qanat\/' lists/,
    );
    for (const path of ["/data/qanat", "/data/qanat/"]) {
      const index = await app.fetch(new Request("http://localhost" + path));
      assert.equal(index.status, 200, path);
    }
    const page = await app.fetch(
      new Request("http://localhost/data/qanat/docs"),
    );
    assert.match(await page.text(), /src="docs\/start\.js"/);
  });

  it("names each operation once, and describes each parameter with type, unit and example", () => {
    const ids: string[] = [];
    for (const operations of Object.values(paths)) {
      for (const operation of Object.values(operations)) {
        ids.push(operation.operationId);
        for (const { name, description, schema } of operation.parameters) {
          const where = `${operation.operationId} ${name}`;
          assert.ok(description, where);
          assert.ok(schema.type, where);
          assert.ok(schema.examples?.length, where);
          if (schema.type === "number" || schema.type === "integer") {
            assert.ok(schema["x-unit"], where);
          }
          for (const example of schema.examples ?? []) {
            schemas.assert(schema, example, where);
          }
        }
        const body = operation.requestBody?.content["application/json"]?.schema;
        for (const example of (body?.examples ?? []) as unknown[]) {
          schemas.assert(body, example, operation.operationId);
        }
      }
    }
    assert.equal(new Set(ids).size, ids.length);
  });

  it("documents exactly the statuses that are answered, with type and schema", async () => {
    const only = await fetch(at(`/v1/events?channels=${A}`, 2));
    const seen = new Set<string>();
    for (const sent of requests(Object.keys(paths))) {
      const method = sent.method ?? sent.init?.method ?? "GET";
      const operation = paths[sent.template]![method.toLowerCase()]!;
      const path = sent.path ?? sent.template;
      const answer = await fetch(at(path, sent.server), {
        ...sent.init,
        method,
      });
      const text = await answer.text();
      const where = `${method} ${path.slice(0, 100)} ${answer.status}`;
      seen.add(`${method} ${sent.template} ${answer.status}`);
      const documented = operation.responses[answer.status];
      assert.ok(documented, `${where} is not documented`);
      for (const name of Object.keys(documented.headers ?? {})) {
        if (answer.status >= 400) assert.ok(answer.headers.get(name), where);
      }
      if (method === "HEAD" || answer.status === 204) {
        assert.equal(text, "", where);
        assert.equal(documented.content, undefined, where);
        continue;
      }
      const type = (answer.headers.get("content-type") ?? "").split(";")[0]!;
      const media = documented.content?.[type];
      assert.ok(media, `${where}: ${type} is not documented`);
      if (/[/+]json$/.test(type)) {
        const body = JSON.parse(text);
        schemas.assert(media.schema, body, where);
        if (answer.status >= 400 && /problem/.test(type)) {
          assert.equal(body.status, answer.status, where);
          assert.equal(body.type, `/docs/problems#${body.code}`, where);
          assert.equal(answer.headers.get("cache-control"), "no-store", where);
        }
      }
    }
    await only.body?.cancel();
    seen.add(await endOfClient());
    for (const again of await askedAgain()) seen.add(again);
    for (const [template, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const name = method.toUpperCase();
        const path = filled(template, operation);
        seen.add(`${name} ${template} ${await statusOfLarge(name, path)}`);
      }
    }
    const documentedStatuses = Object.entries(paths).flatMap((
      [template, operations],
    ) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        Object.keys(responses).map((status) =>
          `${method.toUpperCase()} ${template} ${status}`
        )
      )
    );
    assert.deepEqual([...seen].sort(), documentedStatuses.sort());
  });

  it("describes refused channels", async () => {
    const { admission, catalog } = qanats[1]!.source as DrivenSource;
    const [channel] = catalog.find({});
    admission.put("X", { ...channel!, name: "A\u001b[2J" });
    const answer = await fetch(at("/v1/status", 1));
    const status = await answer.json();
    schemas.assert(
      { $ref: "#/components/schemas/Status" },
      status,
      "status",
    );
    assert.equal(status.channels_refused.total.name, 1);
    assert.deepEqual(status.channels_refused.newest, [{
      publisher: "X",
      name: "AU+001B[2J",
      reason: "name",
      detail: "name must not have the character U+001B",
    }]);
    const { text } = await qanats[1]!.metrics();
    assert.match(text, /^qanat_channels_refused_total\{reason="name"\} 1$/m);
  });

  it("documents exactly the parameters that the service knows", async () => {
    const known = async (path: string, init?: RequestInit) => {
      const answer = await fetch(at(path, serverOf(path)), init);
      const { detail } = await answer.json();
      assert.equal(answer.status, 400, path);
      return String(detail).split("known are ")[1]!.split(", ").sort();
    };
    const names = (operation: Operation) =>
      operation.parameters.filter((p) => p.in === "query").map((p) => p.name);
    for (const [template, operations] of Object.entries(paths)) {
      const { get, post } = operations;
      if (!get || names(get).length === 0) continue;
      assert.deepEqual(
        await known(filled(template, get) + "?nonsense=1"),
        names(get).sort(),
        template,
      );
      if (!post) continue;
      const { properties } = post.requestBody!.content["application/json"]!
        .schema as { properties: Json };
      assert.deepEqual(
        await known(template, json({ nonsense: 1 })),
        Object.keys(properties).sort(),
        template,
      );
    }
  });

  it("accepts each parameter's example, and refuses what its schema refuses", async () => {
    for (const [template, { get }] of Object.entries(paths)) {
      if (!get || SELECTING.includes(template)) continue;
      for (const { name, schema, in: place } of get.parameters) {
        if (place !== "query") continue;
        const ask = async (value: string): Promise<number> => {
          const query = new URLSearchParams({ [name]: value });
          const path = `${filled(template, get)}?${query}`;
          const answer = await fetch(at(path, serverOf(path)));
          await answer.body?.cancel();
          return answer.status;
        };
        for (const example of schema.examples!) {
          assert.equal(await ask(String(example)), 200, `${template} ${name}`);
        }
        for (const wrong of wrongs(schema)) {
          assert.equal(await ask(wrong), 400, `${template} ${name}=${wrong}`);
        }
      }
    }
    for (const template of STREAMS) {
      const { get } = paths[template]!;
      for (const { name, schema, in: place } of get!.parameters) {
        if (place !== "query") continue;
        const others = new URLSearchParams({ channels: A, duration: "0.1" });
        if (name === "end") {
          others.set("start", "1126259461");
          others.delete("duration");
        }
        const ask = async (value: string): Promise<number> => {
          const query = new URLSearchParams(others);
          query.set(name, value);
          const answer = await fetch(at(`${template}?${query}`), {
            method: "HEAD",
          });
          return answer.status;
        };
        for (const example of schema.examples!) {
          // 404: the range of this example is over, and nothing of it is left.
          const status = await ask(String(example));
          const isRange = name === "start" || name === "end";
          assert.ok(
            status === 200 || isRange && status === 404,
            `${template} ${name}: ${status}`,
          );
        }
        for (const wrong of wrongs(schema)) {
          assert.equal(await ask(wrong), 400, `${template} ${name}=${wrong}`);
        }
      }
    }
  });
});

/** Values just outside a schema. */
function wrongs(schema: Json): string[] {
  const out: string[] = [];
  const { minimum, maximum, exclusiveMinimum, maxLength } = schema as {
    [keyword: string]: number | undefined;
  };
  const isNumber = schema.type === "number" || schema.type === "integer";
  if (isNumber) out.push("", "fast", "0x10", " 1");
  if (schema.type === "integer") out.push("1.5");
  if (minimum !== undefined) out.push(String(minimum - 1));
  if (maximum !== undefined) out.push(String(maximum + 1));
  if (exclusiveMinimum !== undefined) out.push(String(exclusiveMinimum));
  if (maxLength !== undefined) out.push("x".repeat(maxLength + 1));
  if (schema.pattern) out.push("yesterday");
  const items = schema.items as Json | undefined;
  if (schema.enum || items?.enum) out.push("none-of-these");
  return out;
}
