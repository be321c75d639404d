// Finds the first row of a client: the next live one, the newest one, the one at a time, or the one after its last id.
// Invariant: a client is placed once: as soon as its timeline has a first row, or will not have one (no block comes).
import type { BlockStore } from "../blocks/block_store.ts";
import { newestRowOf } from "../blocks/newest_row.ts";
import { STREAM_FORMATS } from "../frames/stream_format.ts";
import type { CatchUp } from "./catch_up.ts";
import { placed, withoutPermit } from "./client_phase.ts";
import type { HistoryFeeds } from "./history_feeds.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { GroupClient } from "./selection_group.ts";

export interface StartPositionParts {
  readonly lifecycle: ClientLifecycle;
  readonly history: HistoryFeeds;
  readonly catchUp: CatchUp;
  readonly store: BlockStore;
  /** How far back a live resume reaches, ms. */
  readonly resumeWindowMs: number;
}

/** Gives clients their first row. */
export class StartPosition {
  readonly #parts: StartPositionParts;

  constructor(parts: StartPositionParts) {
    this.#parts = parts;
  }

  /** Gives a client that is starting its first row, if that is known by now; finds out which part feeds it. */
  place(client: GroupClient): void {
    const { lifecycle, catchUp, history, store } = this.#parts;
    const { phase } = client;
    if (phase.kind !== "starting") return catchUp.assign(client);
    const { timeline } = client.group;
    const { afterNs, startNs } = client.options;
    const isFuture = this.#isFuture(client);
    const isResume = typeof afterNs === "bigint" && !isFuture;
    const isBack = isResume || startNs !== undefined && !isFuture;
    if (timeline.released < 0) {
      const isBounded = client.options.endNs !== undefined ||
        client.options.durationNs !== undefined;
      if (!isBack && !(isBounded && timeline.seenRow >= 0)) return;
      if (!timeline.isIdle(store.gpsMs())) return;
    }
    client.cursor = isBack
      ? timeline.rowOf(isResume ? resumedNs(afterNs, client) : startNs!)
      : this.#liveRow(client);
    client.firstRow = client.cursor;
    client.become(placed(phase, isBack));
    setEnd(client, isResume ? client.options.untilNs : undefined);
    if (isResume) this.#reportResume(client, afterNs);
    else if (afterNs !== undefined) {
      // The rows between an unknown id and the present time are not known.
      this.#reportOddId(client, null, "unknown-id");
    }
    // A report can end it: its outlet may find the connection closed.
    if (client.ended !== null) return;
    if (client.cursor >= client.endRow) {
      return lifecycle.end(client, "complete");
    }
    const isInRing = timeline.released >= 0 && timeline.isWhole(client.cursor);
    if (isInRing && client.phase.kind === "behind") {
      client.become(withoutPermit(client.phase));
    }
    // Its age decides which permit a resume needs: it is measured before newer rows come.
    const isGone = isResume && !isInRing && client.cursor < client.group.served;
    const isUnread = isBack && timeline.released < 0;
    if (client.group.trend === null && (isGone || isUnread)) {
      history.begin(client);
    } else if (!isUnread) catchUp.assign(client);
  }

  /** The first row of a client that begins live: the next one, or the newest one of the page ring if it asked for that. */
  #liveRow({ group: { timeline }, options }: GroupClient): number {
    const next = Math.max(timeline.frontier, timeline.quietRow);
    const { latest, startNs, afterNs } = options;
    if (!latest || startNs !== undefined || afterNs !== undefined) return next;
    const newest = newestRowOf(timeline);
    return newest < 0 ? next : newest;
  }

  /** Reports what a client that resumes gets twice, or cannot get any more. */
  #reportResume(client: GroupClient, afterNs: bigint): void {
    const { timeline, trend } = client.group;
    const { lifecycle, history, resumeWindowMs } = this.#parts;
    const { released } = timeline;
    const row = client.cursor;
    if (row < timeline.rowAt(afterNs)) {
      this.#reportOddId(client, afterNs, "stride-changed");
    }
    if (trend !== null) return;
    // History has what its first request asked for, whatever the age.
    if (client.options.startNs !== undefined && history.hasHistories) return;
    if (released < 0 || row >= released || timeline.isWhole(row)) return;
    const windowRows = Math.ceil(resumeWindowMs / timeline.strideMs);
    const held = Math.max(timeline.coveredRow, timeline.nextRow(row));
    const from = Math.min(released - windowRows, held, released);
    if (from > row) lifecycle.reportGap(client, from, "retention");
  }

  /** Whether the client's id is so far ahead that no instance can have sent it yet. Another one may be a little ahead. */
  #isFuture({ group, options }: GroupClient): boolean {
    const { afterNs: timeNs } = options;
    const { store } = this.#parts;
    if (typeof timeNs !== "bigint") return false;
    const { timeline, shapes } = group;
    const { released } = timeline;
    if (released >= 0 && timeline.rowAt(timeNs) <= released + 1) return false;
    // A replay has no clock to compare with.
    if (shapes[0]!.replayId !== null) return released >= 0;
    const tolerancesMs = shapes.map((s) => store.toleranceMs(s));
    const aheadMs = Math.max(...tolerancesMs) +
      Math.max(...shapes.map((s) => Number(s.strideNs) / 1e6));
    return timeNs > BigInt(Math.ceil(store.gpsMs() + aheadMs)) * 1_000_000n;
  }

  /** Reports, before anything else, an id that is unknown, or lies within a row since the stride has changed. */
  #reportOddId(
    client: GroupClient,
    afterNs: bigint | null,
    reason: "unknown-id" | "stride-changed",
  ): void {
    const { lifecycle } = this.#parts;
    const { timeline, text } = client.group;
    const row = client.cursor - 1;
    const at = timeline.endNsText(row);
    const bytes = reason === "unknown-id"
      ? text.gap({ from: null, to: at, reason }, client.idOf(row))
      : text.gap({ from: at, to: String(afterNs), reason }, null);
    lifecycle.books.gapsReported[reason]++;
    if (!bytes) return;
    client.gaps++;
    client.sendBytes(bytes, lifecycle.clockMs());
  }
}

/** Where a client that resumes begins: not before the start that it asks for. */
function resumedNs(afterNs: bigint, { options }: GroupClient): bigint {
  const { startNs, hasMovingStart } = options;
  const isBefore = startNs !== undefined && !hasMovingStart &&
    afterNs < startNs;
  return isBefore ? startNs : afterNs;
}

/** Sets where the client's rows end, if they do. `untilNs`: the end that the id of a client that resumes contains. */
function setEnd(client: GroupClient, untilNs: bigint | undefined): void {
  const { timeline, format } = client.group;
  const { startNs, endNs, durationNs } = client.options;
  let toNs = endNs;
  if (durationNs !== undefined) {
    toNs = (startNs ?? timeline.startNs(client.cursor)) + durationNs;
  }
  if (toNs === undefined) return;
  if (client.options.hasMovingEnd ?? (startNs ?? endNs) === undefined) {
    toNs = untilNs ?? toNs;
    if (STREAM_FORMATS[format].isEvents) client.idMark = `~${toNs}`;
  }
  client.endRow = timeline.rowAt(toNs);
}
