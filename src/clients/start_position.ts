// Where a client begins: live, at a time, or behind the id that it had last.
// Invariant: a client is placed once, as soon as its timeline has found its place or has nothing to find it by.
import type { ClientHub } from "./client_hub.ts";
import type { Client } from "./client.ts";

/** Places the clients of a hub. */
export class StartPosition {
  readonly #hub: ClientHub;
  /** How far back a resume reaches. */
  readonly #resumeWindowMs: number;

  constructor(hub: ClientHub, resumeWindowMs: number) {
    this.#hub = hub;
    this.#resumeWindowMs = resumeWindowMs;
  }

  /** Gives a client its first row once its timeline has found its place, or has nothing to find it by. */
  place(client: Client): void {
    const { timeline } = client.group;
    if (client.cursor >= 0) return this.#hub.catchUp.add(client);
    const { afterNs, startNs, endNs } = client.options;
    const isFuture = this.#isFuture(client);
    const isResume = typeof afterNs === "bigint" && !isFuture;
    const isBack = isResume || startNs !== undefined && !isFuture;
    if (timeline.released < 0) {
      const isBounded = endNs !== undefined ||
        client.options.durationNs !== undefined;
      if (!isBack && !(isBounded && timeline.seenRow >= 0)) return;
      if (!timeline.isIdle(this.#hub.store.gpsMs())) return;
    }
    if (isBack) {
      client.cursor = timeline.rowOf(isResume ? afterNs : startNs!);
      client.resuming = true;
    } else client.cursor = Math.max(timeline.frontier, timeline.quietRow);
    this.#setEnd(client, isResume ? client.options.untilNs : undefined);
    if (isResume) this.#tellResume(client, afterNs);
    else if (afterNs !== undefined) {
      // What lies between an id that was never given out and here, nobody knows.
      this.#tellOddId(client, null, "unknown-id");
    }
    if (client.cursor >= client.endRow) {
      return this.#hub.end(client, "complete");
    }
    const isHeld = timeline.released >= 0 && timeline.isWhole(client.cursor);
    if (isHeld) this.#hub.history.dropPermit(client);
    if (timeline.released < 0 && isBack) {
      if (client.group.trend === null) this.#hub.history.begin(client);
    } else this.#hub.catchUp.add(client);
  }

  /** Where the client's rows end, if they do. */
  #setEnd(client: Client, untilNs: bigint | undefined): void {
    const { timeline, format } = client.group;
    const { startNs, endNs, durationNs } = client.options;
    if (endNs !== undefined) client.endRow = timeline.rowAt(endNs);
    else if (startNs !== undefined && durationNs !== undefined) {
      client.endRow = timeline.rowAt(startNs + durationNs);
    } else if (durationNs !== undefined) {
      const toNs = untilNs ?? timeline.startNs(client.cursor) + durationNs;
      client.endRow = timeline.rowAt(toNs);
      if (format !== "arrow") client.idMark = `~${toNs}`;
    }
  }

  /** Tells what a client that resumes gets twice, or cannot get any more. */
  #tellResume(client: Client, afterNs: bigint): void {
    const { timeline } = client.group;
    const resumeWindowMs = this.#resumeWindowMs;
    const { released } = timeline;
    const row = client.cursor;
    if (row < timeline.rowAt(afterNs)) {
      this.#tellOddId(client, afterNs, "stride-changed");
    }
    if (client.group.trend !== null) return;
    if (released < 0 || row >= released || timeline.isWhole(row)) return;
    const windowRows = Math.ceil(resumeWindowMs / timeline.strideMs);
    const held = Math.max(timeline.coveredRow, timeline.nextRow(row));
    const from = Math.min(released - windowRows, held, released);
    if (from > row) this.#hub.reportGap(client, from, "retention");
  }

  /** Whether no instance can have given out the client's id yet; a little ahead of this one another may have been. */
  #isFuture({ group, options }: Client): boolean {
    const { afterNs: timeNs } = options;
    if (typeof timeNs !== "bigint") return false;
    const { timeline, shapes } = group;
    const { released } = timeline;
    if (released >= 0 && timeline.rowAt(timeNs) <= released + 1) return false;
    // A replay has no clock to tell by.
    if (shapes[0]!.replayId !== null) return released >= 0;
    const tolerancesMs = shapes.map((s) => this.#hub.store.toleranceMs(s));
    const aheadMs = Math.max(...tolerancesMs) +
      Math.max(...shapes.map((s) => Number(s.strideNs) / 1e6));
    const gpsMs = this.#hub.store.gpsMs();
    return timeNs > BigInt(Math.ceil(gpsMs + aheadMs)) * 1_000_000n;
  }

  /** Tells, first of all, an id that rows cannot simply go on from. */
  #tellOddId(
    client: Client,
    afterNs: bigint | null,
    reason: "unknown-id" | "stride-changed",
  ): void {
    const { group } = client;
    const row = client.cursor - 1;
    const at = group.timeline.endNsText(row);
    const bytes = reason === "unknown-id"
      ? group.text.gap({ from: null, to: at, reason }, client.idOf(row))
      : group.text.gap({ from: at, to: String(afterNs), reason }, null);
    this.#hub.gapsReported[reason]++;
    if (!bytes) return;
    client.gaps++;
    client.sendBytes(bytes, this.#hub.clockMs());
  }
}
