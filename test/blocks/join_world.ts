// A small world for the join: publishers, logs, a broker that comes and goes, a reader, all from one seed.
// Invariant: it hands the real BlockStore exactly what a Kafka source would, in an order that Kafka allows.
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { BlockStore } from "../../src/blocks/block_store.ts";
import type { TopicShape } from "../../src/blocks/topic_shape.ts";
import { GpsClock } from "../../src/blocks/gps_clock.ts";
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type { PartitionBlocks } from "../../src/blocks/partition_blocks.ts";
import type { RowGap } from "../../src/blocks/row_gap.ts";
import { rowStrideOf } from "../../src/blocks/row_stride.ts";
import type { Timeline } from "../../src/blocks/timeline.ts";
import { PageRing } from "../../src/memory/page_ring.ts";
import type { ReadFrom, Source } from "../../src/source/source.ts";
import { silent } from "../driven_source.ts";

/** GPS ms at which a world begins; a whole multiple of every stride. */
export const T0_MS = 1_400_000_000_000;
export const OUTAGE_WAIT_MS = 6000;
export const OUTAGE_GRACE_MS = 1500;
const RUN_MS = 14_000;
/** Nothing is published at the end, so that all is settled. */
const REST_MS = 5000;
const STRIDES_MS = [62.5, 125, 250, 500];
const TICK_MS = 100;

/** A block as its publisher wrote it, and what became of it. Times in GPS ms. */
export interface Message {
  readonly index: number;
  /** When the log had it. */
  readonly arriveMs: number;
  /** When the reader handed it on; Infinity: never. */
  readMs: number;
  /** How many messages of all partitions had been handed on with it. */
  order: number;
}

export interface Partition {
  readonly topic: string;
  readonly strideMs: number;
  readonly maxLatencyMs: number;
  readonly broker: number;
  readonly log: Message[];
  read: number;
  /** Fetches that had reached the end of the log: valid at `atMs`, handed on at `toldMs`. */
  readonly caughtUp: { atMs: number; toldMs: number }[];
}

/** What the timeline said, in order. */
export type Told =
  | {
    readonly kind: "row";
    readonly row: number;
    readonly atMs: number;
    readonly order: number;
    /** By partition and block of the row: whether it was there. */
    readonly held: readonly boolean[][];
  }
  | {
    readonly kind: "gap";
    readonly gap: RowGap;
    readonly atMs: number;
    readonly order: number;
  }
  | { readonly kind: "reset"; readonly atMs: number };

export interface World {
  readonly seed: number;
  readonly partitions: readonly Partition[];
  readonly rowStrideMs: number;
  readonly told: readonly Told[];
  /** The events so far, for the message of a failure. */
  readonly troubles: readonly string[];
}

export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const template = encodeBlock(0x1122334455667788n, "int16", [0], [
  Int16Array.of(7),
]);
const timeAt = (() => {
  const view = new DataView(template.buffer, template.byteOffset);
  for (let at = 0;; at++) {
    if (view.getBigInt64(at, true) === 0x1122334455667788n) return at;
  }
})();

function valueOf(timeNs: bigint): Uint8Array {
  const value = Uint8Array.from(template);
  new DataView(value.buffer).setBigInt64(timeAt, timeNs, true);
  return value;
}

