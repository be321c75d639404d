// The data source of deploy/grafana/plugin: type-checked, built, and run with Grafana's own packages against a Qanat.
// Invariant: what runs is the module that Grafana would load; only its server and its browser are replaced.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { PLUGIN_ID } from "../../scripts/release/grafana_plugin.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import { VERSION } from "../../src/telemetry/build_info.ts";
import { freePort, type Launched, PARTS, say } from "./chain.ts";
import type { GrafanaProxy } from "./grafana/grafana_proxy.ts";
import {
  type Field,
  GrafanaWorld,
  type Response,
  type Tested,
  type Watched,
} from "./grafana/grafana_world.ts";

const SINE = "H1:QANAT-SINE_F32_16";
/** A row each second. */
const SLOW = "H1:SLOW-SINE_F32_1";
/** Alone in its topic, so that Qanat makes an hour of it in a minute. */
const COUNT = "H1:QANAT-COUNT_U64_16";
const RATE = 16;
const HOUR_MS = 3_600_000;
/** Fewer than an hour has. */
const SAMPLES_MAX = 5000;
/** What is left of a stream's memory may differ by that much from one picture to another. [MB] */
const HEAP_MB = 2;
const ORIGIN = "https://grafana.example";
const runnable = canRun([PARTS.npx, PARTS.node]);

