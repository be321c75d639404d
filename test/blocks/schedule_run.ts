// Plays a schedule to a real BlockStore and to the reference, and compares their reports after each event. Invariant: it throws at the first difference, with the time and what happened.
import assert from "node:assert/strict";
import { encodeBlock } from "../../src/arrow/block_encoder.ts";
import { BlockStore } from "../../src/blocks/block_store.ts";
import { type Clocks, GpsClock } from "../../src/blocks/gps_clock.ts";
import { gpsMsOfUnixMs, unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type { ChannelEntry } from "../../src/blocks/block_record.ts";
import type { Timeline } from "../../src/blocks/timeline.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import { PageRing } from "../../src/memory/page_ring.ts";
import type { Source } from "../../src/source/source.ts";
import { silent } from "../driven_source.ts";
import type { Append, PlannedPartition, Schedule } from "./random_schedule.ts";
import { RefStore, type RefTimeline, type Told } from "./reference_join.ts";
import { type Process, SimulatedSource } from "./simulated_source.ts";

/** GPS ms at which a run begins: a whole minute, so that every stride has a block there. */
export const ORIGIN_MS = 1_480_000_020_000;
const ORIGIN_UNIX_MS = unixMsOfGpsMs(ORIGIN_MS);
/** The monotonic clock then. */
const CLOCK_MS = 7000;
const ring = new Uint8Array(4 * 1024 * 1024);
const templates = [1, 2].map((samples) => {
  const time = 0x1122334455667788n;
  const value = encodeBlock(time, "int32", [0], [
    new Int32Array(samples).fill(0x51525354),
  ]);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  let timeAt = 0;
  while (view.getBigInt64(timeAt, true) !== time) timeAt += 4;
  let dataAt = 0;
  while (view.getInt32(dataAt, true) !== 0x51525354) dataAt += 4;
  return { value, view, timeAt, dataAt };
});

/** The value of a message: its number is in every sample. Valid until the next call. */
export function valueOf(
  { block, message }: Append,
  { strideMs, samples }: PlannedPartition,
): Uint8Array {
  const { value, view, timeAt, dataAt } = templates[samples - 1]!;
  const timeMs = ORIGIN_MS + block * strideMs;
  view.setBigInt64(timeAt, BigInt(timeMs * 1000) * 1000n, true);
  for (let i = 0; i < samples; i++) {
    view.setInt32(dataAt + 4 * i, message, true);
  }
  return value;
}

export function topicOfPartition(p: number): string {
  return `arrakis-p${p}`;
}

/** A listener and what it should hear. */
interface Heard {
  readonly ps: readonly number[];
  readonly timeline: Timeline;
  readonly reference: RefTimeline;
  readonly told: Told[];
  resets: number;
  seenResets: number;
  firstRow: number;
  /** The row that must be reported next; null before the first, and after a reset. */
  nextRow: number | null;
}

/** An additional listener of the first timeline of a run. */
export interface Companion {
  /** The first timeline is there. `ps`: its partitions. */
  begin(store: BlockStore, ps: readonly number[], clockMs: () => number): void;
  /** The reports of the timeline in this step, in order, and whether it was reset in it. */
  told(told: readonly Told[], isReset: boolean): void;
  /** The store has released rows. */
  rowsReleased(): void;
  tick(nowMs: number): void;
  close(): void;
  /** It promises that quiet rows stay away, of which the reference knows nothing. */
  readonly isQuiet: boolean;
}

/** Counts of a run. */
export interface RunSummary {
  readonly rows: number;
  readonly shortRows: number;
  /** How many messages were taken how. */
  readonly set: Record<string, number>;
}

class Run implements Process {
  readonly schedule: Schedule;
  readonly companion: Companion | null;
  readonly simulated: SimulatedSource;
  readonly store: BlockStore;
  readonly clocks: Clocks;
  readonly reference = new RefStore();
  readonly heard = new Map<number, Heard>();
  readonly outcomes: Record<string, number> = {};
  rows = 0;
  shortRows = 0;
  /** Messages in rows of the first timeline, for honest runs. */
  readonly delivered = new Map<number, number>();
  readonly #outcomeOf = new Map<number, string>();
  readonly #readFromMs = new Map<number, number>();
  readonly #appends: ReadonlyMap<number, Append>;

  constructor(schedule: Schedule, companion: Companion | null) {
    this.companion = companion;
    this.schedule = schedule;
    this.#appends = new Map(schedule.appends.map((a) => [a.message, a]));
    this.simulated = new SimulatedSource(schedule);
    const numberOf = (topic: string) => Number(topic.slice("arrakis-p".length));
    this.clocks = {
      nowMs: () => ORIGIN_UNIX_MS + this.simulated.nowMs + this.#wallAheadMs(),
      clockMs: () => CLOCK_MS + this.simulated.nowMs,
    };
    const source: Source = {
      catalog: new Catalog(),
      subscribe: (topic, { ms }) => {
        const p = numberOf(topic);
        this.simulated.subscribe(p, ms - ORIGIN_MS);
        this.#readFromMs.set(p, ms - ORIGIN_MS);
        this.reference.subscribe(p, this.#rulesOf(p), this.simulated.nowMs);
        return ms;
      },
      unsubscribe: (topic) => {
        this.simulated.unsubscribe(numberOf(topic));
        this.reference.unsubscribe(numberOf(topic));
      },
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      openHistory: () => {
        throw new Error("This source has no past");
      },
      status: () => {
        throw new Error("This source has no status");
      },
    };
    this.store = new BlockStore({
      ring: new PageRing(ring),
      source,
      log: silent,
      clock: new GpsClock({ ...this.clocks, log: silent }),
      lingerMs: schedule.lingerMs,
      resumeWindowMs: schedule.resumeWindowMs,
      futureToleranceMs: schedule.futureToleranceMs,
      outageWaitMs: schedule.outageWaitMs,
      outageGraceMs: schedule.outageGraceMs,
      historyBytes: 0,
      ...(companion ? { rowListener: companion } : {}),
    });
    assert.equal(gpsMsOfUnixMs(ORIGIN_UNIX_MS), ORIGIN_MS);
  }

  #wallAheadMs(): number {
    const { nowMs } = this.simulated;
    return this.schedule.steps.findLast((s) => s.atMs <= nowMs)?.aheadMs ?? 0;
  }

  #rulesOf(p: number) {
    const { strideMs, maxLatencyMs } = this.schedule.partitions[p]!;
    const { futureToleranceMs, outageWaitMs, outageGraceMs } = this.schedule;
    return {
      strideMs,
      maxLatencyMs,
      futureToleranceMs: futureToleranceMs || 2 * strideMs,
      outageWaitMs,
      outageGraceMs,
    };
  }

  lease(index: number, nowMs: number): void {
    const { ps } = this.schedule.leases[index]!;
    for (const other of this.heard.values()) {
      // The same selection is the same timeline.
      if (String(other.ps) === String(ps)) return;
    }
    const planned = ps.map((p) => this.schedule.partitions[p]!);
    // All strides here are multiples of each other.
    const strideMs = Math.max(...planned.map((p) => p.strideMs));
    const timeline = this.store.lease(
      ps.map((p) => ({
        topic: topicOfPartition(p),
        strideNs: BigInt(this.schedule.partitions[p]!.strideMs * 1e6),
        maxLatencyNs: BigInt(this.schedule.partitions[p]!.maxLatencyMs * 1e6),
        replayId: null,
      })),
      BigInt(strideMs * 1e6),
    );
    const reference = this.reference.lease(ps, strideMs, nowMs);
    // Reports during its creation have no listener yet.
    reference.told = [];
    const heard: Heard = {
      ps,
      timeline,
      reference,
      told: [],
      resets: 0,
      seenResets: 0,
      firstRow: Infinity,
      nextRow: null,
    };
    const origin = ORIGIN_MS / strideMs;
    timeline.listeners.add({
      onRow: (row) => {
        heard.told.push({
          row: row - origin,
          messages: this.#messagesIn(heard, row),
        });
      },
      onGap: ({ from, to }) =>
        heard.told.push({ from: from - origin, to: to - origin }),
      onReset: () => heard.resets++,
      onReady: () => {},
    });
    this.heard.set(index, heard);
    if (index === 0) {
      this.companion?.begin(this.store, ps, this.clocks.clockMs);
    }
    this.#compare(`lease ${ps}`, nowMs);
  }

  release(index: number, _nowMs: number): void {
    const heard = this.heard.get(index);
    if (!heard) return;
    this.heard.delete(index);
    this.reference.timelines.delete(heard.reference);
    this.store.release(heard.timeline);
  }

  message(append: Append, nowMs: number): void {
    const { p, block, message, atMs } = append;
    const topic = topicOfPartition(p);
    const value = valueOf(append, this.schedule.partitions[p]!);
    this.store.onMessage(topic, value, message);
    const taken = this.reference.message(p, block, message, nowMs);
    this.outcomes[taken] = (this.outcomes[taken] ?? 0) + 1;
    if (taken === "reset") this.#forget(p);
    this.#outcomeOf.set(message, taken);
    this.#compare(
      () => `message p${p} block ${block} (#${message}, ${atMs} ms): ${taken}`,
      nowMs,
    );
  }

  caughtUp(p: number, atMs: number, nowMs: number): void {
    this.store.onCaughtUp(topicOfPartition(p), CLOCK_MS + atMs);
    this.reference.caughtUp(p, atMs, nowMs);
    this.#compare(() => `p${p} read to its end as of ${atMs} ms`, nowMs);
  }

  restart(p: number, nowMs: number): void {
    this.store.onRestart(topicOfPartition(p), 0);
    this.reference.restart(p, nowMs);
    this.#forget(p);
    this.#compare(() => `p${p} was made again`, nowMs);
  }

  /** What was handed out before does not count any more. */
  #forget(p: number): void {
    for (const { p: other, message } of this.schedule.appends) {
      if (other !== p || !this.#outcomeOf.has(message)) continue;
      this.#outcomeOf.set(message, "forgotten");
    }
  }

  tick(nowMs: number): void {
    this.store.tick();
    this.reference.tick(nowMs);
    this.#compare("tick", nowMs);
    this.companion?.tick(nowMs);
  }

  /** Message numbers in a row as the ring has it; −1 where there is none. */
  #messagesIn({ timeline, ps }: Heard, row: number): number[] {
    const { ratios, partitions } = timeline;
    return ps.flatMap((p, i) =>
      Array.from({ length: ratios[i]! }, (_, k) => {
        const position = partitions[i]!.locate(row * ratios[i]! + k);
        if (position < 0) return -1;
        const entry: ChannelEntry = {
          partitionIndex: 0,
          typeCode: DATA_TYPES.indexOf("int32"),
          blockSamples: this.schedule.partitions[p]!.samples,
        };
        const at = partitions[i]!.samplesAt(position, entry);
        return new DataView(ring.buffer).getInt32(at, true);
      })
    );
  }

  #compare(what: string | (() => string), nowMs: number): void {
    for (const heard of this.heard.values()) {
      const { told, reference, ps } = heard;
      const isSame = told.length === 0 && reference.told.length === 0 &&
        reference.resets === heard.seenResets &&
        heard.resets === heard.seenResets;
      if (isSame) continue;
      const text = typeof what === "string" ? what : what();
      const at = `at ${nowMs} ms, listener of p${ps}, after ${text}`;
      const isReset = heard.resets > heard.seenResets;
      if (!this.companion?.isQuiet) {
        const is = JSON.stringify(merged(told));
        const wanted = JSON.stringify(merged(reference.told));
        assert.ok(is === wanted, `told ${is}, not ${wanted}, ${at}`);
      }
      assert.equal(heard.resets, reference.resets, `resets ${at}`);
      if (heard === this.heard.get(0)) this.companion?.told(told, isReset);
      if (isReset) {
        heard.nextRow = null;
        // Time went back: earlier reports may be repeated.
        heard.seenResets = heard.resets;
        this.delivered.clear();
      }
      for (const one of told) {
        const from = "row" in one ? one.row : one.from;
        assert.equal(from, heard.nextRow ?? from, `rows or gaps ${at}`);
        heard.nextRow = "row" in one ? one.row + 1 : one.to;
        assert.ok(heard.nextRow > from, `an empty gap ${at}`);
        heard.firstRow = Math.min(heard.firstRow, from);
        if ("row" in one) this.#look(heard, one.row, one.messages, at);
      }
      told.length = 0;
      reference.told.length = 0;
    }
  }

  /** What holds of every row whatever the reference thinks. */
  #look(
    heard: Heard,
    row: number,
    messages: readonly number[],
    at: string,
  ): void {
    const { reference, timeline, ps } = heard;
    this.rows++;
    if (messages.includes(-1)) this.shortRows++;
    const isFirst = heard === this.heard.get(0);
    let next = 0;
    ps.forEach((p, i) => {
      const ratio = timeline.ratios[i]!;
      const partition = reference.partitions[i]!;
      const origin = ORIGIN_MS / partition.rules.strideMs;
      for (let k = 0; k < ratio; k++) {
        const message = messages[next++]!;
        const block = row * ratio + k;
        if (message >= 0) {
          assert.equal(this.#appends.get(message)?.p, p, at);
          assert.equal(this.#appends.get(message)?.block, block, at);
          if (!isFirst) continue;
          const times = this.delivered.get(message) ?? 0;
          this.delivered.set(message, times + 1);
          continue;
        }
        const reason = timeline.partitions[i]!.missReasonOf(block + origin);
        const wanted = partition.reasonOf(block);
        // Reasons are kept for one outage, and not from before a reset.
        const isKept = partition.outages.size < 2 && heard.resets === 0;
        assert.ok(
          reason === wanted || !isKept,
          `p${p} block ${block} in row ${row} is ${reason}, not ${wanted} ${at}`,
        );
        const isExpected = this.schedule.isHonest && block >= partition.first;
        if (isExpected || partition.late.has(block)) {
          this.#wasLate(p, block, partition.deadlineMs(block), at);
        }
      }
    });
  }

  /** Late is what came into the log after its deadline, or was refused. */
  #wasLate(p: number, block: number, deadlineMs: number, at: string): void {
    const { restarts } = this.schedule;
    const restartMs = restarts.find((r) => r.p === p)?.atMs ?? 0;
    for (const append of this.schedule.appends) {
      if (append.p !== p || append.block !== block) continue;
      if (append.atMs > deadlineMs) continue;
      if (append.atMs < this.#readFromMs.get(p)!) continue;
      const outcome = this.#outcomeOf.get(append.message);
      assert.ok(
        outcome === undefined && append.atMs < restartMs ||
          outcome === "future" || outcome === "suspect" ||
          outcome === "forgotten",
        `p${p} block ${block} was in the log at ${append.atMs} ms, before its ` +
          `deadline at ${deadlineMs} ms, and counts as late ${at}`,
      );
    }
  }

  finish(): RunSummary {
    const { rows, shortRows, outcomes } = this;
    if (this.schedule.isHonest) this.#wasWhole();
    for (const message of this.delivered.values()) assert.equal(message, 1);
    return { rows, shortRows, set: outcomes };
  }

  /** Of an honest run everything that was read from the first row on is delivered, without a gap. */
  #wasWhole(): void {
    const heard = this.heard.get(0)!;
    assert.equal(heard.resets, 0, "resets in an honest run");
    for (const { message, p, block, atMs } of this.schedule.appends) {
      const { ratios } = heard.timeline;
      const row = Math.floor(block / ratios[p]!);
      if (atMs < this.#readFromMs.get(p)! || row < heard.firstRow) continue;
      assert.equal(
        this.delivered.get(message),
        1,
        `message #${message}, block ${block} of p${p}, rows from ${heard.firstRow}`,
      );
    }
  }
}

/** Spans that touch as one. */
function merged(told: readonly Told[]): Told[] {
  const result: Told[] = [];
  for (const one of told) {
    const before = result.at(-1);
    if (before && "to" in before && "from" in one && before.to === one.from) {
      result[result.length - 1] = { from: before.from, to: one.to };
    } else result.push(one);
  }
  return result;
}

/** Plays a schedule; throws where a rule is broken. */
export function playSchedule(
  schedule: Schedule,
  companion: Companion | null = null,
): RunSummary {
  const run = new Run(schedule, companion);
  try {
    run.simulated.play(run);
    return run.finish();
  } finally {
    companion?.close();
  }
}
