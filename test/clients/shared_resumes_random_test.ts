// Resumes in random worlds: many clients of two selections and several formats, at near rows, which stall, read on and
// leave while they share readings of a log that has holes.
// Invariant (the model): what a client gets is, byte for byte, what it gets where each client reads by itself; of one that
// disconnects, it is the beginning of that.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { GapPolicy } from "../../src/clients/client_options.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { Random } from "../random.ts";
import {
  bytesOf,
  END,
  LoggedSource,
  NAMES,
  type Resumed,
  type ResumeRequest,
  ResumingWorld,
  ROWS,
  START,
  STRIDE_NS,
} from "./resuming_world.ts";

const CLIENTS = 40;
const STEPS = 60;
const FORMATS: readonly StreamShape[] = [
  { format: "events" },
  { format: "events-arrow" },
  { format: "arrow" },
  { format: "events", coding: "gzip" },
];
const POLICIES: readonly GapPolicy[] = ["fill", "skip", "fail"];
const SEEDS = 6;

function sourceOf(random: Random): LoggedSource {
  const source = new LoggedSource();
  source.readRows = 1 + random.below(40);
  const { topics } = source.blocks;
  const hole = () => {
    const from = START + random.below(ROWS);
    const isOfAll = random.once(2);
    for (let row = from; row < from + 1 + random.below(30); row++) {
      for (const topic of isOfAll ? topics : [random.of(topics)]) {
        source.missing.add(`${topic} ${row}`);
      }
    }
  };
  for (let i = random.below(4); i > 0; i--) hole();
  return source;
}

function requestOf(random: Random): ResumeRequest {
  const lastRow = START + random.below(random.of([1, 20, ROWS])) - 1;
  const isBounded = random.once(3);
  const end = lastRow + 2 + random.below(END - lastRow - 2);
  return {
    lastRow,
    address: `10.0.0.${random.below(6)}`,
    format: random.of(FORMATS),
    gaps: random.of(POLICIES),
    ...random.once(3) ? { names: NAMES.slice(0, 1) } : {},
    ...isBounded ? { endNs: BigInt(end) * STRIDE_NS } : {},
  };
}

/** Opens the clients, one at each of some random moments, while the others stall, read on and leave. */
async function share(
  world: ResumingWorld,
  requests: readonly ResumeRequest[],
  random: Random,
): Promise<{ readonly all: Resumed[]; readonly left: Set<Resumed> }> {
  const all: Resumed[] = [];
  const left = new Set<Resumed>();
  const next = [...requests];
  for (let step = 0; step < STEPS || next.length > 0; step++) {
    for (let i = random.below(6); i > 0 && next.length > 0; i--) {
      all.push(world.resume(next.shift()!, random.once(2)));
    }
    for (let i = random.below(8); i > 0 && all.length > 0; i--) {
      const resumed = random.of(all);
      resumed.outlet.isStalled = random.once(2);
      resumed.outlet.finish();
      if (!random.once(12)) continue;
      resumed.outlet.owner.onClose();
      if (resumed.client.ended === "client-left") left.add(resumed);
    }
    if (random.once(8)) {
      world.clock.pass(1 + random.below(6), () => world.history.tick());
    }
    world.turns.run();
    if (random.once(3)) await world.quiet();
  }
  await world.readOn(all);
  return { all, left };
}

/** What a client got, and how it ended; null while it is open. */
interface Got {
  readonly bytes: Uint8Array;
  readonly ended: string | null;
}

async function gotBy(resumed: Resumed): Promise<Got> {
  return { bytes: await bytesOf(resumed), ended: resumed.client.ended };
}

/** What each client gets where it is the only one that reads history. */
async function alone(
  source: LoggedSource,
  requests: readonly ResumeRequest[],
): Promise<Got[]> {
  const world = new ResumingWorld(source, {});
  world.history.isSharing = false;
  try {
    await world.start();
    const all: Got[] = [];
    for (const request of requests) {
      const resumed = world.resume(request);
      await world.readOn([resumed]);
      all.push(await gotBy(resumed));
    }
    return all;
  } finally {
    await world.close();
  }
}

/** A slice ends after a random number of looks at the clock, so also between two clients of a row. */
function endSlicesAtRandom(random: Random): void {
  let ms = 0;
  performance.now = () => ms += random.below(10) / 10;
}

describe("random worlds with shared readings of history", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`send each client what it gets alone: seed ${seed}`, async () => {
      const random = new Random(seed);
      const source = sourceOf(random);
      const requests = Array.from({ length: CLIENTS }, () => requestOf(random));
      const world = new ResumingWorld(source, {
        historyMb: random.of([1 / 64, 1 / 32, 1]),
        inFlightFrames: 1 + random.below(6),
        addressSharePercent: random.of([40, 100]),
        historyStallMs: random.of([1000, 5000]),
      });
      endSlicesAtRandom(random);
      await world.start();
      let shared: Awaited<ReturnType<typeof share>>;
      let got: Got[];
      try {
        shared = await share(world, requests, random);
        got = await Promise.all(shared.all.map(gotBy));
      } finally {
        await world.close();
      }
      assert.ok(world.history.counters.joined > 0, "none has joined");
      const expected = await alone(source, requests);
      for (const [i, resumed] of shared.all.entries()) {
        const { bytes, ended } = got[i]!;
        const model = expected[i]!;
        const about = `client ${i}: ${JSON.stringify(requests[i], text)}`;
        if (!shared.left.has(resumed)) {
          assert.equal(ended, model.ended, about);
          assert.equal(bytes.byteLength, model.bytes.byteLength, about);
        }
        assert.ok(bytes.every((byte, at) => byte === model.bytes[at]), about);
      }
    });
  }
});

function text(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
