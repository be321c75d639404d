// The chunk envelope of HTTP/1.1 around a body of 4 KiB: written in place, compared with a copy with text around it.
import { ENVELOPE_BYTES, seal } from "../src/frames/frame.ts";

const BODY_BYTES = 4096;
const target = new Uint8Array(BODY_BYTES + ENVELOPE_BYTES);
const body = new Uint8Array(BODY_BYTES).fill(7);
const text = new TextEncoder();
let sink = 0;

Deno.bench("seal() in place", { group: "chunk", baseline: true }, () => {
  seal(target, BODY_BYTES - (sink & 1));
  sink += target[7]!;
});

Deno.bench("text and a copy", { group: "chunk" }, () => {
  const head = text.encode((BODY_BYTES - (sink & 1)).toString(16) + "\r\n");
  const chunk = new Uint8Array(head.length + BODY_BYTES + 2);
  chunk.set(head);
  chunk.set(body, head.length);
  chunk.set(text.encode("\r\n"), head.length + BODY_BYTES);
  sink += chunk[2]!;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
