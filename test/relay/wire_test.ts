// The frames between an origin and its relays: whole however the stream is cut, and limited.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  FRAME,
  type Frame,
  FRAME_PAYLOAD_MAX,
  frameBytes,
  FrameReader,
  payloadText,
  textPayload,
  versionAsked,
  WireError,
} from "../../src/relay/wire.ts";

const FRAMES = [
  frameBytes(FRAME.hello, { first: 1234.5, payload: textPayload({ a: 1 }) }),
  frameBytes(FRAME.topic, { topic: 7, first: NaN, payload: textPayload("ü") }),
  frameBytes(FRAME.disturbed, { topic: 7 }),
  frameBytes(FRAME.message, {
    topic: 7,
    first: -1,
    second: 2 ** 52,
    payload: new Uint8Array(300).map((_, i) => i),
  }),
];
const STREAM = new Uint8Array(await new Blob(FRAMES).arrayBuffer());

/** What a reader finds in the pieces. */
function read(pieces: readonly Uint8Array[]): [Frame[], boolean] {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (const piece of pieces) {
    reader.push(
      piece,
      (frame) => frames.push({ ...frame, payload: frame.payload.slice() }),
    );
  }
  return [frames, reader.isWithinFrame];
}

describe("the frames of the relay", () => {
  it("come out as they went in, cut at each byte and byte by byte", () => {
    const [expected] = read([STREAM]);
    assert.equal(expected.length, FRAMES.length);
    assert.equal(payloadText(expected[1]!), "ü");
    assert.equal(expected[1]!.first, NaN);
    assert.equal(expected[3]!.second, 2 ** 52);
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const pieces = [STREAM.subarray(0, cut), STREAM.subarray(cut)];
      assert.deepEqual(read(pieces), [expected, false]);
    }
    const bytes = Array.from(STREAM, (_, i) => STREAM.subarray(i, i + 1));
    assert.deepEqual(read(bytes), [expected, false]);
  });

  it("are not handed on before their last byte", () => {
    const ends = FRAMES.map((_, i) =>
      FRAMES.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0)
    );
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const [frames, isWithin] = read([STREAM.subarray(0, cut)]);
      const whole = ends.filter((end) => end <= cut).length;
      assert.equal(frames.length, whole);
      assert.equal(isWithin, cut !== 0 && !ends.includes(cut));
    }
  });

  it("that announce too much are refused before any memory is taken", () => {
    const bytes = frameBytes(FRAME.message);
    new DataView(bytes.buffer).setUint32(0, FRAME_PAYLOAD_MAX + 1, true);
    assert.throws(() => read([bytes]), WireError);
    assert.throws(() => read([bytes.subarray(0, 5), bytes.subarray(5)]));
  });

  it("have versions, of which one is asked for by Accept", () => {
    assert.equal(versionAsked(""), 1);
    assert.equal(versionAsked("*/*"), 1);
    assert.equal(versionAsked("application/vnd.qanat.blocks; version=1"), 1);
    assert.equal(versionAsked("application/vnd.qanat.blocks;version=2"), null);
  });
});
