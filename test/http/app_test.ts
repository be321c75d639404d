// The routes, called with app.fetch: no sockets, no Kafka.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "apache-arrow";
import { type App, createApp } from "../../mod.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { configWith } from "../driven_source.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

let app: App;
const get = (path: string, init?: RequestInit) =>
  Promise.resolve(app.fetch(new Request("http://localhost" + path, init)));
const json = async (path: string, init?: RequestInit) => {
  const response = await get(path, init);
  return { response, body: await response.json() };
};
const A = "H1:GWOSC-4KHZ_R1_WHITENED";
const B = "H1:QANAT-COUNT_I64_16";

async function readFor(response: Response, events: number): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (text.split("\n\n").length <= events) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

before(async () => {
  app = await createApp({ config: configWith({ clientsMax: 3 }) });
});

after(() => app.close());

describe("GET /v1/channels", () => {
  it("lists, filters and pages", async () => {
    const { body } = await json("/v1/channels?match=H1:GWOSC&limit=1");
    assert.equal(body.channels.length, 1);
    assert.equal(body.next, "H1:GWOSC-4KHZ_R1_STRAIN");
    const second = await json(
      `/v1/channels?match=H1:GWOSC&limit=1&after=${body.next}`,
    );
    assert.equal(second.body.channels[0].name, A);
    assert.equal(second.body.next, null);
    assert.deepEqual(Object.keys(second.body.channels[0]), [
      "name",
      "data_type",
      "sample_rate",
      "publisher",
      "stride_ns",
      "max_latency_ns",
      "replay_id",
      "live",
      "unit",
      "description",
      "range",
    ]);
    const { body: count } = await json("/v1/channels/count?type=int64");
    assert.deepEqual(count, { count: 4 });
  });

  it("answers the same list as Arrow", async () => {
    const response = await get("/v1/channels?match=H1:GWOSC", {
      headers: { accept: "application/vnd.apache.arrow.stream" },
    });
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    assert.equal(table.numRows, 2);
    assert.equal(table.getChild("name")!.get(1), A);
  });

  it("describes one channel, and suggests similar names for an unknown one", async () => {
    const { body } = await json(`/v1/channels/${encodeURIComponent(A)}`);
    assert.equal(body.sample_rate, 4096);
    const unknown = await json("/v1/channels/H1:GWOSC-4KHZ_R1_WHITENET");
    assert.equal(unknown.response.status, 404);
    assert.equal(unknown.body.near[0], A);
  });
});

