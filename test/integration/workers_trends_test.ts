// Trends of `--workers 2`, which the reading thread records, against those of `--workers 1` on the same embedded data.
// Invariant: bins of the same time are the same bytes, whichever thread serves them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { launchQanat, metric, type Process, sleep } from "./chain.ts";

const CHANNELS = ["H1:QANAT-COUNT_I64_16", "H1:QANAT-SINE_F64_4096"];
/** How far back bins are compared. */
const RECORD_S = 8;
const READY_MS = 60_000;
/** Connections, so that both threads are asked. */
const ASKS = 10;

interface Instance {
  readonly qanat: Process;
  readonly url: string;
}

async function start(...args: string[]): Promise<Instance> {
  const { qanat, url } = launchQanat(args);
  await qanat.says(/is serving on/);
  return { qanat, url };
}

/** Asks on a connection of its own. */
async function ask(
  { url }: Instance,
  path: string,
  names: readonly string[] = CHANNELS,
): Promise<Response> {
  const client = Deno.createHttpClient({});
  const [route, query] = path.split("?");
  const response = await fetch(
    `${url}${route}?channels=${names.join(",")}&${query}`,
    { client },
  );
  const body = await response.arrayBuffer();
  client.close();
  return new Response(body, response);
}

/** The events of a stream with data, by their ids. */
function rowsOf(text: string): Map<string, string> {
  const events = /^id: (\d+)\S*\n(?::.*\n)?data: (.*)$/gm;
  return new Map([...text.matchAll(events)].map((m) => [m[1]!, m[2]!]));
}

/** GPS seconds, some ago. */
const ago = (seconds: number) => Math.floor(Number(nowGpsNs()) / 1e9) - seconds;

/** Until an instance has recorded all channels for some seconds. */
async function recorded(instance: Instance): Promise<void> {
  const endMs = performance.now() + READY_MS;
  while (performance.now() < endMs) {
    const query = `trend=1s&start=${ago(RECORD_S)}&duration=${RECORD_S}`;
    const text = await (await ask(instance, `/v1/events?${query}`)).text();
    if (rowsOf(text).size === RECORD_S && !text.includes("null")) return;
    await sleep(1000);
  }
  throw new Error("nothing is recorded");
}

describe("trends with two threads that serve", () => {
  let one: Instance;
  let two: Instance;

  before(async () => {
    [one, two] = await Promise.all([start(), start("--workers=2")]);
    await Promise.all([recorded(one), recorded(two)]);
  });
  after(async () => {
    await Promise.all([one?.qanat.stop(), two?.qanat.stop()]);
  });

  it("have the same bins of before, as events and as Arrow", async () => {
    const query = `trend=1s&start=${ago(6)}&duration=4`;
    const texts = [await ask(one, `/v1/events?${query}`)];
    const bodies = [await ask(one, `/v1/arrow?${query}`)];
    for (let i = 0; i < ASKS; i++) {
      texts.push(await ask(two, `/v1/events?${query}`));
      bodies.push(await ask(two, `/v1/arrow?${query}`));
    }
    const [expected, ...others] = await Promise.all(texts.map((r) => r.text()));
    assert.equal(rowsOf(expected!).size, 4);
    for (const text of others) assert.equal(text, expected);
    const [arrow, ...arrows] = await Promise.all(
      bodies.map((body) => body.bytes()),
    );
    assert.ok(arrow!.byteLength > 1000);
    for (const bytes of arrows) assert.deepEqual(bytes, arrow);
  });

  it("have the same live bins", async () => {
    const query = `/v1/events?trend=1s&duration=4`;
    const answers = await Promise.all([
      ask(one, query),
      ...Array.from({ length: ASKS }, () => ask(two, query)),
    ]);
    const [expected, ...others] = await Promise.all(
      answers.map(async (answer) => rowsOf(await answer.text())),
    );
    assert.equal(expected!.size, 4);
    for (const rows of others) {
      let same = 0;
      for (const [id, data] of rows) {
        if (!expected!.has(id)) continue;
        assert.equal(data, expected!.get(id));
        same++;
      }
      assert.ok(same >= 3, `${same} bins at the same time`);
    }
  });

  it("have the newest bin, and streams that fill what they lose with trends", async () => {
    for (let i = 0; i < ASKS; i++) {
      const newest = await ask(two, "/v1/latest?trend=10s");
      assert.equal(newest.status, 200, await newest.clone().text());
      const { channels } = await newest.json();
      assert.deepEqual(Object.keys(channels).sort(), [...CHANNELS].sort());
      const rows = await ask(two, "/v1/events?slow=trend&duration=1");
      assert.ok(rowsOf(await rows.text()).size >= 15);
    }
  });

  it("are counted once", async () => {
    for (let i = 0; i < ASKS; i++) {
      const figures = await Promise.all([one, two].map(async ({ url }) => {
        const { trends } = await (await fetch(`${url}/v1/status`)).json();
        return {
          ...trends,
          recorded: await metric(url, "qanat_trend_channels"),
          budget: await metric(url, "qanat_trend_budget_bytes"),
        };
      }));
      assert.ok(figures[0].channels > 4);
      assert.equal(figures[0].recorded, figures[0].channels);
      assert.deepEqual(figures[1], figures[0]);
    }
    assert.ok(await metric(two.url, "qanat_trend_seconds_total") > 0);
    assert.ok(await metric(two.url, "qanat_blocks_total") > 100);
  });

  it("are refused alike when their memory is used up, and not for long", async () => {
    const limits = ["--trend-mb=1", "--trend-match=^NONE$", "--linger-ms=0"];
    const [single, several] = await Promise.all([
      start(...limits),
      start(...limits, "--workers=2"),
    ]);
    try {
      const { channels } = await (await fetch(`${single.url}/v1/channels`))
        .json() as { channels: { name: string }[] };
      const names = channels.map(({ name }) => name);
      assert.ok(names.length > 4);
      const query = "/v1/events?trend=1s&duration=1";
      const expected = await ask(single, query, names);
      assert.equal(expected.status, 503);
      const { detail, limit } = await expected.json();
      for (let i = 0; i < ASKS; i++) {
        const refused = await ask(several, query, names);
        assert.equal(refused.status, 503);
        const problem = await refused.json();
        assert.equal(problem.detail, detail);
        assert.equal(problem.limit, limit);
        const taken = await ask(several, query, [names[i % names.length]!]);
        assert.equal(taken.status, 200, await taken.clone().text());
      }
    } finally {
      await Promise.all([single.qanat.stop(), several.qanat.stop()]);
    }
  });
});
