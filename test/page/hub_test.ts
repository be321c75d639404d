// The hub with ports instead of tabs, over app.fetch: one stream for all tabs, and each tab gets its own channels,
// refusals and gaps.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "@std/testing/bdd";
import { type App, createApp } from "../../mod.ts";
import { Hub } from "../../src/page/hub.js";
import type { Row, StreamState } from "../../src/page/qanat.d.ts";

interface Message {
  readonly type: string;
  readonly row: Row;
  readonly names: string[];
  readonly state: StreamState;
  readonly gap: { reason: string };
  readonly trend?: string;
  readonly stride?: string;
}

const A = "H1:QANAT-SINE_F32_16";
const B = "L1:QANAT-SINE_F32_16";
const SLOW = "H1:SLOW-SINE_F32_16";

describe("Hub", () => {
  let app: App;
  let hub: Hub;
  let asked: string[];
  before(async () => {
    app = await createApp();
  });
  after(() => app.close());
  beforeEach(() => {
    asked = [];
    hub = newHub(8);
  });

  function newHub(unreadMax: number): Hub {
    const fetched: typeof fetch = async (url, init) => {
      if (String(url).includes("events")) asked.push(String(url));
      return await app.fetch(new Request(String(url), init));
    };
    return new Hub("http://h/", {
      encoding: "json",
      fetch: fetched,
      unreadMax,
    });
  }

  /** A tab: what it was sent, and a way to wait for more. */
  function tab() {
    const got: Message[] = [];
    let wake = () => {};
    const port = hub.join((message) => {
      got.push(message as Message);
      wake();
    });
    return {
      got,
      say: (message: Record<string, unknown>) => hub.take(port, message),
      want: (id: number, names: string[], stride = "62500000") =>
        hub.take(port, {
          type: "subscribe",
          id,
          channels: names.map((name) => ({ name, stride, rate: 16 })),
        }),
      wantTrend: (id: number, names: string[], trend: string) =>
        hub.take(port, {
          type: "subscribe",
          id,
          channels: names.map((name) => ({
            name,
            stride: "62500000",
            rate: 16,
            trend,
          })),
        }),
      rows: () => got.filter((m) => m.type === "row").map((m) => m.row),
      until: async (is: () => boolean) => {
        while (!is()) await new Promise<void>((resolve) => wake = resolve);
      },
      leave: () => hub.leave(port),
    };
  }

  it("makes one request for all tabs, resumes with more channels, loses no row", async () => {
    // The first tab may get many rows before the second one, on a busy machine.
    hub = newHub(1000);
    const one = tab();
    const two = tab();
    one.want(1, [A]);
    await one.until(() => one.rows().length >= 3);
    two.want(1, [B]);
    await two.until(() => two.rows().length >= 3);
    await one.until(() => one.rows().length >= 10);
    const status = await (await app.fetch(new Request("http://h/v1/status")))
      .json();
    assert.equal(status.clients, 1);
    assert.equal(asked.length, 2);
    assert.match(
      decodeURIComponent(asked[1]!),
      new RegExp(`channels=${A},${B}.*after=\\d+`),
    );
    const times = one.rows().map((row) => row.timeNs);
    times.forEach((timeNs, i) => {
      assert.equal(timeNs, times[0]! + BigInt(i) * 62_500_000n);
    });
    for (const row of one.rows()) {
      assert.deepEqual(Object.keys(row.channels), [A]);
    }
    for (const row of two.rows()) {
      assert.deepEqual(Object.keys(row.channels), [B]);
    }
    one.leave();
    two.leave();
  });

  it("sends bins of all strides in one stream, and rows of the same channel in another", async () => {
    const one = tab();
    one.want(1, [A]);
    one.wantTrend(2, [A], "1s");
    one.wantTrend(3, [B], "1s");
    const bins = () => one.got.filter((m) => m.type === "row" && m.trend);
    await one.until(() => {
      one.say({ type: "ack", rows: 8 });
      return bins().length >= 2 && one.rows().length >= 6;
    });
    assert.equal(asked.length, 2);
    assert.equal(asked.filter((url) => url.includes("trend=1s")).length, 1);
    const { row, trend } = bins().at(-1)!;
    assert.equal(trend, "1s");
    assert.equal(row.strideNs, 1_000_000_000n);
    assert.deepEqual(Object.keys(row.channels), [A, B]);
    const bin = row.channels[A] as unknown as { count: number };
    assert.equal(bin.count, 16);
    const state = one.got.find((m) => m.type === "state" && m.trend)!;
    assert.equal(state.stride, "1000000000");
    one.leave();
  });

  it("has a stream of its own for each stride, so that slow rows do not delay fast ones", async () => {
    const one = tab();
    one.want(1, [A]);
    one.want(2, [SLOW], "1000000000");
    await one.until(() => {
      one.say({ type: "ack", rows: 8 });
      return one.rows().some((row) => SLOW in row.channels);
    });
    assert.equal(asked.length, 2);
    one.leave();
  });

  it("continues without an unknown channel, and reports it to the tab that subscribed to it", async () => {
    const one = tab();
    const two = tab();
    one.want(1, [A]);
    two.want(1, ["H1:QANAT-SINE_F32_17"]);
    await one.until(() => one.rows().length >= 2);
    await two.until(() => two.got.some((m) => m.state?.state === "refused"));
    const refused = two.got.find((m) => m.state?.state === "refused")!;
    assert.deepEqual(refused.names, ["H1:QANAT-SINE_F32_17"]);
    assert.match(refused.state.detail!, /near: H1:QANAT-SINE_F32_16/);
    assert.ok(!one.got.some((m) => m.state?.state === "refused"));
    one.leave();
    two.leave();
  });

  it("reports to a tab that is too slow what it has missed", async () => {
    const one = tab();
    const two = tab();
    one.want(1, [A]);
    await one.until(() => one.rows().length >= 2);
    two.want(1, [A]);
    const acking = () => one.say({ type: "ack", rows: 8 });
    await one.until(() => {
      acking();
      return two.rows().length >= 8;
    });
    const count = two.rows().length;
    const before = one.rows().length;
    await one.until(() => {
      acking();
      return one.rows().length >= before + 3;
    });
    assert.equal(two.rows().length, count);
    two.say({ type: "ack", rows: count });
    const gap = two.got.find((m) => m.type === "gap")!;
    assert.equal(gap.gap.reason, "page-slow");
    one.leave();
    two.leave();
  });

  it("begins with the newest row where a tab asks for that, and continues at the last id", async () => {
    const slow = (name: string) => ({
      name,
      stride: "1000000000",
      rate: 16,
      latest: true,
    });
    const one = tab();
    one.say({ type: "subscribe", id: 1, channels: [slow(SLOW)] });
    await one.until(() => one.rows().length >= 1);
    assert.match(asked[0]!, /&latest=1/);
    const two = tab();
    const OTHER = SLOW.replace("H1", "L1");
    two.say({ type: "subscribe", id: 1, channels: [slow(OTHER)] });
    await two.until(() => two.rows().length >= 1);
    assert.match(asked[1]!, /&after=\d+/);
    assert.doesNotMatch(asked[1]!, /latest/);
    one.leave();
    two.leave();
  });
});