describe("errors", () => {
  const cases: [string, number, RegExp][] = [
    ["/v1/channels?match=(", 400, /not a valid expression/],
    ["/v1/channels?mach=x", 400, /Unknown query parameter 'mach'/],
    ["/v1/channels?type=float16", 400, /type must be one of/],
    ["/v1/channels?min_rate=x", 400, /min_rate must be a number/],
    ["/v1/channels?limit=0", 400, /limit must be/],
    ["/v1/events", 400, /give channels=/],
    ["/v1/events?channels=", 400, /give channels=/],
    ["/v1/events?channels=X:Y", 404, /No such channel: X:Y/],
    ["/v1/events?match=ZZZ", 400, /No channel matches/],
    [`/v1/events?channels=${A}&encoding=xml`, 400, /encoding must be/],
    [`/v1/events?channels=${A}&duration=-1`, 400, /duration must be/],
    [`/v1/arrow?channels=${A}&encoding=json`, 400, /always sends Arrow/],
    [`/v1/events?channels=${A}&gaps=no`, 400, /gaps must be one of fill/],
    [`/v1/events?channels=${A}&slow=no`, 400, /slow must be one of gap/],
    // A problem names only what the path takes.
    [`/v1/arrow?channels=${A}&slow=no`, 400, /gap, latest, close, not 'no'/],
    [
      `/v1/latest?chanels=${A}`,
      400,
      /known are channels, match, replay, trend$/,
    ],
    [`/v1/arrow?chanels=${A}`, 400, /slow, trend, coding$/],
    [`/v1/arrow?channels=${A}&start=today`, 400, /start must be GPS seconds/],
    [`/v1/arrow?channels=${A}&start=1e9`, 400, /or UTC in ISO 8601/],
    [`/v1/arrow?channels=${A}&start=-1w`, 400, /or relative such as now, -60/],
    [
      `/v1/arrow?channels=${A}&start=-20000d`,
      400,
      /start is before GPS time 0/,
    ],
    [`/v1/data?channels=${A}&start=0&end=-20000d`, 400, /end is before GPS/],
    [`/v1/arrow?channels=${A}&end=-60`, 400, /end is in the past/],
    [`/v1/arrow?channels=${A}&start=-1m&end=-60`, 400, /end must be later/],
    [`/v1/arrow?channels=${A}&start=9999999999`, 400, /in the future/],
    [`/v1/arrow?channels=${A}&end=1126259462`, 400, /give a start/],
    [`/v1/arrow?channels=${A}&start=5&end=4`, 400, /end must be later/],
    [
      `/v1/arrow?channels=${A}&start=5&end=9&duration=1`,
      400,
      /give one of them/,
    ],
    [`/v1/events?channels=${A}&replay=r`, 404, /no replay context 'r'/],
    ["/nothing", 404, /nothing at/],
  ];
  for (const [path, status, detail] of cases) {
    it(`${status} for ${path}`, async () => {
      const { response, body } = await json(path);
      assert.equal(response.status, status);
      assert.equal(
        response.headers.get("content-type"),
        "application/problem+json",
      );
      assert.match(body.detail, detail);
      assert.equal(body.status, status);
    });
  }

  it("repeats no character that reverses text or controls a terminal (U+202E was sent as it was)", async () => {
    for (const name of HOSTILE_NAMES) {
      const text = encodeURIComponent(name);
      for (
        const path of [
          `/v1/channels/${text}`,
          `/v1/channels?match=(${text}`,
          `/v1/channels?${text}=1`,
          `/v1/events?channels=${text}`,
          `/v1/events?channels=${A}&start=${text}`,
          `/v1/data?channels=${A}&start=0&duration=1&format=${text}`,
          `/v1/latest?match=x&replay=${text}`,
          `/${text}`,
        ]
      ) {
        const response = await get(path);
        const answer = await response.text();
        // A few are expressions, or paths, that are right.
        if (response.status < 400) continue;
        assert.doesNotMatch(answer, /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u, path);
        const { detail } = JSON.parse(answer);
        assert.doesNotMatch(detail, /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u, path);
      }
    }
    const { body } = await json("/v1/events?channels=A%E2%80%AEB");
    assert.equal(body.detail, "No such channel: A\\u202eB");
    // Values stay what they were.
    assert.equal(body.unknown[0].name, "A\u202eB");
  });

  it("405 with Allow for a wrong method", async () => {
    const { response } = await json("/v1/events", { method: "DELETE" });
    assert.equal(response.status, 405);
    assert.match(response.headers.get("allow")!, /GET, HEAD, POST/);
  });

  it("503 with Retry-After when full, and 200 again after a client disconnects", async () => {
    const open = await Promise.all(
      [1, 2, 3].map(() => get(`/v1/events?channels=${A}`)),
    );
    const full = await get(`/v1/events?channels=${A}`);
    assert.equal(full.status, 503);
    assert.equal(full.headers.get("retry-after"), "5");
    await Promise.all(open.map((r) => r.body!.cancel()));
    const again = await get(`/v1/events?channels=${A}`);
    assert.equal(again.status, 200);
    await again.body!.cancel();
  });
});

