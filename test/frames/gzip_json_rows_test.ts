import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { constants, gunzipSync, inflateRawSync } from "node:zlib";
import { Qanat } from "../../src/app.ts";
import type { SelectionGroup } from "../../src/clients/selection_group.ts";
import type { DeflatedText } from "../../src/frames/deflated_text.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const FIRST = 23_671_510_000;
const NAMES = [
  "H1:GWOSC-4KHZ_R1_WHITENED",
  "H1:QANAT-COUNT_I64_64",
  "H1:QANAT-NOISE_F64_4096",
  "H1:QANAT-SINE_F32_16",
];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);
let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row = FIRST;
/** Groups of the streams that were opened. */
let groups: SelectionGroup[] = [];

beforeEach(async () => {
  groups = [];
  row = FIRST;
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  qanat = new Qanat({
    config: configWith({ lingerMs: 0, outageGraceMs: 0 }),
    source,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(coding: "identity" | "gzip", names = NAMES, durationNs?: bigint) {
  const shape: StreamShape = { format: "events", coding };
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    shape,
    { address: "", durationNs },
  );
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  groups.push(admission.open(outlet).group);
  return outlet;
}

function publish(leaveOut?: string): void {
  clock.index = row + 1;
  for (const topic of source.blocks.topics) {
    if (topic === leaveOut) continue;
    source.sink!.onMessage(topic, source.blocks.blockOf(topic, row), row, 0);
  }
  for (const topic of source.blocks.topics) {
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
  row++;
}

/** The text of a body that may not have ended. */
function unpacked(outlet: HeldOutlet): string {
  const body = Buffer.concat(outlet.written);
  assert.deepEqual([...body.subarray(0, 4)], [0x1f, 0x8b, 8, 0]);
  return inflateRawSync(body.subarray(10), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString();
}

describe("gzip events", () => {
  it("inflate to the plain ones, byte for byte, for each selection, with channels missing", () => {
    const selections = [NAMES, NAMES.slice(0, 1), NAMES.slice(2)];
    const plain = selections.map((names) => open("identity", names));
    const packed = selections.map((names) => open("gzip", names));
    for (let i = 0; i < 5; i++) publish();
    for (let i = 0; i < 40; i++) publish(source.blocks.topics[1]);
    selections.forEach((_, i) => {
      assert.equal(unpacked(packed[i]!), plain[i]!.text);
    });
    assert.match(plain[0]!.text, /"missing":/);
  });

  it("end with a valid trailer, whatever the reason of the end", () => {
    const bounded = open("gzip", NAMES, 250_000_000n);
    const drained = open("gzip");
    for (let i = 0; i < 8; i++) publish();
    qanat.drain();
    for (
      const [outlet, reason] of [[bounded, "complete"], [
        drained,
        "drain",
      ]] as const
    ) {
      const text = gunzipSync(Buffer.concat(outlet.written)).toString();
      assert.ok(text.endsWith(`event: end\ndata: {"reason":"${reason}"}\n\n`));
    }
  });

  it("have no trailer when the connection is destroyed", () => {
    const outlet = open("gzip");
    publish();
    outlet.isStalled = true;
    publish();
    clock.pass(61, () => qanat.hub.tick());
    assert.equal(outlet.ending, "destroyed");
    assert.throws(() => gunzipSync(Buffer.concat(outlet.written)));
  });

  it("begin each row with its id as stored text, and have less than half the bytes", () => {
    const plain = open("identity", NAMES.slice(0, 1));
    const packed = open("gzip", NAMES.slice(0, 1));
    for (let i = 0; i < 32; i++) publish();
    const rows = packed.written.slice(2);
    for (const bytes of rows) {
      assert.match(Buffer.from(bytes.subarray(5, 20)).toString(), /^id: \d+/);
    }
    const sum = (all: readonly Uint8Array[]) =>
      all.reduce((n, bytes) => n + bytes.byteLength, 0);
    assert.ok(sum(rows) < sum(plain.written.slice(1)) / 2);
    const { bytesSaved } = qanat.hub.figures.counters;
    assert.equal(bytesSaved, sum(plain.written.slice(1)) - sum(rows));
  });

  it("deflate a channel's text once for all selections, and not for plain clients", () => {
    open("identity");
    publish();
    const { plans, caches } = qanat.hub.encoders.context;
    const deflated = () => {
      const texts = new Set<DeflatedText>();
      for (const { channels, timeline } of groups) {
        for (const column of plans.columnsOf(timeline, channels)) {
          texts.add(caches.deflatedTextOf(column, timeline));
        }
      }
      return [...texts].reduce((sum, { made }) => sum + made, 0);
    };
    publish();
    assert.equal(deflated(), 0);
    open("gzip", NAMES.slice(0, 1));
    open("gzip", NAMES.slice(0, 3));
    publish();
    assert.equal(deflated(), 3);
  });
});
