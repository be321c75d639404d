// Finding the buffers of a message with a new header: MessageHeader compared with apache-arrow's MessageReader.
import { MessageReader } from "apache-arrow";
import { MessageHeader, prefixedBytes } from "../src/arrow/message_header.ts";
import { noise, SAMPLES, SteadyMessage } from "./steady_blocks.ts";

const CHANNELS = 10;
const bytes = new SteadyMessage(
  Array.from({ length: CHANNELS }, () => noise(SAMPLES)),
).at(1);
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
let sink = 0;

Deno.bench("MessageHeader", {
  group: "parse schema and batch",
  baseline: true,
}, () => {
  const batchAt = prefixedBytes(view, 0);
  const batch = new MessageHeader(view, batchAt);
  for (let i = 0; i < batch.bufferCount; i++) sink += batch.buffer(i).bytes;
  sink += new MessageHeader(view, 0).fieldCount;
});

Deno.bench("MessageReader", { group: "parse schema and batch" }, () => {
  const reader = new MessageReader(bytes);
  sink += reader.readMessage()!.bodyLength;
  const batch = reader.readMessage()!;
  // deno-lint-ignore no-explicit-any -- a RecordBatch's header has buffers
  for (const { length } of (batch.header() as any).buffers) sink += length;
});

globalThis.addEventListener("unload", () => {
  if (sink === 0) throw new Error("nothing was done");
});
