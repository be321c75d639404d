// Finds out, before the first byte of an answer, whether all of a range is there and can no longer change: headers leave
// before rows, and a cache stores by headers. Invariant: each row of a settled range has all of its blocks. What was read
// to find out belongs to the client's permit. Why: docs/decisions/0053.
import type { BlockStore } from "../blocks/block_store.ts";
import { type HeldRows, heldRows } from "../blocks/held_rows.ts";
import type { HistoryRows } from "../blocks/history_rows.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Catalog } from "../channels/catalog.ts";
import { SAMPLE_BYTES, samplesIn } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { AdmittedClient } from "./admission.ts";
import type { SelectionGroup } from "./selection_group.ts";

export interface SettledRangesOptions {
  readonly store: Pick<BlockStore, "gpsMs" | "openHistory">;
  readonly catalog: Catalog;
  /** Memory of one history: a range that must be read from the source is settled only if it fits. */
  readonly historyMb: number;
}

export interface SettledRangesParts extends SettledRangesOptions {
  readonly history: { readonly counters: { reads: number } };
}

/** A range, GPS ns. */
export interface FixedRange {
  readonly startNs: bigint;
  /** Exclusive. */
  readonly endNs: bigint;
}

export interface SettledCheck {
  /** Does work in slices. What it throws is passed on. */
  readonly run: (work: SlicedWork<HeldRows>) => HeldRows | Promise<HeldRows>;
  /** Whether the client has disconnected: then the answer does not matter. */
  readonly isGone: () => boolean;
}

/** `changed`: a channel, or what the client may read, is not what it was at the admission. */
export type Settlement = "settled" | "unsettled" | "changed";

const MIB = 1024 * 1024;
/** How long a topic that nothing has read yet may take to begin, and how long rows may be read, ms. */
const BEGIN_MS = 2000;
const READ_MS = 3000;
const LOOK_MS = 20;

/** Checks the ranges of one instance. */
export class SettledRanges {
  readonly #parts: SettledRangesParts;

  constructor(parts: SettledRangesParts) {
    this.#parts = parts;
  }

  /** Whether an admitted client's range is settled. It takes a few seconds at most; rows that were read wait in memory. */
  async check(
    admitted: AdmittedClient,
    range: FixedRange,
    check: SettledCheck,
  ): Promise<Settlement> {
    const { group: { channels }, options: { rights } } = admitted;
    const isSettled = await this.#isSettled(admitted, range, check);
    const { catalog } = this.#parts;
    const isStale = channels.some((c) => catalog.get(c.name, c.replayId) !== c);
    if (isStale || rights?.lost(channels)) return "changed";
    return isSettled ? "settled" : "unsettled";
  }

  async #isSettled(
    { group, permit }: AdmittedClient,
    { startNs, endNs }: FixedRange,
    { run, isGone }: SettledCheck,
  ): Promise<boolean> {
    const { timeline } = group;
    const from = timeline.rowOf(startNs);
    const to = timeline.rowAt(endNs);
    if (!await this.#hasBegun(timeline, isGone)) return false;
    if (timeline.released >= 0) {
      const held = await run(heldRows(timeline, from, to));
      if (held !== "gone") return held === "full";
    }
    if (group.trend !== null || permit === null) return false;
    if (!this.#mayFit(group, to - from)) return false;
    const history = this.#parts.store.openHistory(
      group.shapes,
      timeline.strideNs,
      timeline.startNs(from),
      // What Kafka has deleted is not settled, though a relay may still keep it for others.
      { isNew: true },
    );
    // From now on the permit closes it, and the client's history continues with what was read.
    permit.prepare(history);
    try {
      const { counters } = this.#parts.history;
      return await hasReadAll(history, { from, to, isGone, counters });
    } catch {
      // The client's own history reads again, and reports why it cannot.
      permit.takePrepared()?.close();
      return false;
    }
  }

  /** Waits for the first row; false if it does not come, though more may. */
  async #hasBegun(timeline: Timeline, isGone: () => boolean): Promise<boolean> {
    for (let waitedMs = 0; timeline.released < 0; waitedMs += LOOK_MS) {
      // No block comes: history alone may have the range.
      if (timeline.isIdle(this.#parts.store.gpsMs())) return true;
      if (waitedMs >= BEGIN_MS || isGone()) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }

  /** Whether the samples of so many rows fit into a history's memory. Their blocks, which may have more, are measured. */
  #mayFit({ channels, timeline }: SelectionGroup, rows: number): boolean {
    let rowBytes = 0;
    for (const channel of channels) {
      rowBytes += samplesIn(channel, timeline.strideNs) *
        SAMPLE_BYTES[channel.dataType];
    }
    return rows * rowBytes <= this.#parts.historyMb * MIB;
  }
}

/** Reads a range until all of it is in memory. False where it cannot be. Rejects when it cannot be read in time. */
async function hasReadAll(
  history: HistoryRows,
  { from, to, isGone, counters }: {
    readonly from: number;
    readonly to: number;
    readonly isGone: () => boolean;
    readonly counters: { reads: number };
  },
): Promise<boolean> {
  const { promise: isLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("timeout")), READ_MS);
  isLate.catch(() => {});
  try {
    while (!isGone()) {
      const topics = history.unread(from, to);
      if (topics === null) return false;
      if (topics.length === 0) return true;
      counters.reads++;
      const read = history.read(topics);
      // After a timeout nothing waits for it.
      read.catch(() => {});
      await Promise.race([read, isLate]);
    }
    return false;
  } finally {
    clearTimeout(timer);
  }
}
