// The samples of a row of ten channels, copied from a ring into a frame: a private ring and a shared one, and frames whose
// body begins at a multiple of 8 or not. Why the head of a frame has 16 bytes (src/frames/frame.ts).
import { ENVELOPE_HEAD_BYTES } from "../src/frames/frame.ts";

const CHANNELS = 10;
const RING_BYTES = 1 << 24;
const FRAME_BYTES = 1 << 17;
/** Samples in the ring begin at multiples of this. */
const ALIGN_BYTES = 64;
/** The head of a frame that has 8 digits for its size. */
const SHORT_HEAD_BYTES = 10;
const frame = new Uint8Array(FRAME_BYTES);
const rings = {
  private: new Uint8Array(RING_BYTES),
  shared: new Uint8Array(new SharedArrayBuffer(RING_BYTES)),
};
let next = 0;
let sink = 0;

for (const bytes of [512, 4096]) {
  for (const head of [ENVELOPE_HEAD_BYTES, SHORT_HEAD_BYTES]) {
    for (const [name, ring] of Object.entries(rings)) {
      const room = RING_BYTES - CHANNELS * bytes;
      // Views are kept, as src/frames/column_samples.ts keeps them; so this is the copy alone.
      const samples = Array.from({ length: 64 }, (_, i) => {
        const at = Math.floor(i * room / 64 / ALIGN_BYTES) * ALIGN_BYTES;
        return ring.subarray(at, at + bytes);
      });
      Deno.bench(`${name} ring, body at ${head}`, {
        group: `${CHANNELS} x ${bytes} bytes`,
        baseline: name === "private" && head === ENVELOPE_HEAD_BYTES,
      }, () => {
        for (let i = 0; i < CHANNELS; i++) {
          frame.set(samples[next++ & 63]!, head + i * bytes);
        }
        sink += frame[head]! + 1;
      });
    }
  }
}

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
