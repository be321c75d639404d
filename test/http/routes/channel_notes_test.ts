// Units and descriptions in the answers of the routes: lists, hello, Arrow of rows and of bins; and what happens when they
// change while streams are open.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type Field, tableFromIPC } from "apache-arrow";
import { type App, createApp } from "../../../mod.ts";
import { Qanat } from "../../../src/app.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { Catalog } from "../../../src/channels/catalog.ts";
import type { ChannelNote } from "../../../src/channels/channel_note.ts";
import { Expression } from "../../../src/channels/expression.ts";
import { NoteRules } from "../../../src/channels/note_rules.ts";
import { EmbeddedSource } from "../../../src/source/embedded_source.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { tokenAccess } from "../../auth/token_access.ts";
import { configWith, silent } from "../../driven_source.ts";

const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:QANAT-COUNT_I64_64";
/** Of the same rate as A. */
const C = "H1:QANAT-COUNT_U64_16";
const NOTE: ChannelNote = {
  unit: "m/s²",
  description: "A counter",
  range: [0, 100],
};

function rules(match: string, note: ChannelNote): NoteRules {
  return new NoteRules(new Map(), [{
    expression: new Expression(match),
    note,
  }]);
}

describe("notes about channels", () => {
  const catalog = new Catalog();
  let app: App;
  const get = (path: string, init?: RequestInit) =>
    Promise.resolve(app.fetch(new Request(`http://localhost${path}`, init)));
  const json = async (path: string) => await (await get(path)).json();
  const table = async (path: string, init?: RequestInit) =>
    tableFromIPC(new Uint8Array(await (await get(path, init)).arrayBuffer()));
  const metadata = (fields: readonly Field[], name: string) =>
    Object.fromEntries(fields.find((f) => f.name === name)!.metadata);

  before(async () => {
    app = await createApp({
      config: configWith({}),
      source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    });
    catalog.notes.use(rules(`${A}$`, NOTE));
  });
  after(() => app.close());

  it("are in the list, in JSON and in Arrow, and with one channel", async () => {
    const listed = await json("/v1/channels?match=H1:QANAT-COUNT_I64");
    const [a, b] = listed.channels;
    const shown = ({ unit, description, range }: ChannelNote) => ({
      unit,
      description,
      range,
    });
    assert.deepEqual([a.name, shown(a)], [A, NOTE]);
    assert.deepEqual(
      [b.name, shown(b)],
      [B, { unit: null, description: null, range: null }],
    );
    assert.deepEqual(shown(await json(`/v1/channels/${A}`)), NOTE);
    const arrow = await table("/v1/channels?match=H1:QANAT-COUNT_I64", {
      headers: { accept: "application/vnd.apache.arrow.stream" },
    });
    const { name, unit, description, range_low, range_high } = arrow.get(0)!
      .toJSON();
    assert.deepEqual(
      [name, unit, description, range_low, range_high],
      [A, "m/s²", "A counter", 0, 100],
    );
    assert.equal(arrow.get(1)!.toJSON().unit, null);
  });

  it("are in the metadata of Arrow's fields, of rows, bins and the newest row", async () => {
    const noted = { rate: "16", unit: "m/s²", description: "A counter" };
    const headers = { accept: "application/vnd.apache.arrow.stream" };
    for (const path of ["/v1/arrow?duration=0.1&", "/v1/latest?"]) {
      const { schema: { fields } } = await table(
        `${path}channels=${A},${B}`,
        { headers },
      );
      assert.deepEqual(metadata(fields, A), noted, path);
      assert.deepEqual(metadata(fields, B), { rate: "64" }, path);
    }
    const { schema: { fields } } = await table(
      `/v1/arrow?channels=${A}&trend=1s&start=-3&duration=1`,
    );
    for (const part of ["min", "mean", "max"]) {
      assert.deepEqual(metadata(fields, `${A}.${part}`), noted, part);
    }
    assert.deepEqual(metadata(fields, `${A}.count`), { rate: "16" });
  });

  it("are the unit in hello, also where it has a schema", async () => {
    const hello = async (query: string) => {
      const text = await (await get(`/v1/events?${query}&duration=0.1`)).text();
      return JSON.parse(/^event: hello\ndata: (.*)$/m.exec(text)![1]!);
    };
    const plain = await hello(`channels=${A},${B}`);
    assert.deepEqual(plain.channels, [
      { name: A, data_type: "int64", sample_rate: 16, unit: "m/s²" },
      { name: B, data_type: "int64", sample_rate: 64 },
    ]);
    const { channels, schema } = await hello(`channels=${A}&encoding=arrow`);
    assert.equal(channels[0].unit, "m/s²");
    const message = Uint8Array.fromBase64(schema);
    const { fields } = tableFromIPC(message).schema;
    assert.equal(metadata(fields, A).unit, "m/s²");
  });

  it("change for new streams alone, also where others of the selection are open", async () => {
    const query = `/v1/arrow?channels=${A},${B}`;
    const open = await get(query);
    const reader = open.body!.getReader();
    const first = (await reader.read()).value!;
    const begun = tableFromIPC(first);
    assert.equal(metadata(begun.schema.fields, A).unit, "m/s²");
    catalog.notes.use(rules(".*I64_64", { ...NOTE, unit: "s" }));
    const next = await table(`${query}&duration=0.1`);
    assert.deepEqual(metadata(next.schema.fields, A), { rate: "16" });
    assert.equal(metadata(next.schema.fields, B).unit, "s");
    // The stream that is open continues.
    for (let i = 0; i < 3; i++) {
      const { done } = await reader.read();
      assert.ok(!done);
    }
    await reader.cancel();
    assert.equal((await json(`/v1/channels/${B}`)).unit, "s");
  });

  it("are in lines of text where units=1 asks for them, and nowhere else", async () => {
    catalog.notes.use(rules(`${A}$`, { ...NOTE, unit: '=m,"s"' }));
    const text = async (more: string, names = `${A},${C}`) => {
      const query = `channels=${names}&start=-3&duration=1${more}`;
      const answer = await get(`/v1/data?${query}`);
      assert.equal(answer.status, 200);
      return await answer.text();
    };
    const heading = async (more: string, names?: string) =>
      (await text(more, names)).split("\n")[0];
    const plain = `time,gps_ns,${A},${C},status`;
    assert.equal(await heading(""), plain);
    assert.equal(await heading("&units=0"), plain);
    assert.equal(
      await heading("&units=1"),
      `time,gps_ns,"${A} [=m,""s""]",${C},status`,
    );
    const gwpy = "&format=gwpy";
    assert.equal(await heading(gwpy, A), `# gps_s,${A}`);
    assert.equal(
      await heading(`${gwpy}&units=1`, A),
      `# gps_s,"${A} [=m,""s""]"`,
    );
    const bins = await heading("&units=1&trend=1s", A);
    const columns = ["min", "mean", "max"].map((value) =>
      `"${A}.${value} [=m,""s""]"`
    );
    assert.equal(bins, `time,gps_ns,${columns},${A}.count,status`);
    const lines = (await text("&format=ndjson&units=1")).split("\n");
    assert.deepEqual(JSON.parse(lines[0]!), {
      units: { [A]: '=m,"s"', [C]: null },
    });
    assert.ok("time" in JSON.parse(lines[1]!));
    const first = await heading("&format=ndjson");
    assert.ok("time" in JSON.parse(first!));
    for (const path of ["/v1/events", "/v1/arrow"]) {
      const refused = await get(`${path}?channels=${A}&units=1`);
      assert.equal(refused.status, 400);
      const { detail, param } = await refused.json();
      assert.match(detail, /units is a parameter of \/v1\/data/);
      assert.equal(param, "units");
    }
    const wrong = await get(`/v1/data?channels=${A}&duration=1&units=yes`);
    assert.equal(wrong.status, 400);
    assert.match((await wrong.json()).detail, /units must be one of 0, 1/);
  });

  it("have equal bytes for clients of one selection", async () => {
    const schemaOf = async () => {
      const response = await get(`/v1/arrow?channels=${A},${B}`);
      const reader = response.body!.getReader();
      const { value } = await reader.read();
      await reader.cancel();
      return value!;
    };
    const [one, other] = await Promise.all([schemaOf(), schemaOf()]);
    assert.deepEqual(one, other);
  });
});

describe("notes about channels with authentication", () => {
  it("are shown of channels that the caller may read, and of no others", async () => {
    const catalog = new Catalog();
    catalog.notes.use(rules("H1:QANAT-COUNT_I64", NOTE));
    const { access } = await tokenAccess(catalog, {
      alice: { match: `${A}$` },
    });
    const qanat = new Qanat({
      config: configWith({ retentionMb: 1 }),
      source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
      log: silent,
      access,
    });
    await qanat.start();
    const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
    const get = async (path: string) =>
      await app.request(path, { headers: { authorization: "Bearer t-alice" } });
    try {
      const { channels } = await (await get("/v1/channels")).json();
      assert.deepEqual(
        channels.map(({ name, unit }: { name: string; unit: string }) => [
          name,
          unit,
        ]),
        [[A, NOTE.unit]],
      );
      const known = await get(`/v1/channels/${A}`);
      assert.equal((await known.json()).description, NOTE.description);
      const hidden = await get(`/v1/channels/${B}`);
      assert.equal(hidden.status, 404);
      assert.ok(!(await hidden.text()).includes(NOTE.unit!));
    } finally {
      qanat.drain();
      await qanat.close();
    }
  });
});
