// Where a client begins: live, at a time, or behind the id that it had last.
// Invariant: a client is placed once, as soon as its timeline has found its place or has nothing to find it by.
import type { Broadcast } from "./broadcast.ts";
import type { Client } from "./client.ts";
import type { SelectionGroup } from "./selection_group.ts";

/** Places the clients of a broadcast. */
export class Placement {
  readonly #broadcast: Broadcast;
  /** How far back a resume reaches. */
  readonly #resumeWindowMs: number;

  constructor(broadcast: Broadcast, resumeWindowMs: number) {
    this.#broadcast = broadcast;
    this.#resumeWindowMs = resumeWindowMs;
  }

  /** Gives a client its first row once its timeline has found its place, or has nothing to find it by. */
  place(client: Client): void {
    const { timeline } = client.group;
    if (client.cursor >= 0) return this.#broadcast.catchUp.add(client);
    const { afterNs, startNs, endNs, durationNs } = client.options;
    const isBack = typeof afterNs === "bigint" || startNs !== undefined;
    if (timeline.released < 0) {
      const isBounded = durationNs !== undefined || endNs !== undefined;
      if (!isBack && !(isBounded && timeline.seenRow >= 0)) return;
      if (!timeline.isIdle(this.#broadcast.store.gpsMs())) return;
    }
    if (typeof afterNs === "bigint") this.#placeAfter(client, afterNs);
    else if (startNs !== undefined) {
      client.cursor = timeline.rowOf(startNs);
      client.resuming = true;
    } else client.cursor = Math.max(timeline.frontier, timeline.quietRow);
    if (afterNs === null) this.#tellOddId(client, null, "unknown-id");
    if (endNs !== undefined) client.endRow = timeline.rowAt(endNs);
    else if (durationNs !== undefined) {
      const fromNs = startNs ?? timeline.startNs(client.cursor);
      client.endRow = timeline.rowAt(fromNs + durationNs);
    }
    if (client.cursor >= client.endRow) {
      return this.#broadcast.end(client, "complete");
    }
    const isHeld = timeline.released >= 0 && timeline.isWhole(client.cursor);
    if (isHeld) this.#broadcast.past.dropPermit(client);
    if (timeline.released < 0 && isBack) {
      if (client.group.trend === null) this.#broadcast.past.begin(client);
    } else this.#broadcast.catchUp.add(client);
  }

  #placeAfter(client: Client, afterNs: bigint): void {
    const { timeline } = client.group;
    const resumeWindowMs = this.#resumeWindowMs;
    const { released } = timeline;
    const ahead = timeline.rowAt(afterNs);
    // Another instance may have been a little ahead; an id behind the clock's future was never given out.
    const isAhead = released >= 0 && ahead > released + 1;
    if (isAhead && this.#isFuture(client.group, afterNs)) {
      client.cursor = released;
      return this.#tellOddId(client, afterNs, "unknown-id");
    }
    const row = timeline.rowOf(afterNs);
    client.cursor = row;
    client.resuming = true;
    if (row < ahead) this.#tellOddId(client, afterNs, "stride-changed");
    if (client.group.trend !== null) return;
    if (released < 0 || row >= released || timeline.isWhole(row)) return;
    const windowRows = Math.ceil(resumeWindowMs / timeline.strideMs);
    const held = Math.max(timeline.coveredRow, timeline.nextRow(row));
    const from = Math.min(released - windowRows, held, released);
    if (from > row) this.#broadcast.tellGap(client, from, "retention");
  }

  /** Whether no instance can have given out a time as an id yet. A replay has no clock to tell by. */
  #isFuture({ shapes }: SelectionGroup, timeNs: bigint): boolean {
    if (shapes[0]!.replayId !== null) return true;
    const tolerancesMs = shapes.map((s) =>
      this.#broadcast.store.toleranceMs(s)
    );
    const aheadMs = Math.max(...tolerancesMs) +
      Math.max(...shapes.map((s) => Number(s.strideNs) / 1e6));
    const nowMs = this.#broadcast.store.gpsMs();
    return timeNs > BigInt(Math.ceil(nowMs + aheadMs)) * 1_000_000n;
  }

  /** Tells, first of all, an id that rows cannot simply go on from. */
  #tellOddId(
    client: Client,
    afterNs: bigint | null,
    reason: "unknown-id" | "stride-changed",
  ): void {
    const { group } = client;
    const from = group.timeline.endNsText(client.cursor - 1);
    const bytes = group.gapBytes(
      reason === "unknown-id"
        ? { from: afterNs === null ? null : String(afterNs), to: from, reason }
        : { from, to: String(afterNs), reason },
      reason === "stride-changed",
    );
    const { gapsTold } = this.#broadcast;
    gapsTold[reason] = (gapsTold[reason] ?? 0) + 1;
    if (!bytes) return;
    client.gaps++;
    client.sendBytes(bytes, this.#broadcast.clockMs());
  }
}
