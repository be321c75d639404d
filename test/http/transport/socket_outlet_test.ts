// When a frame's memory is free again, seen from the bytes: released slots are poisoned.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { EventEmitter } from "node:events";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { ENVELOPE_HEAD_BYTES, Frame } from "../../../src/frames/frame.ts";
import type {
  RawWriter,
  WriteListener,
  Written,
} from "../../../src/http/transport/raw_write.ts";
import { SocketOutlet } from "../../../src/http/transport/socket_outlet.ts";
import { POISON, Slab } from "../../../src/memory/slab.ts";

/** Reads what it was given only when the test asks, as a kernel whose buffer is full. */
class LateReader {
  chunk: Uint8Array = new Uint8Array();
  taker: WriteListener | null = null;
  answer: Written = "queued";

  canWrite(): boolean {
    return true;
  }

  write(_socket: unknown, chunk: Uint8Array, taker: WriteListener): Written {
    this.chunk = chunk;
    this.taker = taker;
    return this.answer;
  }
}

let slab: Slab;
let reader: LateReader;
let outlet: SocketOutlet;

beforeEach(() => {
  slab = new Slab({ budgetBytes: 1 << 20, poison: true });
  reader = new LateReader();
  const socket = { writableLength: 0, setNoDelay: () => {} };
  const outgoing = Object.assign(new EventEmitter(), {
    socket,
    chunkedEncoding: true,
  });
  outlet = new SocketOutlet(
    outgoing as unknown as ServerResponse,
    reader as unknown as RawWriter,
  );
});

/** Writes a frame full of sevens, and releases it as the one who encoded it does. */
function write(): void {
  const frame = Frame.claim(slab, 100)!;
  frame.body.fill(7);
  outlet.write(frame);
  frame.release();
}

const body = () => [
  ...new Set(reader.chunk.subarray(
    ENVELOPE_HEAD_BYTES,
    ENVELOPE_HEAD_BYTES + 100,
  )),
];

describe("SocketOutlet", () => {
  it("keeps a frame until its write completes, and then releases it", () => {
    write();
    assert.equal(outlet.inFlight, 1);
    assert.deepEqual(body(), [7]);
    reader.taker!.finished(0);
    assert.deepEqual(body(), [POISON]);
    assert.equal(slab.usedSlots, 0);
  });

  it("keeps a frame whose write is given up until then", () => {
    write();
    assert.deepEqual(body(), [7]);
    reader.taker!.finished(-104);
    assert.equal(slab.usedSlots, 0);
  });

  it("whose runtime calls a write done too early sends poison, which no reader takes for a row", () => {
    reader.answer = "done";
    write();
    assert.deepEqual(body(), [POISON]);
  });
});
