// Rows that leave together in one write while the delivery is behind.
// Invariant: each client gets the bytes that it would get row by row.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Buffer } from "node:buffer";
import { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import { topicOf } from "../../src/channels/channel.ts";
import type { Config } from "../../src/config.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { HeldOutlet } from "./held_outlet.ts";
import { turn, writtenOut } from "./written_out.ts";

const FIRST = 23_671_510_000;
const STRIDE_NS = 62_500_000n;
const NAMES = ["H1:QANAT-SINE_F32_16", "H1:QANAT-SINE_F32_256"];
const SELECTIONS = [NAMES, NAMES.slice(0, 1), NAMES.slice(1)];
/** In another partition than the others. */
const APART = "H1:QANAT-COUNT_I64_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  [...NAMES, APART].includes(channel.name)
);

/** One instance; with `sliceMs` 0 a turn has eight writes. */
class World {
  readonly source = new DrivenSource(channels);
  readonly clock = new BlockClock(FIRST);
  readonly qanat: Qanat;
  row = FIRST;

  constructor(changes: Partial<Config> = {}) {
    const config = configWith({
      retentionMb: 4,
      lingerMs: 0,
      sliceMs: 0,
      ...changes,
    });
    const { source, clock } = this;
    this.qanat = new Qanat({
      config,
      source,
      log: silent,
      clocks: clock,
      later: setImmediate,
    });
  }

  static async start(changes?: Partial<Config>): Promise<World> {
    const world = new World(changes);
    await world.qanat.start();
    worlds.push(world);
    return world;
  }

  open(
    names: readonly string[],
    shape: StreamShape,
    options: Partial<ClientOptions> = {},
  ): { outlet: HeldOutlet; rows: () => number } {
    const admission = this.qanat.hub.admission.admit(
      names.map((name) => this.source.catalog.get(name, null)!),
      shape,
      { address: "", ...options },
    );
    assert.ok(admission.kind === "ready");
    const outlet = new HeldOutlet();
    const client = admission.open(outlet);
    return { outlet, rows: () => client.rows };
  }