describe("GET /v1/events", () => {
  it("sends hello, then rows whose ids are their exclusive ends", async () => {
    const response = await get(`/v1/events?channels=${B},${A}`);
    assert.match(response.headers.get("content-type")!, /^text\/event-stream/);
    assert.equal(
      response.headers.get("cache-control"),
      "no-store, no-transform",
    );
    assert.equal(response.headers.get("x-accel-buffering"), "no");
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    const [hello, ...rows] = (await readFor(response, 4)).split("\n\n");
    assert.match(hello!, /^retry: 1000\nevent: hello\ndata: /);
    const told = JSON.parse(hello!.split("data: ")[1]!);
    assert.equal(told.stride_ns, 62_500_000);
    assert.deepEqual(told.channels.map((c: { name: string }) => c.name), [
      A,
      B,
    ]);
    let last = 0n;
    for (const row of rows.slice(0, 3)) {
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(row)!;
      const { time, channels } = JSON.parse(data!);
      assert.equal(BigInt(id!) - BigInt(time), 62_500_000n);
      assert.ok(last === 0n || BigInt(time) === last);
      last = BigInt(id!);
      assert.equal(channels[A].length, 256);
      // The samples of a counter channel count samples since the GPS epoch.
      assert.equal(channels[B][0], String(BigInt(time) * 16n / 10n ** 9n));
    }
  });

  it("sends Arrow in base64 with encoding=arrow, and the schema in hello", async () => {
    const response = await get(`/v1/events?channels=${B}&encoding=arrow`);
    const [hello, row] = (await readFor(response, 2)).split("\n\n");
    const { schema } = JSON.parse(hello!.split("data: ")[1]!);
    const batch = row!.split("data: ")[1]!;
    const table = tableFromIPC(
      [schema, batch].map((text) => Uint8Array.fromBase64(text)),
    );
    assert.equal(table.numRows, 1);
    assert.equal(table.getChild(B)!.get(0).length, 1);
  });

  it("accepts a long selection with POST", async () => {
    const response = await get("/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ channels: [A, B] }),
    });
    assert.equal(response.status, 200);
    await response.body!.cancel();
    const wrong = await json("/v1/events", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    assert.match(wrong.body.detail, /not valid JSON/);
  });

  it("resumes after Last-Event-ID from the ring, and reports an id that it cannot read", async () => {
    const first = await get(`/v1/events?channels=${B}`);
    // The rows behind the first one have come, so the ring holds what the client is to get.
    const id = /id: (\d+)/.exec(await readFor(first, 6))![1]!;
    const second = await get(`/v1/events?channels=${B}`, {
      headers: { "last-event-id": id },
    });
    const text = await readFor(second, 3);
    assert.equal(/"time":"(\d+)"/.exec(text)![1], id);
    const third = await get(`/v1/events?channels=${B}&after=nonsense`);
    assert.match(await readFor(third, 3), /event: gap\ndata: .*unknown-id/);
  });
});

describe("GET /v1/arrow", () => {
  it("is a complete Arrow stream with one batch per row, and ends after duration", async () => {
    const response = await get(`/v1/arrow?channels=${A},${B}&duration=0.25`);
    assert.equal(
      response.headers.get("content-type"),
      "application/vnd.apache.arrow.stream",
    );
    const bytes = new Uint8Array(await response.arrayBuffer());
    const table = tableFromIPC(bytes);
    assert.equal(table.numRows, 4);
    assert.deepEqual([...bytes.subarray(-8)], [255, 255, 255, 255, 0, 0, 0, 0]);
  });
});