/** Runs one world to its end. */
export function runWorld(seed: number): World {
  const random = generator(seed);
  const between = (a: number, b: number) => a + random() * (b - a);
  const chance = (p: number) => random() < p;
  const troubles: string[] = [];
  const brokers = chance(0.5) ? 1 : 2;
  const partitions: Partition[] = Array.from(
    { length: 1 + Math.floor(random() * 6) },
    (_, p) => ({
      topic: `arrakis-p${p}`,
      strideMs: STRIDES_MS[Math.floor(random() * STRIDES_MS.length)]!,
      maxLatencyMs: [300, 500, 1000, 2000][Math.floor(random() * 4)]!,
      broker: p % brokers,
      log: [],
      read: 0,
      caughtUp: [],
    }),
  );
  // When nothing can be fetched, by broker.
  const outages: { from: number; to: number; broker: number }[] = [];
  if (chance(0.5)) {
    const from = between(1000, RUN_MS - 5000);
    const to = from + between(300, chance(0.3) ? 9000 : 4500);
    const broker = chance(0.6) ? -1 : Math.floor(random() * brokers);
    outages.push({ from, to, broker });
    troubles.push(
      `broker ${broker} away ${Math.round(from)}…${Math.round(to)}`,
    );
  }
  const lateness = chance(0.4) ? 0.08 : 0;
  const losses = chance(0.5) ? 0.05 : 0;
  const doubles = chance(0.4) ? 0.05 : 0;
  // Drawn apart, so that the rest of a world does not depend on it.
  const apart = generator(seed ^ 0xa11);
  /** A publisher of several partitions that is away, and writes to all of them again when it is back. */
  const away = apart() < 0.4
    ? { from: RUN_MS * apart() / 2, to: 0, topics: new Set<string>() }
    : null;
  if (away !== null) {
    away.to = away.from + 1000 + 5000 * apart();
    for (const { topic } of partitions) {
      if (apart() < 0.8) away.topics.add(topic);
    }
    troubles.push(
      `publisher of ${[...away.topics]} away ${Math.round(away.from)}…${
        Math.round(away.to)
      }`,
    );
  }
  for (const partition of partitions) {
    publish(partition);
  }

  /** Fills a partition's log. */
  function publish(
    { strideMs, maxLatencyMs, log, topic, broker }: Partition,
  ): void {
    const returnMs = between(0, 1200);
    /** A broker that is away takes nothing; its publisher writes what waited a little after it is back. */
    const writtenMs = (broker: number, ms: number): number => {
      const outage = outages.find((o) =>
        ms >= o.from && ms < o.to + returnMs &&
        (o.broker < 0 || o.broker === broker)
      );
      return outage ? outage.to + returnMs : ms;
    };
    const silences = chance(0.4)
      ? [[between(0, RUN_MS), between(100, 6000)] as const]
      : [];
    for (const [at, ms] of silences) {
      troubles.push(
        `${topic} silent at ${Math.round(at)} for ${Math.round(ms)}`,
      );
    }
    const wrongFrom = chance(0.15) ? between(2000, RUN_MS) : Infinity;
    const resetFrom = chance(0.1) ? between(4000, RUN_MS) : Infinity;
    const backMs = Math.ceil(between(maxLatencyMs + 500, 8000) / strideMs) *
      strideMs;
    if (resetFrom < Infinity) {
      troubles.push(`${topic} back by ${backMs} at ${Math.round(resetFrom)}`);
    }
    for (let ms = 0; ms + strideMs <= RUN_MS - REST_MS; ms += strideMs) {
      const endMs = ms + strideMs;
      if (silences.some(([at, span]) => endMs >= at && endMs < at + span)) {
        continue;
      }
      const isAway = away !== null && away.topics.has(topic) &&
        endMs >= away.from && endMs < away.to;
      if (chance(losses) || isAway) continue;
      const delayMs = chance(lateness)
        ? between(0, 2.5 * maxLatencyMs)
        : between(0, 40);
      const isWrong = endMs >= wrongFrom && endMs < wrongFrom + 1000;
      const shiftMs = isWrong
        ? Math.ceil(between(8000, 60_000) / strideMs) * strideMs
        : endMs >= resetFrom
        ? -backMs
        : 0;
      const index = (T0_MS + ms + shiftMs) / strideMs;
      const arriveMs = T0_MS + writtenMs(broker, endMs + delayMs);
      for (let k = chance(doubles) ? 2 : 1; k > 0; k--) {
        log.push({ index, arriveMs, readMs: Infinity, order: Infinity });
      }
    }
    log.sort((a, b) => a.arriveMs - b.arriveMs);
  }

  const frozenFrom = chance(0.2) ? between(1000, RUN_MS - 4000) : Infinity;
  const frozenTo = frozenFrom + between(500, 3500);
  if (frozenFrom < Infinity) {
    troubles.push(`frozen ${Math.round(frozenFrom)}…${Math.round(frozenTo)}`);
  }
  const isBehind = chance(0.3);

  // Drawn apart, so that the worlds are what they were before there were two clocks.
  const more = generator(seed ^ 0x5eed);
  // A machine that sleeps: its monotonic clock stops, and its wall clock is right afterwards.
  const sleepMs = more() < 0.5 ? frozenTo - frozenFrom : 0;
  if (frozenFrom < Infinity && sleepMs > 0) troubles.push("asleep, not frozen");
  // Not while it is still being decided whether the sleep was one.
  const stepFrom = more() < 0.3
    ? (sleepMs > 0 && frozenFrom < Infinity ? frozenTo + 2500 : 3000) +
      more() * RUN_MS
    : Infinity;
  const stepTo = stepFrom + more() * 8000;
  const aheadMs = [-3_600_000, -86_400_000, -60_000][Math.floor(more() * 3)]!;
  if (stepFrom < Infinity) {
    troubles.push(
      `wall clock ${aheadMs} ms ${Math.round(stepFrom)}…${Math.round(stepTo)}`,
    );
  }
  const wallAheadMs = (ms: number) =>
    ms >= T0_MS + stepFrom && ms < T0_MS + stepTo ? aheadMs : 0;
  const clockMsOf = (ms: number) =>
    ms - T0_MS + 9000 - (ms >= T0_MS + frozenTo ? sleepMs : 0);

  let gpsMs = T0_MS;
  let order = 0;
  const store = new BlockStore({
    ring: new PageRing(new Uint8Array(1 << 20)),
    source: fakeSource(),
    log: silent,
    clock: new GpsClock({
      nowMs: () => unixMsOfGpsMs(gpsMs) + wallAheadMs(gpsMs),
      clockMs: () => clockMsOf(gpsMs),
      log: silent,
    }),
    lingerMs: 0,
    resumeWindowMs: 60_000,
    futureToleranceMs: 0,
    outageWaitMs: OUTAGE_WAIT_MS,
    outageGraceMs: OUTAGE_GRACE_MS,
    historyBytes: 1 << 16,
  });
  const strideNs = rowStrideOf(partitions.map((p) => nsOf(p.strideMs)));
  const told: Told[] = [];
  const leaseMs = between(0, 2000);
  let timeline: Timeline | null = null;
  const events: { ms: number; broker: number }[] = [];
  for (let ms = leaseMs; ms < RUN_MS + REST_MS; ms += TICK_MS) {
    events.push({ ms, broker: -1 });
  }
  for (let broker = 0; broker < brokers; broker++) {
    for (
      let ms = leaseMs + 5;
      ms < RUN_MS + REST_MS;
      ms += between(10, 60)
    ) {
      const isAway = outages.some((o) =>
        ms >= o.from && ms < o.to && (o.broker < 0 || o.broker === broker)
      );
      if (!isAway) events.push({ ms, broker });
    }
  }
  events.sort((a, b) => a.ms - b.ms);
  for (const { ms, broker } of events) {
    if (ms >= frozenFrom && ms < frozenTo) continue;
    gpsMs = Math.max(gpsMs, T0_MS + ms);
    if (timeline === null) timeline = lease();
    if (broker < 0) store.tick();
    else fetch(broker, T0_MS + ms);
  }
  store.release(timeline!);
  store.tick();
  store.close();
  const rowStrideMs = Number(strideNs) / 1e6;
  return { seed, partitions, rowStrideMs, told, troubles };

  function lease(): Timeline {
    const shapes: TopicShape[] = partitions.map((p) => ({
      topic: p.topic,
      strideNs: nsOf(p.strideMs),
      maxLatencyNs: nsOf(p.maxLatencyMs),
      replayId: null,
    }));
    const leased = store.lease(shapes, strideNs);
    leased.listeners.add({
      onRow: (row) =>
        told.push({
          kind: "row",
          row,
          atMs: gpsMs,
          order,
          held: leased.partitions.map((p, i) =>
            heldOf(p, row, leased.ratios[i]!)
          ),
        }),
      onGap: (gap) => told.push({ kind: "gap", gap, atMs: gpsMs, order }),
      onReset: () => told.push({ kind: "reset", atMs: gpsMs }),
      onReady: () => {},
    });
    return leased;
  }

  function fetch(broker: number, atMs: number): void {
    gpsMs = Math.max(gpsMs, atMs + random() * 5);
    for (const partition of partitions) {
      if (partition.broker !== broker) continue;
      const { topic, log } = partition;
      let room = isBehind ? 4 : Infinity;
      while (room > 0 && partition.read < log.length) {
        const message = log[partition.read]!;
        if (message.arriveMs > atMs) break;
        partition.read++;
        room--;
        message.readMs = gpsMs;
        message.order = ++order;
        const timeNs = BigInt(message.index) * nsOf(partition.strideMs);
        store.onMessage(topic, valueOf(timeNs), partition.read);
      }
      const next = log[partition.read];
      if (next !== undefined && next.arriveMs <= atMs) continue;
      partition.caughtUp.push({ atMs, toldMs: gpsMs });
      store.onCaughtUp(topic, clockMsOf(atMs));
    }
  }
}

function heldOf(
  partition: PartitionBlocks,
  row: number,
  ratio: number,
): boolean[] {
  return Array.from(
    { length: ratio },
    (_, k) => partition.locate(row * ratio + k) >= 0,
  );
}

function nsOf(ms: number): bigint {
  return BigInt(ms * 1000) * 1000n;
}

function fakeSource(): Source {
  return {
    subscribe: (_topic: string, { ms }: ReadFrom) => ms,
    unsubscribe: () => {},
  } as unknown as Source;
}
