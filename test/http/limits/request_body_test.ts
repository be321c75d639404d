// Reading of bodies: limits of bytes, time and memory, and decoding. All reserved memory is released.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  ClientGoneError,
  LimitError,
} from "../../../src/http/limits/limit_error.ts";
import {
  BadTextError,
  RequestBodies,
} from "../../../src/http/limits/request_body.ts";
import { LocalSharePool } from "../../../src/shares/local_share_pool.ts";

let late: (() => void) | null = null;
let timers = 0;

function bodiesOf(bytesMax = 100, budgetBytes = 150): RequestBodies {
  late = null;
  timers = 0;
  return new RequestBodies({
    bytesMax,
    budget: new LocalSharePool({ capacity: budgetBytes, sharePercent: 100 }),
    bodyMs: 20_000,
    timer: (call) => {
      late = call;
      timers++;
      return () => timers--;
    },
  });
}

function request(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: HeadersInit = {},
): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

/** A body of parts; it never ends when `isOpen`. `pulled` counts the parts that were read. */
function stream(parts: Iterable<Uint8Array>, isOpen = false) {
  const source = parts[Symbol.iterator]();
  const state = { pulled: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = source.next();
      if (!done) {
        state.pulled++;
        controller.enqueue(value);
      } else if (!isOpen) controller.close();
      else return new Promise(() => {});
    },
    cancel: () => {
      state.isCancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

function* blanks(): Iterable<Uint8Array> {
  for (;;) yield new Uint8Array(10).fill(0x20);
}

const isLimit = (limit: string) => (error: unknown) =>
  error instanceof LimitError && error.limit === limit;

describe("RequestBodies.read()", () => {
  it("decodes characters that are split over parts, and releases its memory", async () => {
    const bodies = bodiesOf();
    const bytes = new TextEncoder().encode("{ä😀}");
    const { body } = stream([...bytes].map((b) => new Uint8Array([b])));
    {
      using read = await bodies.read(request(body));
      assert.equal(read.text, "{ä😀}");
      assert.equal(bodies.usedBytes, bytes.length);
    }
    assert.equal(bodies.usedBytes, 0);
    assert.equal(timers, 0);
    using none = await bodies.read(new Request("http://localhost/"));
    assert.equal(none.text, "");
  });

  it("refuses a body that is too long by its content-length, or before reading the rest (800 MiB were read once)", async () => {
    const bodies = bodiesOf();
    const told = stream([]);
    await assert.rejects(
      bodies.read(request(told.body, { "content-length": "101" })),
      isLimit("body-bytes"),
    );
    const endless = stream(blanks());
    // A content-length that is wrong.
    await assert.rejects(
      bodies.read(request(endless.body, { "content-length": "5" })),
      isLimit("body-bytes"),
    );
    assert.equal(endless.state.pulled, 11);
    assert.ok(endless.state.isCancelled);
    assert.equal(bodies.usedBytes, 0);
  });

  it("shares one memory budget between all bodies", async () => {
    const bodies = bodiesOf();
    const first = await bodies.read(request("x".repeat(100)));
    await assert.rejects(
      bodies.read(request("x".repeat(60))),
      (error) =>
        isLimit("body-memory")(error) &&
        (error as LimitError).headers["retry-after"] !== undefined,
    );
    assert.equal(bodies.usedBytes, 100);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    assert.equal(bodies.usedBytes, 0);
    using second = await bodies.read(request("x".repeat(60)));
    assert.equal(second.text.length, 60);
  });

  it("stops waiting for a body after its time limit", async () => {
    const bodies = bodiesOf();
    const { body, state } = stream([new Uint8Array(5)], true);
    const outcome = assert.rejects(
      bodies.read(request(body)),
      isLimit("body-time"),
    );
    while (state.pulled === 0) await Promise.resolve();
    late!();
    await outcome;
    assert.equal(bodies.usedBytes, 0);
    assert.ok(state.isCancelled);
  });

  it("refuses a body that is not UTF-8, and reports a client that disconnects", async () => {
    const bodies = bodiesOf();
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80]]) {
      await assert.rejects(
        bodies.read(request(new Uint8Array(bytes))),
        BadTextError,
      );
    }
    const broken = new ReadableStream<Uint8Array>({
      pull: () => Promise.reject(new Error("connection reset")),
    });
    await assert.rejects(bodies.read(request(broken)), ClientGoneError);
    assert.equal(bodies.usedBytes, 0);
    assert.equal(timers, 0);
  });
});
