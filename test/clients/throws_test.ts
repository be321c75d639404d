// A throw at each step of letting a client in: everything reserved before it must be released.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import type { Config } from "../../src/config.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";

const FIRST = 23_671_510_000;
const NAMES = ["H1:QANAT-COUNT_I64_16", "H1:QANAT-SINE_F64_4096"];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);
const MORE_THAN_THERE_IS = 1e15;

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;

function setUp(changes: Partial<Config> = {}): Promise<void> {
  source = new DrivenSource(channels);
  clock = new BlockClock(FIRST);
  qanat = new Qanat({
    config: configWith({
      retentionMb: 1,
      lingerMs: 0,
      clientsPerAddressMax: 5,
      ...changes,
    }),
    source,
    log: silent,
    clocks: clock,
  });
  return qanat.start();
}

/** Makes a method throw from its `nth` call on. */
// deno-lint-ignore no-explicit-any -- any object of the instance under test
function breakAt(target: any, name: string, nth = 1): void {
  const whole = target[name];
  let calls = 0;
  target[name] = function (this: unknown, ...args: unknown[]) {
    if (++calls >= nth) throw new Error(`broken ${name}`);
    return whole.apply(this, args);
  };
}

function open(
  shape: StreamShape,
  options: Partial<ClientOptions> = {},
  outlet = new HeldOutlet(),
): void {
  const admission = qanat.hub.admission.admit(
    NAMES.map((name) => source.catalog.get(name, null)!),
    shape,
    { address: "10.0.0.1", ...options },
  );
  assert.ok(admission.kind === "ready");
  admission.open(outlet);
}

function assertHome(): void {
  const { hub, slab, store, trends } = qanat;
  assert.equal(hub.groups.size, 0, "groups");
  assert.equal(hub.figures.clients, 0, "clients");
  assert.equal(
    hub.lifecycle.books.idleReserveBytes,
    0,
    "bytes kept for clients",
  );
  assert.equal(hub.admission.shares.size, 0, "addresses");
  assert.equal(hub.history.histories, 0, "permits");
  assert.equal(slab.reservedBytes, 0, "reserved bytes");
  assert.equal(slab.usedSlots, 0, "slots");
  clock.index += 16;
  store.tick();
  trends.tick();
  store.tick();
  assert.equal(trends.channelCount, 0, "trend records");
  assert.equal(trends.usedBytes, 0, "trend bytes");
  assert.deepEqual([...store.partitions()], [], "leases");
  assert.deepEqual([...source.wanted], [], "topics");
}

beforeEach(() => setUp());
// Throws if a lease or a slot was not released.
afterEach(() => qanat.close());

const ROWS: StreamShape = { format: "arrow" };
const BINS: StreamShape = { format: "events", trend: trendBinOf("1s") };
const PAST = { startNs: 1_000_000_000_000_000_000n };

const cases: [string, () => void, StreamShape, Partial<ClientOptions>][] = [
  ["the first topic", () => breakAt(source, "subscribe"), ROWS, {}],
  ["the second topic", () => breakAt(source, "subscribe", 2), ROWS, {}],
  [
    "the encoder of a group",
    () => breakAt(qanat.hub.encoders.context.templates, "of"),
    ROWS,
    {},
  ],
  ["a record's lease", () => breakAt(qanat.store, "lease"), BINS, {}],
  [
    "the second record's lease",
    () => {
      breakAt(qanat.store, "lease", 2);
    },
    BINS,
    {},
  ],
  ["the bins' own lease", () => breakAt(qanat.store, "lease", 3), BINS, {}],
  ["the permit", () => breakAt(qanat.hub.history, "takePermit"), ROWS, PAST],
  ["the slab", () => breakAt(qanat.slab, "reserve"), ROWS, PAST],
  [
    "the address",
    () => {
      breakAt(qanat.hub.admission.shares, "take");
    },
    ROWS,
    PAST,
  ],
  [
    "the trends of what is lost",
    () => {
      breakAt(qanat.trends, "lease");
    },
    { format: "events" },
    { ...PAST, slow: "trend" },
  ],
];

describe("a throw while a client is let in", () => {
  for (const [name, break_, shape, options] of cases) {
    it(`releases what was reserved before it: ${name}`, () => {
      break_();
      assert.throws(() => open(shape, options), /broken/);
      assertHome();
    });
  }

  it("releases a topic whose timeline cannot continue", () => {
    open(ROWS);
    const [first] = qanat.store.partitions();
    for (const client of qanat.hub.lifecycle.clients()) {
      qanat.hub.lifecycle.drop(client, "error");
    }
    // The topic lingers, so that the next lease finds it.
    breakAt(first!.blocks, "settle");
    assert.throws(() => open(ROWS), /broken settle/);
    assertHome();
  });

  it("releases a topic whose record finds no memory", async () => {
    await qanat.close();
    await setUp({ trendMb: MORE_THAN_THERE_IS, trendHours: 1e9 });
    const admission = qanat.hub.admission.admit(
      NAMES.map((name) => source.catalog.get(name, null)!),
      BINS,
      { address: "10.0.0.1" },
    );
    assert.equal(admission.kind === "full" && admission.refusal, "trends");
    assertHome();
  });

  it("releases the reservations of a client whose outlet cannot be written to", () => {
    const outlet = new HeldOutlet();
    breakAt(outlet, "writeBytes");
    assert.throws(
      () => open({ format: "events" }, { slow: "trend" }, outlet),
      /broken writeBytes/,
    );
    assert.equal(outlet.ending, "destroyed");
    assertHome();
  });

  it("releases nothing twice: a request may cancel what could not be opened", () => {
    const admit = () =>
      qanat.hub.admission.admit(
        NAMES.map((name) => source.catalog.get(name, null)!),
        ROWS,
        { address: "10.0.0.1" },
      );
    const admission = admit();
    assert.ok(admission.kind === "ready");
    const outlet = new HeldOutlet();
    breakAt(outlet, "writeBytes");
    assert.throws(() => admission.open(outlet), /broken/);
    admission.cancel();
    assert.throws(() => admission.open(new HeldOutlet()), /Cannot open/);
    assertHome();
    const cancelled = admit();
    assert.ok(cancelled.kind === "ready");
    cancelled.cancel();
    cancelled.cancel();
    assertHome();
  });

  it("closes the reader of a past that finds no memory", async () => {
    await qanat.close();
    await setUp({ historyMb: MORE_THAN_THERE_IS });
    let closed = 0;
    source.openHistory = () => ({
      read: () => Promise.reject(new Error("not read")),
      close: () => closed++,
    });
    assert.throws(() => qanat.store.openHistory([], 1n, 0n), RangeError);
    assert.equal(closed, 1);
  });
});