/** A server that answers a resume with what an outage has missed, at once. */
function hubAfterOutage(rows: number, clock: { ms: number }) {
  const timers: { readonly atMs: number; readonly call: () => void }[] = [];
  const stride = 62_500_000;
  let text =
    `event: hello\ndata: {"version":1,"encoding":"json","stride_ns":${stride},"channels":[{"name":"A","data_type":"float32","sample_rate":16}]}\n\n`;
  for (let i = 1; i <= rows; i++) {
    text += `id: ${(i + 1) * stride}\ndata: {"time":"${
      i * stride
    }","channels":{"A":[${i}]}}\n\n`;
  }
  const hub = new Hub("http://h/", {
    encoding: "json",
    fetch: (url) =>
      String(url).includes("events")
        ? Promise.resolve(
          new Response(
            new ReadableStream({
              start: (c) => c.enqueue(new TextEncoder().encode(text)),
            }),
          ),
        )
        : Promise.reject(new TypeError("no clock here")),
    now: () => clock.ms,
    setTimer: (call, ms) => timers.push({ atMs: clock.ms + ms, call }),
  });
  return { hub, timers };
}

describe("Hub, when a channel is removed", () => {
  it("continues with the other channels from where they were", async () => {
    const asked: string[] = [];
    const hello =
      `retry: 1\nevent: hello\ndata: {"version":1,"encoding":"json","stride_ns":62500000,"channels":[]}\n\n`;
    const answers = [
      () => new Response(`${hello}id: 125000000\n\n`),
      () =>
        Response.json({ unknown: [{ name: "B", near: [] }] }, { status: 404 }),
    ];
    let done = () => {};
    const third = new Promise<void>((resolve) => done = resolve);
    const hub = new Hub("http://h/", {
      encoding: "json",
      fetch: (url) => {
        if (!String(url).includes("events")) {
          return Promise.reject(new TypeError("no clock here"));
        }
        asked.push(decodeURIComponent(String(url)));
        if (asked.length === 3) done();
        return Promise.resolve(
          answers.shift()?.() ?? new Response(null, { status: 204 }),
        );
      },
    });
    const port = hub.join(() => {});
    const channels = ["A", "B"].map((name) => ({
      name,
      stride: "62500000",
      rate: 16,
    }));
    hub.take(port, { type: "subscribe", id: 1, channels });
    await third;
    assert.match(asked[1]!, /channels=A,B&.*after=125000000/);
    assert.match(asked[2]!, /channels=A&.*after=125000000/);
    hub.leave(port);
  });
});