  /** The next row of both topics, or of one only. */
  publish(only?: string): void {
    const { source, clock, row } = this;
    clock.index = row + 1;
    for (const topic of source.blocks.topics) {
      if (only === undefined || topic === only) {
        const block = source.blocks.blockOf(topic, row);
        source.sink!.onMessage(topic, block, row, 0);
      }
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
    this.row++;
  }

  quiet(): Promise<void> {
    return writtenOut(this.qanat);
  }

  get rowsInRuns(): number {
    return this.qanat.hub.figures.counters.rowsInRuns;
  }
}

const worlds: World[] = [];

afterEach(async () => {
  for (const { qanat } of worlds.splice(0)) {
    qanat.drain();
    await qanat.close();
  }
});

/** All that was written, one write after the other. */
function bodyOf({ outlet }: { outlet: HeldOutlet }): Buffer {
  return Buffer.concat(outlet.written);
}

/** A client that is behind may be sent two gaps as one. */
function withoutGaps(body: Buffer): string {
  return body.toString("latin1")
    .replaceAll(/event: gap\ndata: .*\n(id: .*\n)?\n/g, "");
}

describe("rows of a delivery that is behind", () => {
  for (const format of ["arrow", "events", "events-arrow", "flight"] as const) {
    it(`leave in fewer writes, with the bytes that they have one by one: ${format}`, async () => {
      const calm = await World.start();
      const busy = await World.start();
      const expected = SELECTIONS.map((names) => calm.open(names, { format }));
      const readers = Array.from(
        { length: 60 },
        (_, i) => busy.open(SELECTIONS[i % 3]!, { format }),
      );
      for (const world of [calm, busy]) {
        world.publish();
        await world.quiet();
      }
      for (let i = 0; i < 40; i++) {
        calm.publish();
        await calm.quiet();
      }
      for (let i = 0; i < 40; i++) busy.publish();
      await busy.quiet();
      assert.equal(calm.rowsInRuns, 0);
      assert.ok(busy.rowsInRuns > 60 * 20, `${busy.rowsInRuns} rows`);
      readers.forEach((reader, i) => {
        assert.equal(reader.rows(), expected[i % 3]!.rows());
        assert.ok(reader.outlet.written.length < 35);
        assert.ok(bodyOf(reader).equals(bodyOf(expected[i % 3]!)), `${i}`);
      });
    });
  }

  it("leave alone where each is packed: gzip and the codecs", async () => {
    const world = await World.start();
    const shapes: StreamShape[] = [
      { format: "arrow", coding: "gzip" },
      { format: "events", coding: "gzip" },
      { format: "arrow", codec: "zstd" },
      { format: "arrow", codec: "lz4" },
    ];
    for (const shape of shapes) {
      for (let i = 0; i < 10; i++) world.open(NAMES, shape);
    }
    for (let i = 0; i < 20; i++) world.publish();
    await world.quiet();
    assert.equal(world.rowsInRuns, 0);
  });

  it("have each channel's text made once, for all selections", async () => {
    const world = await World.start();
    const { arena } = world.qanat.hub.encoders.context;
    for (let i = 0; i < 60; i++) {
      world.open(SELECTIONS[i % 3]!, { format: "events" });
    }
    world.publish();
    await world.quiet();
    const before = arena.stamp;
    for (let i = 0; i < 40; i++) world.publish();
    await world.quiet();
    assert.ok(world.rowsInRuns > 1000);
    assert.equal(arena.stamp - before, 40 * NAMES.length);
  });

  it("end where a client's range ends, though others in the run get more rows", async () => {
    const world = await World.start();
    for (let i = 0; i < 40; i++) world.open(NAMES, { format: "arrow" });
    world.publish();
    await world.quiet();
    const bounded = Array.from(
      { length: 20 },
      (_, i) =>
        world.open(NAMES, { format: "events" }, {
          durationNs: BigInt(i + 1) * STRIDE_NS,
        }),
    );
    for (let i = 0; i < 30; i++) world.publish();
    await world.quiet();
    bounded.forEach(({ outlet, rows }, i) => {
      assert.equal(rows(), i + 1);
      assert.equal(outlet.ending, "ended");
      // Each row has the id by which this client resumes its range.
      const ids = outlet.text.match(/^id: \d+~\d+$/gm);
      assert.equal(new Set(ids).size, i + 1);
    });
  });

  it("with a missing block go out as they do one by one: filled, skipped, or as an end", async () => {
    const bodies: Buffer[][] = [];
    for (const isBusy of [false, true]) {
      const world = await World.start();
      const names = [...NAMES, APART];
      for (let i = 0; i < 40; i++) world.open(names, { format: "arrow" });
      const readers = (["fill", "skip", "fail"] as const).flatMap((gaps) =>
        (["arrow", "events"] as const).map((format) =>
          world.open(names, { format }, { gaps })
        )
      );
      world.publish();
      await world.quiet();
      const [one] = world.source.blocks.topics;
      for (let i = 0; i < 40; i++) {
        if (i === 20) world.row += 3;
        world.publish(i % 7 === 5 ? one : undefined);
        if (!isBusy) await world.quiet();
      }
      await world.quiet();
      if (isBusy) assert.ok(world.rowsInRuns > 100);
      bodies.push(readers.map(bodyOf));
    }
    const [calm, busy] = bodies;
    assert.deepEqual(busy!.map(withoutGaps), calm!.map(withoutGaps));
  });

  it("leave one by one where the slab has no room for a run", async () => {
    const { qanat } = await World.start();
    const { slotBytes } = (() => {
      const world = worlds[0]!;
      world.open(NAMES, { format: "arrow" });
      return [...qanat.hub.lifecycle.clients()][0]!.group;
    })();
    // A slot for each client, and one more: two rows have no room in it.
    const slabMb = 41 * slotBytes / 1024 / 1024;
    const world = await World.start({ slabMb });
    const readers = Array.from(
      { length: 40 },
      () => world.open(NAMES, { format: "arrow" }),
    );
    for (let i = 0; i < 20; i++) world.publish();
    await world.quiet();
    assert.equal(world.rowsInRuns, 0);
    for (const { rows } of readers) assert.equal(rows(), 19);
  });

  it("is whole for clients that end at gaps, though the page ring lost it while it was handed out", async () => {
    const world = await World.start({
      retentionMb: 1,
      futureToleranceMs: 1_000_000,
    });
    const readers = Array.from(
      { length: 30 },
      () => world.open(NAMES, { format: "events" }, { gaps: "fail" }),
    );
    world.open([APART], { format: "events" });
    world.publish();
    await world.quiet();
    world.publish();
    while (readers.every(({ rows }) => rows() === 0)) await turn();
    const { sink, blocks } = world.source;
    const { ring } = world.qanat;
    const apart = blocks.topics.find((topic) =>
      topic === topicOf(world.source.catalog.get(APART, null)!)
    )!;
    const rowAt = ring.headPosition;
    for (let i = 0; ring.oldestPosition <= rowAt; i++) {
      const block = blocks.blockOf(apart, world.row + i);
      sink!.onMessage(apart, block, world.row + i, 0);
    }
    assert.ok(readers.some(({ rows }) => rows() === 0));
    await world.quiet();
    for (const { rows, outlet } of readers) {
      assert.equal(outlet.ending, "open");
      assert.equal(rows(), 1);
    }
  });
});