describe("history ranges", () => {
  const ago = (s: number) => String(Number(nowGpsNs() / 1_000_000_000n) - s);

  it("are complete files with a name, and equal from the ring and from the source", async () => {
    const start = ago(8);
    const query = `channels=${B}&start=${start}&duration=4`;
    const first = await get(`/v1/arrow?${query}`);
    assert.equal(
      first.headers.get("content-disposition"),
      `attachment; filename="H1_QANAT-COUNT_I64_16_${start}.arrows"`,
    );
    const bytes = new Uint8Array(await first.arrayBuffer());
    const table = tableFromIPC(bytes);
    assert.equal(table.numRows, 64);
    assert.equal(table.getChildAt(0)!.get(0), BigInt(start) * 1_000_000_000n);
    // Older than the ring: read from the source.
    const older = await get(
      `/v1/arrow?channels=${B}&start=${ago(1000)}&duration=4`,
    );
    assert.equal(tableFromIPC(await older.arrayBuffer()).numRows, 64);
  });

  it("are relative to now, also as numbers in JSON, and their headers have the times", async () => {
    for (const [start, end] of [["-8", "-4.5"], [-8, -4.5], ["-8s", -4.5]]) {
      const response = await get("/v1/arrow", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ channels: [B], start, end }),
      });
      const table = tableFromIPC(await response.arrayBuffer());
      const from = Number(response.headers.get("x-start"));
      const to = Number(response.headers.get("x-end"));
      assert.equal((to - from).toFixed(3), "3.500");
      assert.ok(Math.abs(from - Number(ago(8))) < 5, `${from}`);
      const first = Number(table.getChildAt(0)!.get(0)) / 1e9;
      assert.ok(first <= from && first > from - 0.0626, `${first} of ${from}`);
      assert.ok([56, 57].includes(table.numRows), `${table.numRows} rows`);
    }
  });

  it("end with an event, and a client that reconnects gets 204", async () => {
    const range = `channels=${B}&start=${ago(100)}&duration=1`;
    const response = await get(`/v1/events?${range}`);
    const text = await response.text();
    assert.equal(text.match(/^data: {"time"/gm)!.length, 16);
    assert.match(text, /event: end\ndata: {"reason":"complete"}\n\n$/);
    const id = [...text.matchAll(/^id: (\d+)/gm)].at(-1)![1]!;
    const again = await get(`/v1/events?${range}`, {
      headers: { "last-event-id": id },
    });
    assert.equal(again.status, 204);
  });

  it("continue with live rows, without a lost or repeated row", async () => {
    const response = await get(
      `/v1/events?channels=${B}&start=${ago(90)}&duration=91.5`,
    );
    const text = await response.text();
    const times = [...text.matchAll(/"time":"(\d+)"/g)].map((m) =>
      BigInt(m[1]!)
    );
    assert.equal(times.length, 1464);
    times.forEach((time, i) =>
      assert.equal(time - times[0]!, BigInt(i) * 62_500_000n)
    );
  });

  it("report rows that are no longer available", async () => {
    const response = await get(
      `/v1/events?channels=${B}&start=${ago(3605)}&duration=10`,
    );
    const text = await response.text();
    assert.match(
      text,
      /event: gap\ndata: .*"reason":"retention","filled":false/,
    );
    assert.match(text, /"reason":"complete"/);
  });
});

describe("codings", () => {
  it("406 with vary when the client refuses all of them", async () => {
    const response = await get(`/v1/events?channels=${A}`, {
      headers: { "accept-encoding": "identity;q=0, br" },
    });
    assert.equal(response.status, 406);
    assert.equal(response.headers.get("vary"), "Accept-Encoding, Origin");
    assert.match((await response.json()).detail, /identity;q=0, br/);
  });

  it("short rows for a client that accepts only gzip get longer by it (the metric of saved bytes once decreased)", async () => {
    const response = await get(`/v1/events?channels=${B}&duration=0.5`, {
      headers: { "accept-encoding": "gzip, identity;q=0" },
    });
    assert.equal(response.headers.get("content-encoding"), "gzip");
    const unpacked = new Response(
      response.body!.pipeThrough(new DecompressionStream("gzip")),
    );
    assert.match(await unpacked.text(), /^id: /m);
    const metrics = await get("/metrics");
    assert.equal(metrics.status, 200);
    assert.match(await metrics.text(), /^qanat_bytes_saved_total \d+$/m);
  });
});

describe("service routes", () => {
  it("answer health, readiness, status, metrics and the index", async () => {
    assert.equal((await get("/healthz")).status, 200);
    assert.equal((await get("/readyz")).status, 200);
    const { body } = await json("/v1/status");
    assert.equal(body.source.kind, "embedded");
    const metrics = await (await get("/metrics")).text();
    assert.match(metrics, /^qanat_clients \d+$/m);
    assert.match(metrics, /^qanat_slab_used_slots \d+$/m);
    assert.match(await (await get("/")).text(), /\/v1\/events/);
  });
});

describe("libraries in the browser", () => {
  for (const path of ["/docs/swagger-ui-bundle.js", "/page/uplot.js"]) {
    it(`${path} names a file of licences, which is served next to it`, async () => {
      const text = await (await get(path)).text();
      const [, library, name] = text.match(/^\/\*! (\S+), licence in (\S+);/)!;
      const folder = path.slice(0, path.lastIndexOf("/") + 1);
      const response = await get(folder + name);
      assert.equal(response.status, 200);
      assert.match(response.headers.get("content-type")!, /^text\/plain/);
      assert.ok((await response.text()).includes(`\n${library}\n---`));
    });
  }
});