describe(
  "the Grafana data source",
  { ignore: !runnable, skip: !runnable },
  () => {
    let world: GrafanaWorld;
    let qanat: Launched;
    let proxy: GrafanaProxy;
    /** Of an instance that needs a token. */
    let guarded: Launched;
    let guardedProxy: GrafanaProxy;
    /** An hour takes most of a minute, so it runs while the others do. */
    let hour: { proxy: GrafanaProxy; watched: Promise<Watched> };

    const query = (more: object, { url } = proxy) =>
      world.inGrafana<Response>(url, "query", more);
    const test = (url: string, more: object = {}) =>
      world.inGrafana<Tested>(url, "test", more);
    const target = (more: object, channel: string = SINE) => ({
      targets: [{ refId: "A", channels: [channel], ...more }],
    });

    function startedHour() {
      const nowMs = Date.now();
      const proxy = world.proxy(qanat);
      // Grafana asks for a short range, and an hour comes: as if the panel had been open so long.
      proxy.beginAt(nowMs - HOUR_MS);
      const watched = world.inGrafana<Watched>(proxy.url, "watch", {
        ...target({ isLive: true }, COUNT),
        ...{ fromMs: nowMs - 60_000, toMs: nowMs, samplesMax: SAMPLES_MAX },
        // Qanat has the last hour, and starting takes time.
        untilMs: nowMs + 20_000,
      }, world.host());
      // It may fail before its test looks.
      watched.catch(() => {});
      return { proxy, watched };
    }

    before(async () => {
      world = await GrafanaWorld.made();
      const notes = await world.file("notes.json", {
        notes: [{ channel: SINE, unit: "m", description: "A sine" }],
      });
      const { file, token } = await world.tokens();
      [qanat, guarded] = await Promise.all([
        world.qanat([`--channel-notes=${notes}`, `--cors-origin=${ORIGIN}`]),
        world.qanat(["--auth=tokens", `--auth-token-file=${file}`]),
      ]);
      proxy = world.proxy(qanat);
      guardedProxy = world.proxy(guarded, token);
      hour = startedHour();
    });
    after(() => world?.close());

    it("says that it works, and what is wrong otherwise", async () => {
      const works = await test(proxy.url);
      assert.equal(works.status, "success", works.message);
      assert.match(works.message, new RegExp(`^Qanat ${VERSION} answers`));
      const message = async (wrong: string) => (await test(wrong)).message;
      assert.match(
        await message(`${qanat.url}/docs`),
        /no Qanat 0\.2 or later/,
      );
      const nobody = `http://127.0.0.1:${freePort()}`;
      assert.match(await message(nobody), /does not answer.*--cors-origin/);
    });

    it("reads with the token that Grafana's server adds, and asks for one otherwise", async () => {
      const works = await test(guardedProxy.url);
      assert.equal(works.status, "success", works.message);
      const none = world.proxy(guarded);
      const wrong = world.proxy(guarded, "qanat_" + "A".repeat(43));
      for (const { url } of [none, wrong]) {
        const { status, message } = await test(url);
        assert.equal(status, "error");
        assert.match(message, /^Check the token\. \w/);
      }
      const { errors } = await query({
        ...target({}),
        ...{ fromMs: Date.now() - 1000, toMs: Date.now() },
      }, none);
      assert.equal(errors![0]!.status, 401);
    });

    it("reads from a browser by --cors-origin, and names this setting where it is missing", async () => {
      const works = await test(qanat.url, { origin: ORIGIN });
      assert.equal(works.status, "success", works.message);
      for (
        const [url, origin] of [
          [qanat.url, "https://other.example"],
          [guarded.url, ORIGIN],
        ] as const
      ) {
        const { status, message } = await test(url, { origin });
        assert.equal(status, "error");
        assert.match(message, /needs --cors-origin with the origin of this/);
      }
    });

    it("finds channels by a part of their name", async () => {
      const found = await world.inGrafana<{ text: string }[]>(
        proxy.url,
        "search",
        {
          text: "sine_f32",
        },
      );
      assert.ok(found.some(({ text }) => text === SINE));
    });

    it("shows a short range as samples, at the times of Qanat, with unit and description", async () => {
      const toMs = Math.floor(Date.now() / 1000) * 1000 - 2000;
      const { data, state } = await query({
        ...target({}),
        ...{ fromMs: toMs - 10_000, toMs },
      });
      assert.equal(state, "Done");
      const [time, value] = data[0]!.fields;
      assert.equal(time.values.length, 10 * RATE);
      assert.equal(value.config["unit"], "suffix:m");
      assert.equal(value.config["description"], "A sine");
      const end = `end=${utc(toMs)}&start=${utc(toMs - 10_000)}`;
      const text = await (await fetch(
        `${qanat.url}/v1/data?format=ndjson&channels=${SINE}&${end}`,
      )).text();
      const [first] = text.split("\n");
      const { gps_ns, channels } = JSON.parse(first!);
      assert.equal(time.values[0], unixMsOfGpsMs(Number(gps_ns) / 1e6));
      assert.equal(value.values[0], channels[SINE]);
    });

    it("shows a long range as a trend, whose beginning is a gap", async () => {
      const toMs = Date.now();
      const { data } = await query({
        ...target({ statistic: "band" }),
        ...{ fromMs: toMs - 2 * HOUR_MS, toMs, maxDataPoints: 8000 },
      });
      const [{ fields, meta }] = data as [Response["data"][0]];
      assert.deepEqual(
        fields.map(({ name }) => name),
        ["time", `${SINE} mean`, `${SINE} min`, `${SINE} max`],
      );
      assert.equal(fields[1].values[0], null);
      const at = fields[1].values.findIndex((value) => value !== null);
      assert.ok(at > 0, "No bin");
      const [mean, min, max] = fields.slice(1).map(({ values }) => values[at]!);
      assert.ok(min! <= mean! && mean! <= max!);
      assert.match(
        meta.notices[0]!.text,
        /^No data from .*\((retention|not-recorded)\)$/,
      );
    });

    it("asks for a range that ends later than now up to now, or to the newest whole bin, and so waits for nothing", async () => {
      const nowMs = Date.now();
      const toMs = nowMs + HOUR_MS;
      const bins = await query({
        ...target({}),
        ...{ fromMs: nowMs - 2 * HOUR_MS, toMs, maxDataPoints: 200 },
      });
      assert.equal(bins.state, "Done");
      assert.equal(proxy.asked.get("trend"), "60s");
      const endS = Number(proxy.asked.get("end"));
      assert.equal(endS % 60, 0);
      assert.ok(endS * 1000 <= gpsMsOfUnixMs(Date.now()));
      const rows = await query({
        ...target({}),
        ...{ fromMs: nowMs - 5000, toMs, maxDataPoints: 1e6 },
      });
      assert.equal(rows.state, "Done");
      assert.equal(proxy.asked.get("end"), "now");
    });

    it("says why a range cannot be read, after some attempts", async () => {
      proxy.refuse(100, "events");
      const toMs = Date.now() - 2000;
      const { errors, state } = await query({
        ...target({}),
        ...{ fromMs: toMs - 1000, toMs },
      });
      assert.equal(proxy.refusalsLeft, 96);
      proxy.refuse(0);
      assert.equal(state, "Error");
      assert.match(errors![0]!.message, /^Status 502, not from Qanat/);
    });

    it("shows live rows once Qanat is there, where it was not when the panel was opened", async () => {
      proxy.refuse(2);
      const nowMs = Date.now();
      const { state } = await query({
        ...target({ isLive: true }),
        ...{ fromMs: nowMs - 5000, toMs: nowMs, untilMs: nowMs },
      });
      assert.equal(proxy.refusalsLeft, 0);
      assert.equal(state, "Streaming");
    });

    it("shows live rows, each once, although the connection breaks", async () => {
      proxy.cutOnce();
      const fromMs = Date.now() - 20_000;
      const { data, state } = await query({
        ...target({ isLive: true }),
        ...{ fromMs, toMs: Date.now(), points: 25 * RATE },
      });
      assert.equal(proxy.cuts, 1);
      assert.equal(state, "Streaming");
      const [time, value] = data[0]!.fields;
      assert.ok(value.values.every((sample) => sample !== null));
      assert.ok(stepsOf(time).every((step) => step === 1000 / RATE));
      assert.deepEqual(data[0]!.meta.notices, []);
    });

    it("shows what Qanat does not have before live rows as a null and as a notice", async () => {
      const nowMs = Date.now();
      const { data, state } = await query({
        ...target({ isLive: true }, SLOW),
        // Qanat has an hour. The null is a point, too.
        ...{ fromMs: nowMs - HOUR_MS - 60_000, toMs: nowMs, untilMs: nowMs },
      });
      assert.equal(state, "Streaming");
      const [time, value] = data[0]!.fields;
      assert.ok(time.values.at(-1)! >= nowMs);
      assert.equal(value.values[0], null);
      assert.ok(value.values.slice(1).every((sample) => sample !== null));
      const steps = stepsOf(time).slice(1);
      assert.ok(steps.length > 3500, `${steps.length} rows`);
      assert.ok(steps.every((step) => step === 1000));
      const texts = data[0]!.meta.notices.map(({ text }) => text);
      const [from, to] = [time.values[0]!, time.values[1]!].map(utc);
      assert.deepEqual(texts, [`No data from ${from} to ${to} (retention)`]);
    });

    it("shows a gap within live rows as one null, with a notice", async () => {
      proxy.leaveOut(3, 5);
      const { data } = await query({
        ...target({ isLive: true }),
        ...{ fromMs: Date.now() - 5000, toMs: Date.now(), points: 40 },
      });
      const [time, value] = data[0]!.fields;
      const nulls = value.values.flatMap((v, i) => v === null ? [i] : []);
      assert.deepEqual(nulls, [3]);
      assert.equal(time.values[4]! - time.values[2]!, 6 * 1000 / RATE);
      const texts = data[0]!.meta.notices.map(({ text }) => text);
      const [from, to] = [time.values[3]!, time.values[4]!].map(utc);
      assert.deepEqual(texts, [`No data from ${from} to ${to} (missing)`]);
    });

    it("shows a refusal of Qanat as an error of the query", async () => {
      const { errors, state } = await query({
        targets: [{ refId: "A", channels: ["H1:NO-SUCH"] }],
        ...{ fromMs: Date.now() - 1000, toMs: Date.now() },
      });
      assert.equal(state, "Error");
      assert.equal(errors![0]!.status, 404);
      assert.match(errors![0]!.message, /^Unknown channel: .*H1:NO-SUCH/);
    });

    it("keeps the rules of Grafana's catalogue", async () => {
      const file = (name: string) =>
        Deno.readTextFile(`${world.plugin}/${name}`);
      const plugin = JSON.parse(await file("plugin.json"));
      assert.equal(plugin.id, PLUGIN_ID);
      assert.match(plugin.id, /^[a-z0-9]+-[a-z0-9]+-datasource$/);
      assert.equal(plugin.info.version, VERSION);
      assert.match(plugin.info.updated, /^\d{4}-\d{2}-\d{2}$/);
      assert.ok(plugin.info.description && plugin.info.author.name);
      assert.ok(plugin.dependencies.grafanaDependency);
      for (const logo of Object.values<string>(plugin.info.logos)) {
        assert.match(await file(logo), /^<svg /);
      }
      for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
        assert.ok((await file(name)).length > 50, name);
      }
      for (const { headers } of plugin.routes) {
        for (const { content } of headers) {
          assert.match(
            content,
            /SecureJsonData/,
          );
        }
      }
      const module = await file("module.js");
      assert.doesNotMatch(module, new RegExp(world.packages));
      assert.ok(module.length < 100_000, "It contains packages of Grafana");
    });

    it("keeps a limited number of points of an hour's rows", async () => {
      const watched = await hour.watched;
      const { pictures, pointsMost, heapFirstMb, heapLastMb } = watched;
      const figures = JSON.stringify(watched);
      say(`Of ${hour.proxy.rows} rows: ${figures}`);
      assert.ok(
        hour.proxy.rows >= HOUR_MS / 1000 * RATE,
        `${hour.proxy.rows} rows`,
      );
      assert.ok(pictures > 1, figures);
      assert.ok(pointsMost >= SAMPLES_MAX, figures);
      assert.ok(pointsMost <= 1.25 * SAMPLES_MAX, figures);
      assert.equal(watched.nulls, 0);
      assert.ok(heapLastMb < heapFirstMb + HEAP_MB, figures);
    });
  },
);

function stepsOf({ values }: Field): number[] {
  return values.slice(1).map((time, i) => time! - values[i]!);
}

function utc(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
