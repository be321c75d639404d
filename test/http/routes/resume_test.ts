// Reconnects as client libraries make them, with app.fetch: where the id is sent, and which range it means.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type App, createApp } from "../../../mod.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import { configWith } from "../../driven_source.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const STRIDE_NS = 62_500_000n;
const SECOND_NS = 1_000_000_000n;

let app: App;
const get = (query: string, headers: Record<string, string> = {}) =>
  Promise.resolve(
    app.fetch(
      new Request(`http://localhost/v1/events?channels=${NAME}${query}`, {
        headers,
      }),
    ),
  );

/** The boundary of rows, some seconds ago, ns. */
const agoNs = (seconds: number) =>
  (nowGpsNs() / SECOND_NS - BigInt(seconds)) * SECOND_NS;
const gps = (ns: bigint) => String(ns / SECOND_NS);

/** The first event that has an id. */
async function firstOf(response: Response): Promise<string> {
  assert.equal(response.status, 200);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!/^id: .*\n(?:.*\n)+\n/m.test(text)) {
    const { value, done } = await reader.read();
    assert.ok(!done, text);
    text += value;
  }
  await reader.cancel();
  return /^id: .*\n(?:.*\n)+?\n/m.exec(text)![0];
}

/** Start of the first row of an answer, ns. */
const firstNsOf = async (response: Response) =>
  BigInt(/"time":"(\d+)"/.exec(await firstOf(response))![1]!);

before(async () => {
  app = await createApp({ config: configWith({}) });
});

after(() => app.close());

describe("names that client libraries add to a query", () => {
  const spellings = [
    "lastEventId",
    "lastEventID",
    "last-event-id",
    "Last-Event-ID",
    "last_event_id",
  ];
  for (const name of spellings) {
    it(`${name} is the id after which the stream resumes`, async () => {
      const id = agoNs(4);
      assert.equal(await firstNsOf(await get(`&${name}=${id}`)), id);
    });
  }

  it("the header overrides the query, and the id that a library adds overrides `after`", async () => {
    const [first, second, third] = [agoNs(6), agoNs(5), agoNs(4)];
    const query = `&after=${first}&lastEventId=${second}`;
    assert.equal(await firstNsOf(await get(query)), second);
    const header = { "last-event-id": String(third) };
    assert.equal(await firstNsOf(await get(query, header)), third);
    // Mercure's parameter in the URL, and the one that the library appends at a reconnect.
    const twice = `&Last-Event-ID=${first}&lastEventId=${second}`;
    assert.equal(await firstNsOf(await get(twice)), second);
  });

  it("an empty one is ignored", async () => {
    const id = agoNs(4);
    const query = `&after=${id}&lastEventId=`;
    const response = await get(query, { "last-event-id": "" });
    assert.equal(await firstNsOf(response), id);
  });

  it("_ is ignored, on any route", async () => {
    const response = await get(`&_=1732593600000&_=2&after=${agoNs(4)}`);
    await firstOf(response);
    for (const path of ["", "/count", `/${NAME}`]) {
      const found = await app.fetch(
        new Request(`http://localhost/v1/channels${path}?_=1732593600000&_=2`),
      );
      assert.equal(found.status, 200, path);
      await found.body!.cancel();
    }
  });

  it("other names are refused, and so are all of these in a body", async () => {
    for (const name of ["lastEvent", "__", "eventId", "_t"]) {
      const { status, body } = await get(`&${name}=1`);
      assert.equal(status, 400, name);
      await body!.cancel();
    }
    for (const name of ["lastEventId", "_"]) {
      const { status, body } = await app.fetch(
        new Request("http://localhost/v1/events", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ channels: [NAME], [name]: "1" }),
        }),
      );
      assert.equal(status, 400, name);
      await body!.cancel();
    }
  });

  it("an id that is too long is refused under every name", async () => {
    const { status, body } = await get(`&lastEventId=${"1".repeat(256)}`);
    assert.equal(status, 400);
    await body!.cancel();
  });
});

describe("a range that begins now", () => {
  it("with a duration: a reconnect after its end gets 204", async () => {
    const response = await get("&duration=0.3");
    const text = await response.text();
    const ids = [...text.matchAll(/^id: (\S+)$/gm)].map(([, id]) => id!);
    assert.match(text, /^id: \d+~\d+\nevent: end\ndata: .*"complete"/m);
    const again = await get("&duration=0.3", { "last-event-id": ids.at(-1)! });
    assert.equal(again.status, 204);
    // Disconnected after the first row: a reconnect gets exactly the other rows.
    const rest = await get(`&duration=0.3&lastEventId=${ids[0]}`);
    const timesOf = (of: string) =>
      [...of.matchAll(/"time":"(\d+)"/g)].map(([, time]) => time);
    assert.deepEqual(timesOf(await rest.text()), timesOf(text).slice(1));
  });

  it("with an end: a reconnect gets the rest of the range, then 204", async () => {
    const endNs = agoNs(3);
    const query = `&end=${gps(endNs)}`;
    const cut = endNs - 3n * STRIDE_NS;
    const tail = await get(query, { "last-event-id": String(cut) });
    assert.equal(tail.status, 200);
    const text = await tail.text();
    const times = [...text.matchAll(/"time":"(\d+)"/g)].map(([, time]) => time);
    assert.deepEqual(
      times,
      [0n, 1n, 2n].map((i) => String(cut + i * STRIDE_NS)),
    );
    const id = [...text.matchAll(/^id: (\S+)$/gm)].at(-1)![1]!;
    assert.equal(id, String(endNs));
    const over = await get(query, { "last-event-id": id });
    assert.equal(over.status, 204);
  });

  it("with an end in the past, and without a valid id, is refused", async () => {
    for (const id of ["", "nonsense", "1~", "~1", "1~2~3"]) {
      const { status, body } = await get(`&end=${gps(agoNs(3))}`, {
        "last-event-id": id,
      });
      assert.equal(status, 400, id);
      await body!.cancel();
    }
  });
});

describe("an id from before the start", () => {
  for (const path of ["events", "arrow"]) {
    it(`begins with the start that is given as a time: /v1/${path}`, async () => {
      const startNs = agoNs(4);
      const query = `channels=${NAME}&start=${gps(startNs)}&duration=1`;
      const ask = (headers: Record<string, string>) =>
        Promise.resolve(
          app.fetch(
            new Request(`http://localhost/v1/${path}?${query}`, { headers }),
          ),
        );
      const before = String(startNs - 16n * STRIDE_NS);
      const resumed = await ask({ "last-event-id": before });
      const plain = await ask({});
      assert.equal(resumed.status, 200);
      assert.deepEqual(await resumed.bytes(), await plain.bytes());
    });
  }

  it("begins with the id where the start is relative: a reconnect lacks the rows between", async () => {
    const id = agoNs(5);
    const query = `&start=-2&lastEventId=${id}`;
    assert.equal(await firstNsOf(await get(query)), id);
  });
});

describe("an empty match", () => {
  it("selects nothing, and adds nothing to the channels that are named", async () => {
    const { status, body } = await app.fetch(
      new Request("http://localhost/v1/events?match="),
    );
    assert.equal(status, 400);
    assert.match(
      await new Response(body).text(),
      /an empty match selects nothing/,
    );
    const response = await get("&match=&duration=0.1");
    const [, hello] = /event: hello\ndata: (.*)/.exec(await response.text())!;
    assert.equal(JSON.parse(hello!).channels.length, 1);
  });
});
