// The cost of requests, for every parameter of every route. The parameters are read from the OpenAPI document, so that
// new ones are included. Values are long, deeply nested, repeated and odd; steps of work are counted, not timed.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import type { Channel } from "../../../src/channels/channel.ts";
import { PART_STEPS_MAX } from "../../../src/channels/sliced_work.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import { HostRule } from "../../../src/http/routes/host_rule.ts";
import { operatorApp } from "../../../src/http/routes/operator_app.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";
import { hostileBodies, hostileTexts } from "./hostile_texts.ts";

const SLICE_MS = 4;
const SLICE_STEPS = Math.max(SLICE_MS * 1000, PART_STEPS_MAX);
const CHANNELS = 1000;
const ARROW = "application/vnd.apache.arrow.stream";
/** Matches few channels, as the cost of a stream of thousands is that of its rows. */
const FEW = "H1:SUS-0000";

type Json = Record<string, unknown>;
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: Json;
}
interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: unknown;
}

let qanat: Qanat;
let app: ReturnType<typeof honoApp>;
let operators: ReturnType<typeof honoApp>;
let paths: Record<string, Record<string, Operation>>;

function channel(i: number): Channel {
  const name = `H1:SUS-${String(i).padStart(5, "0")}_`;
  return {
    name: i % 10 === 9 ? name.padEnd(255, "x") : name,
    dataType: "float32",
    sampleRate: 16,
    publisher: `P${i % 7}`,
    partitionId: `p${i % 50}`,
    partitionIndex: i,
    strideNs: 62_500_000n,
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
  };
}

before(async () => {
  const source = new DrivenSource([]);
  for (let i = 0; i < CHANNELS; i++) source.catalog.set(channel(i));
  qanat = new Qanat({
    config: configWith({
      sliceMs: SLICE_MS,
      channelsMax: 100,
      requestWorkMs: 600_000,
      requestWaitMs: 600_000,
    }),
    source,
    log: silent,
  });
  await qanat.start();
  app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
  operators = operatorApp(qanat, {
    addressOf: () => "",
    hostRule: new HostRule({ host: "127.0.0.1", allowedHosts: [] }),
    newRequestId: () => "operators",
  });
  const document = await (await ask("/openapi.json")).json();
  paths = document.paths;
});

after(async () => {
  qanat.drain();
  await qanat.close();
});

function ask(path: string, init?: RequestInit): Promise<Response> {
  // Without authentication, the list of clients is on the port for operators only.
  const asked = path.startsWith("/v1/clients") ? operators : app;
  return Promise.resolve(
    asked.fetch(new Request(`http://localhost${path}`, init)),
  );
}

/** Checks an answer, and cancels its body, which may be a stream. */
async function check(response: Response, where: string): Promise<void> {
  const { status } = response;
  assert.ok(status < 500 || status === 503, `${where}: ${status}`);
  if (status < 400) await response.body?.cancel();
  else {
    const text = await response.text();
    assert.ok(text.length < 20_000, `${where}: ${text.length} characters`);
  }
  const { slices, bodies } = qanat.requests;
  assert.ok(
    slices.stepsMax <= SLICE_STEPS,
    `${where}: ${slices.stepsMax} steps between two rounds`,
  );
  assert.equal(slices.waiting, 0, where);
  assert.equal(bodies.usedBytes, 0, where);
}

function* operations(): Iterable<[string, string, Operation]> {
  for (const [template, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      yield [template, method.toUpperCase(), operation];
    }
  }
}

function pathOf(template: string, values: Readonly<Record<string, string>>) {
  return template.replace(
    /\{(\w+)\}/g,
    (_, name: string) =>
      encodeURIComponent((values[name] ?? "H1:A").toWellFormed()),
  );
}

function askWith(
  [template, method]: readonly [string, string],
  place: string,
  [name, value]: readonly [string, string],
): Promise<Response> {
  const init: RequestInit = { method };
  if (method === "POST") {
    init.body = JSON.stringify({ match: FEW });
    init.headers = { "content-type": "application/json" };
  }
  const isStream = /\/(events|arrow)$/.test(template);
  const query = new URLSearchParams(
    isStream && method !== "POST" ? { match: FEW } : {},
  );
  if (place === "query") query.set(name, value);
  if (place === "header") {
    const latin1 = value.replace(/[^\x20-\x7e]/g, "é");
    init.headers = { ...init.headers, [name]: latin1.trim() };
  }
  const path = pathOf(template, place === "path" ? { [name]: value } : {});
  return ask(`${path}?${query}`, init);
}

describe("a request", () => {
  it("has a limit of length for each text parameter, as documented", async () => {
    for (const [template, method, { parameters }] of operations()) {
      if (method !== "GET") continue;
      for (const { name, in: place, schema } of parameters) {
        if (place !== "query") continue;
        const where = `${template} ${name}`;
        const items = (schema.items ?? schema) as Json;
        const isShort = items.enum !== undefined ||
          items.pattern !== undefined || items.type === "number" ||
          items.type === "integer";
        const lengthMax = isShort ? 4096 : Number(items.maxLength);
        assert.ok(lengthMax > 0, `${where} has no maxLength`);
        const query = new URLSearchParams({
          [name]: "x".repeat(lengthMax + 1),
        });
        const answer = await ask(`${pathOf(template, {})}?${query}`);
        assert.equal(answer.status, 400, where);
        await check(answer, where);
      }
    }
  });

  for (const place of ["query", "path", "header"]) {
    it(`costs at most one slice, for any ${place}`, async () => {
      let asked = 0;
      for (const [template, method, { parameters }] of operations()) {
        for (const { name, in: at } of parameters) {
          if (at !== place) continue;
          for (const value of hostileTexts(5000)) {
            asked++;
            await check(
              await askWith([template, method], place, [name, value]),
              `${method} ${template} ${name}=${value.slice(0, 30)}`,
            );
          }
        }
      }
      assert.ok(asked > 100, `${asked} requests`);
    });
  }

  it("costs at most one slice, for any body", async () => {
    for (const [template, method, operation] of operations()) {
      if (!operation.requestBody) continue;
      const names = Array.from({ length: CHANNELS }, (_, i) => channel(i).name);
      for (const body of hostileBodies(100_000, names)) {
        const headers = { "content-type": "application/json" };
        await check(
          await ask(template, { method, body, headers }),
          `${template} ${body.slice(0, 40)}`,
        );
      }
    }
  });

  it("may repeat list parameters up to the length of the URL", async () => {
    for (const [template, method, { parameters }] of operations()) {
      for (const { name, in: place } of parameters) {
        if (place !== "query" || method !== "GET") continue;
        for (const value of ["", "H1:A", "%", "%ff", "+"]) {
          const one = `${name}=${value}&`;
          const query = one.repeat(Math.floor(15_000 / one.length));
          await check(await ask(`${template}?${query}`), `${template} ${name}`);
        }
      }
    }
    const long = await ask(`/v1/events?channels=${"A,".repeat(10_000)}`);
    assert.equal(long.status, 431);
    await check(long, "an address of 20,000 characters");
  });

  it("that lists all channels is answered in slices, as JSON and as Arrow", async () => {
    const before = qanat.requests.slices.counters.steps;
    for (const accept of ["application/json", ARROW]) {
      const answer = await ask("/v1/channels?limit=10000", {
        headers: { accept },
      });
      assert.equal(answer.status, 200);
      await check(answer, accept);
    }
    assert.ok(qanat.requests.slices.counters.steps > before + SLICE_STEPS);
  });
});