describe("Hub, after an outage", () => {
  const want = { name: "A", stride: "62500000", rate: 16 };

  function joinTo(hub: Hub) {
    const got: Message[] = [];
    let wake = () => {};
    const port = hub.join((message) => {
      got.push(message as Message);
      wake();
    });
    return {
      say: (message: Record<string, unknown>) => hub.take(port, message),
      leave: () => hub.leave(port),
      values: () =>
        got.filter((m) => m.type === "row").map((m) => m.row.channels.A![0]),
      gaps: () => got.filter((m) => m.type === "gap"),
      until: async (is: () => boolean) => {
        while (!is()) await new Promise<void>((resolve) => wake = resolve);
      },
    };
  }

  it("hands out all that was missed, as quickly as the page takes it", async () => {
    const clock = { ms: 0 };
    const { hub } = hubAfterOutage(1000, clock);
    const one = joinTo(hub);
    one.say({ type: "subscribe", id: 1, channels: [want] });
    let acked = 0;
    await one.until(() => one.values().length === 160);
    await one.until(() => {
      while (one.values().length - acked >= 8) {
        acked += 8;
        queueMicrotask(() => one.say({ type: "ack", rows: 8 }));
      }
      return one.values().length === 1000;
    });
    assert.deepEqual(
      one.values(),
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
    assert.deepEqual(one.gaps(), []);
    one.leave();
  });

  it("waits ten seconds for a page that takes nothing, and then sends it a gap", async () => {
    const clock = { ms: 0 };
    const { hub, timers } = hubAfterOutage(400, clock);
    const stalled = joinTo(hub);
    const other = joinTo(hub);
    stalled.say({ type: "subscribe", id: 1, channels: [want] });
    other.say({ type: "subscribe", id: 1, channels: [want] });
    await other.until(() => other.values().length === 160);
    other.say({ type: "ack", rows: 160 });
    clock.ms = 10_000;
    for (const { call } of timers.splice(0)) call();
    await other.until(() => {
      other.say({ type: "ack", rows: 160 });
      return other.values().length === 400;
    });
    assert.equal(stalled.values().length, 160);
    stalled.say({ type: "ack", rows: 160 });
    assert.equal(stalled.gaps()[0]!.gap.reason, "page-slow");
    stalled.leave();
    other.leave();
  });
});
