// An outlet over a ReadableStream: what it keeps for a reader that does not read, and how it ends.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { Frame } from "../../../src/frames/frame.ts";
import { StreamOutlet } from "../../../src/http/transport/stream_outlet.ts";
import { Slab } from "../../../src/memory/slab.ts";

let slab: Slab;
let outlet: StreamOutlet;
let reader: ReadableStreamDefaultReader<Uint8Array>;
let drains: number;
let closes: number;

beforeEach(() => {
  // Released slots are overwritten, so a late read of one shows.
  slab = new Slab({ budgetBytes: 1 << 20, poison: true });
  outlet = new StreamOutlet();
  drains = closes = 0;
  outlet.owner = { onDrain: () => void drains++, onClose: () => void closes++ };
  reader = outlet.body.getReader();
});

/** Writes a frame of one number, and releases it as the one who encoded it does. */
function write(value: number): void {
  const frame = Frame.claim(slab, 100)!;
  frame.body.fill(value);
  outlet.write(frame);
  frame.release();
}

async function next(): Promise<number | undefined> {
  const { value } = await reader.read();
  return value && new Set(value).size === 1 ? value[0] : undefined;
}

/** The stream has called pull() for the reads so far. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("StreamOutlet", () => {
  it("ends when the request is aborted: workerd does not cancel the body of a client that has disconnected", async () => {
    const request = new AbortController();
    outlet = new StreamOutlet(request.signal);
    outlet.owner = { onDrain: () => {}, onClose: () => void closes++ };
    write(1);
    request.abort();
    assert.equal(closes, 1);
    assert.equal(slab.usedSlots, 0);
    await outlet.body.cancel();
    assert.equal(closes, 1);
  });

  it("ends when the request was aborted before", async () => {
    outlet = new StreamOutlet(AbortSignal.abort());
    outlet.owner = { onDrain: () => {}, onClose: () => void closes++ };
    await settled();
    assert.equal(closes, 1);
  });

  it("keeps frames in the slab, and copies none before the runtime asks", async () => {
    for (const value of [1, 2, 3]) write(value);
    await settled();
    assert.equal(outlet.inFlight, 3);
    assert.equal(slab.usedSlots, 3);
    assert.equal(await next(), 1);
    assert.equal(outlet.inFlight, 2);
    assert.equal(slab.usedSlots, 2);
    assert.equal(drains, 1);
  });

  it("gives a waiting reader its frame at once, as a copy", async () => {
    const read = next();
    await settled();
    write(7);
    assert.equal(outlet.inFlight, 0);
    assert.equal(slab.usedSlots, 0);
    assert.equal(await read, 7);
    assert.equal(drains, 0);
  });

  it("keeps the order of frames and bytes, and of what a drain writes", async () => {
    write(1);
    outlet.writeBytes(Uint8Array.of(2, 2));
    outlet.owner = {
      onDrain: () => {
        if (drains++ === 0) write(3);
      },
      onClose: () => {},
    };
    outlet.owner.onClose();
    assert.deepEqual([await next(), await next(), await next()], [1, 2, 3]);
  });

  it("copies bytes, which the caller may use again", async () => {
    const bytes = Uint8Array.of(5, 5);
    outlet.writeBytes(bytes);
    bytes.fill(6);
    assert.equal(await next(), 5);
  });

  it("ends after what was written", async () => {
    write(1);
    outlet.end();
    assert.equal(outlet.inFlight, 1);
    assert.equal(await next(), 1);
    assert.equal((await reader.read()).done, true);
    assert.equal(slab.usedSlots, 0);
  });

  it("is cut short after what was written", async () => {
    write(1);
    outlet.cutShort();
    assert.equal(await next(), 1);
    // A server that still writes the last frame would take an error now for one of its own.
    let isClosed = false;
    reader.closed.catch(() => isClosed = true);
    await settled();
    assert.equal(isClosed, false);
    assert.equal(outlet.inFlight, 1);
    await assert.rejects(reader.read(), /cut short/);
    assert.equal(outlet.inFlight, 0);
  });

  it("ends at once where nothing waits", async () => {
    const read = reader.read();
    await settled();
    outlet.end();
    assert.equal((await read).done, true);
  });

  it("releases everything when the reader cancels, also after the end", async () => {
    write(1);
    write(2);
    outlet.end();
    await reader.cancel();
    assert.equal(slab.usedSlots, 0);
    assert.equal(outlet.inFlight, 0);
    assert.equal(closes, 1);
    write(3);
    outlet.writeBytes(Uint8Array.of(1));
    outlet.end();
    outlet.cutShort();
    outlet.destroy();
    assert.equal(slab.usedSlots, 0);
  });

  it("releases everything when it is destroyed, also after the end", async () => {
    write(1);
    outlet.end();
    outlet.destroy();
    assert.equal(slab.usedSlots, 0);
    await assert.rejects(reader.read(), /cut short/);
  });
});
