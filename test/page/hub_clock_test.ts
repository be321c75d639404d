// The hub when the computer's clock is set or has slept: GPS time is read again, and nothing that waits is hurried or held.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Hub } from "../../src/page/hub.js";
import type { ServerClock } from "../../src/page/qanat.d.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const UNIX_MS = 1_800_000_000_000;
const GPS_MS = 1_484_035_218_000;
const HELLO =
  `event: hello\ndata: {"version":1,"encoding":"json","stride_ns":62500000,"channels":[{"name":"A","data_type":"float32","sample_rate":16}]}\n\n`;

interface Message {
  readonly type: string;
  readonly clock: ServerClock;
  readonly row: { readonly latencyMs?: number };
}

describe("Hub, when the computer's clock is set", () => {
  /** A clock that is never set, and by how much the computer's is off, ms. */
  let clock: { ms: number; offMs: number };
  let hub: Hub;
  let got: Message[];
  let wake: () => void;
  let port: ReturnType<Hub["join"]>;
  let asked: string[];
  let statusCount: number;
  let hasStatus: boolean;
  /** What else happens while an answer is under way. */
  let meanwhile: () => void;
  let send: (text: string) => void;

  beforeEach(() => {
    clock = { ms: 0, offMs: 0 };
    wake = () => {};
    got = [];
    asked = [];
    statusCount = 0;
    hasStatus = true;
    meanwhile = () => {};
    hub = new Hub("http://h/", {
      encoding: "json",
      fetch: (url) => answer(String(url)),
      now: () => clock.ms,
      unixNow: () => UNIX_MS + clock.ms + clock.offMs,
    });
    port = hub.join((message) => {
      got.push(message as Message);
      wake();
    });
  });
  afterEach(() => hub.leave(port));

  function answer(url: string): Promise<Response> {
    if (url.endsWith("v1/time")) {
      statusCount++;
      wake();
      if (!hasStatus) return Promise.reject(new TypeError("away"));
      meanwhile();
      const gpsMs = GPS_MS + clock.ms;
      return Promise.resolve(Response.json({
        time_ns: `${gpsMs}000000`,
        unix_ms: UNIX_MS + clock.ms,
      }));
    }
    const names = new URL(url).searchParams.get("channels")!.split(",");
    asked.push(names.join());
    wake();
    if (names.includes("B")) {
      return Promise.resolve(Response.json({
        unknown: [{ name: "B", near: [] }],
      }, { status: 404 }));
    }
    return Promise.resolve(
      new Response(
        new ReadableStream({
          start(controller) {
            send = (text) => controller.enqueue(new TextEncoder().encode(text));
            send(HELLO);
          },
        }),
      ),
    );
  }

  const want = (...names: string[]) =>
    hub.take(port, {
      type: "subscribe",
      id: 1,
      channels: names.map((name) => ({ name, stride: "62500000", rate: 16 })),
    });
  async function until(is: () => boolean): Promise<void> {
    while (!is()) await new Promise<void>((resolve) => wake = resolve);
  }
  const read = () =>
    got.filter((m) => m.type === "clock" && m.clock.errorMs < Infinity);

  it("reads the server's clock again, once, and only for a step", async () => {
    want("A");
    await until(() => read().length === 1);
    assert.equal(read()[0]!.clock.gpsMinusLocalMs, GPS_MS - UNIX_MS);
    for (const offMs of [500, -500]) {
      clock.offMs = offMs;
      hub.noticeStep();
    }
    assert.equal(statusCount, 1);
    clock.offMs = HOUR_MS;
    for (let i = 0; i < 3; i++) hub.noticeStep();
    assert.equal(statusCount, 2);
    await until(() => read().length === 2);
    assert.equal(
      read()[1]!.clock.gpsMinusLocalMs,
      GPS_MS - UNIX_MS - HOUR_MS,
    );
    hub.noticeStep();
    assert.equal(statusCount, 2);
  });

  it("asks again when the server did not answer, also if the clock was set back", async () => {
    want("A");
    await until(() => read().length === 1);
    hasStatus = false;
    clock.offMs = -HOUR_MS;
    hub.noticeStep();
    clock.ms += 1000;
    hub.noticeStep();
    assert.equal(statusCount, 2);
    hasStatus = true;
    clock.offMs = 0;
    clock.ms += 5000;
    hub.noticeStep();
    assert.equal(statusCount, 3);
    await until(() => read().length === 2);
  });

  it("does not believe an answer during which the clock was set", async () => {
    want("A");
    await until(() => read().length === 1);
    meanwhile = () => {
      clock.offMs += HOUR_MS;
      meanwhile = () => {};
    };
    hub.tick();
    await until(() => statusCount === 2);
    // The answer is there; it is left out, and the next row asks again.
    await until(() => {
      hub.noticeStep();
      queueMicrotask(() => wake());
      return read().length === 2;
    });
    assert.equal(
      read()[1]!.clock.gpsMinusLocalMs,
      GPS_MS - UNIX_MS - HOUR_MS,
    );
  });

  it("gives no latency by a clock that was set", async () => {
    want("A");
    await until(() => read().length === 1 && asked.length === 1);
    await until(() => got.some((m) => m.type === "state"));
    const rows = () => got.filter((m) => m.type === "row").map((m) => m.row);
    const row = () => {
      const startNs = BigInt(GPS_MS + clock.ms) * 1_000_000n - 100_000_000n;
      return `data: {"time":"${startNs}","channels":{"A":[1]}}\n\n`;
    };
    send(row());
    await until(() => rows().length === 1);
    assert.equal(rows()[0]!.latencyMs, 37.5);
    hasStatus = false;
    clock.offMs = -HOUR_MS;
    send(row());
    await until(() => rows().length === 2);
    assert.equal(rows()[1]!.latencyMs, undefined);
  });

  it("lets no port go for it, but one that says nothing for long", async () => {
    want("A");
    await until(() => read().length === 1);
    clock.offMs = DAY_MS;
    hub.tick();
    await until(() => read().length === 2);
    clock.ms += 200_001;
    let others = 0;
    const other = hub.join(() => {
      others++;
      wake();
    });
    hub.take(other, { type: "ping" });
    hub.tick();
    // The first message is the clock as it was known.
    await until(() => others === 2);
    assert.equal(read().length, 2);
    hub.leave(other);
  });

  it("asks for an unknown channel again when its time has come", async () => {
    want("A", "B");
    await until(() => asked.length === 2);
    assert.deepEqual(asked, ["A,B", "A"]);
    clock.offMs = -DAY_MS;
    clock.ms += 30_001;
    want("A", "B");
    await until(() => asked.length === 3);
    assert.equal(asked[2], "A,B");
  });
});
