// Frames that take long are handled in slices: in order, while their stream waits.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { SlicedFrames } from "../../src/relay/sliced_frames.ts";
import type { Frame } from "../../src/relay/wire.ts";

const frame = (kind: number, parts: number): Frame => ({
  kind,
  topic: parts,
  first: 0,
  second: 0,
  payload: new Uint8Array([kind]),
});

/** Each part takes `partMs`; what was done, with the turns of the event loop between. */
function world(partMs: number) {
  let ms = 0;
  const done: string[] = [];
  const frames = new SlicedFrames(function* ({ kind, topic, payload }) {
    for (let i = 0; i < topic; i++) {
      ms += partMs;
      done.push(`${kind}.${i}`);
      yield;
    }
    if (payload[0] === 9) throw new TypeError("wrong");
  }, () => ms);
  return { frames, done };
}

describe("SlicedFrames", () => {
  it("handles at once what fits into a slice: its stream does not wait", () => {
    const { frames, done } = world(1);
    const sender = {};
    frames.push(frame(1, 3), sender);
    frames.push(frame(2, 3), sender);
    assert.equal(done.length, 6);
    assert.equal(frames.handled(sender), null);
  });

  it("continues in later turns, in order, and keeps the bytes until then", async () => {
    const { frames, done } = world(1);
    const sender = {};
    const first = frame(1, 10);
    frames.push(first, sender);
    frames.push(frame(2, 2), sender);
    first.payload[0] = 9;
    assert.equal(done.length, 4);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await frames.handled(sender);
    clearInterval(timer);
    assert.ok(turns >= 2, `${turns}`);
    assert.deepEqual(done.slice(8), ["1.8", "1.9", "2.0", "2.1"]);
    assert.equal(frames.handled(sender), null);
  });

  it("ends the frames of a sender with what is wrong, and not those of another", async () => {
    const { frames, done } = world(5);
    const [bad, good] = [{}, {}];
    frames.push(frame(9, 2), bad);
    frames.push(frame(1, 1), bad);
    frames.push(frame(2, 1), good);
    await frames.handled(good);
    assert.deepEqual(done, ["9.0", "9.1", "2.0"]);
    await assert.rejects(frames.handled(bad)!, /wrong/);
    frames.push(frame(3, 1), bad);
    assert.equal(done.length, 3);
  });

  it("handles nothing after it was closed", async () => {
    const { frames, done } = world(5);
    const sender = {};
    frames.push(frame(1, 3), sender);
    frames.push(frame(2, 3), sender);
    frames.close();
    await frames.handled(sender);
    frames.push(frame(3, 1), sender);
    assert.deepEqual(done, ["1.0"]);
  });
});
