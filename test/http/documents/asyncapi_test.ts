// Checks /asyncapi.json with AsyncAPI's own parser, and the events of live streams with its schemas.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Parser } from "@asyncapi/parser";
import { type App, createApp } from "../../../mod.ts";
import { ROW_ENCODINGS } from "../../../src/frames/stream_format.ts";
import {
  contentOf,
  rowMessageName,
} from "../../../src/http/documents/encoding_messages.ts";
import { EVENTS_PARAMETERS } from "../../../src/http/documents/stream_parameters.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import type { ReadFrom } from "../../../src/source/source.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import { configWith } from "../../driven_source.ts";
import { SchemaCheck } from "./schema_check.ts";

type Json = Record<string, unknown>;
interface Message {
  readonly headers?: Json;
  readonly payload: Json;
}

const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:GWOSC-4KHZ_R1_WHITENED";
const SLOW = "H1:SLOW-SINE_F32_16";

class SilentSource extends EmbeddedSource {
  override subscribe(_topic: string, { ms }: ReadFrom): number {
    return ms;
  }
}

let app: App;
let silent: App;
let document: Json;
let openApi: Json;
const schemas = new SchemaCheck();

const get = (path: string, from: App = app) =>
  Promise.resolve(from.fetch(new Request("http://localhost" + path)));
const messagesOf = (channel: string) =>
  (document.channels as Record<string, { messages: Record<string, Message> }>)[
    channel
  ]!.messages;

before(async () => {
  app = await createApp();
  silent = await createApp({
    config: configWith({ heartbeatMs: 100 }),
    source: new SilentSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
    }),
  });
  document = await (await get("/asyncapi.json")).json();
  openApi = await (await get("/openapi.json")).json();
});

after(async () => {
  await app.close();
  await silent.close();
});

/** Name and content of the message in a block of lines. */
function messageOf(
  block: string,
): { name: string; headers: Json; data: string } {
  const headers: Json = {};
  let data = "";
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data += value;
    else if (field === "id" || field === "event") headers[field] = value;
  }
  const name = headers.event ??
    (data === ""
      ? "heartbeat"
      : data.includes('"bin_ns"')
      ? "bin"
      : data.startsWith("{")
      ? "row"
      : "arrowRow");
  return { name: String(name), headers, data };
}

async function textOf(response: Response, blocks: number): Promise<string> {
  assert.equal(response.status, 200);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (text.split("\n\n").length <= blocks) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

describe("/asyncapi.json", () => {
  it("has a message of rows for each encoding, and describes each in the parameter", () => {
    const { encoding } = EVENTS_PARAMETERS;
    for (const name of ROW_ENCODINGS) {
      const message = messagesOf("events")[rowMessageName(name)];
      assert.ok(message?.payload, name);
      assert.ok(String(encoding!.description).includes(contentOf(name)), name);
    }
  });

  it("is valid AsyncAPI 3.0", async () => {
    const { document: parsed, diagnostics } = await new Parser().parse(
      JSON.stringify(document),
    );
    assert.deepEqual(
      diagnostics.map((d) => d.code),
      ["asyncapi-latest-version"], // 3.1 exists; tools read 3.0
    );
    assert.equal(parsed?.version(), "3.0.0");
    assert.deepEqual(
      parsed?.operations().all().map((o) => o.action()),
      ["send", "send", "send", "send"],
    );
  });

  it("has the same paths, parameters and server as OpenAPI", async () => {
    const paths = openApi.paths as Record<string, Json>;
    const channels = document.channels as Record<string, { address: string }>;
    for (const [name, { address }] of Object.entries(channels)) {
      const operation = paths[address]!.get as {
        parameters: { in: string; name: string; schema: Json }[];
      };
      const query = Object.values(document.operations as Record<string, Json>)
        .map((o) => o as { channel: Json; bindings: { http: Json } })
        .find((o) =>
          o.channel.$ref === `#/channels/${name}` && o.bindings.http.query
        )!.bindings.http.query as { properties: Json };
      assert.deepEqual(
        Object.keys(query.properties),
        operation.parameters.filter((p) => p.in === "query").map((p) => p.name),
      );
    }
    const other = await createApp({ config: { basePath: "/q" } });
    const answer = await other.fetch(
      new Request("https://data.example:8443/q/asyncapi.json"),
    );
    assert.deepEqual((await answer.json()).servers, {
      here: { host: "data.example:8443", protocol: "https", pathname: "/q" },
    });
    await other.close();
  });

  it("describes exactly the events that streams send", async () => {
    const texts = await Promise.all([
      get(`/v1/events?channels=${A},${B}&duration=0.3`).then((r) =>
        textOf(r, 100)
      ),
      get(`/v1/events?match=H1:QANAT&duration=0.2`).then((r) => textOf(r, 100)),
      get(`/v1/events?channels=${A}&encoding=arrow&duration=0.2`)
        .then((r) => textOf(r, 100)),
      get(`/v1/events?channels=${A}&after=nonsense`).then((r) => textOf(r, 3)),
      get(`/v1/events?channels=${A}&start=1126259462`)
        .then((r) => textOf(r, 3)),
      get(`/v1/events?channels=${SLOW},${A}`).then((r) => textOf(r, 2)),
      get(`/v1/events?channels=${A}`, silent).then((r) => textOf(r, 3)),
      get(`/v1/events?channels=${A},${B}&trend=1s&duration=1`)
        .then((r) => textOf(r, 3)),
      get("/v1/events?channels=NONE&errors=event").then((r) => textOf(r, 1)),
    ]);
    const messages = messagesOf("events");
    // A client that stalls: test/trends/trend_streams_test.ts.
    const seen = new Set<string>(["trend"]);
    for (const block of texts.flatMap((text) => text.split("\n\n"))) {
      if (block === "") continue;
      const { name, headers, data } = messageOf(block);
      const message = messages[name];
      assert.ok(message, `${name} is not described: ${block}`);
      seen.add(name);
      schemas.assert(message.headers, headers, name);
      const isJson = !["arrowRow", "heartbeat"].includes(name);
      schemas.assert(message.payload, isJson ? JSON.parse(data) : data, name);
    }
    assert.deepEqual([...seen].sort(), Object.keys(messages).sort());
  });

  it("describes the metadata of an Arrow stream", async () => {
    const answer = await get(
      `/v1/arrow?channels=${A}&duration=0.2&after=1`,
    );
    const text = new TextDecoder("latin1").decode(await answer.arrayBuffer());
    const headers = messagesOf("arrow").batch!.headers as {
      properties: Record<string, { contentSchema: Json }>;
    };
    assert.equal(text.split("qanat.gap").length, 2);
    const [told] = /\{"from":[^}]*\}/.exec(text)!;
    const { contentSchema } = headers.properties["qanat.gap"]!;
    schemas.assert(contentSchema, JSON.parse(told), "qanat.gap");
  });
});
