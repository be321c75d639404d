// One client: its cursor, what it is owed, and how it ends.
// Invariant: the cursor only grows; every row below it was sent or told as a gap.
import type { GapReason } from "../blocks/row_gap.ts";
import type { TrendRecord } from "../trends/trend_record.ts";
import type { LostSpan } from "./lost_span.ts";
import type { Outlet, OutletOwner } from "./outlet.ts";
import type { SelectionGroup } from "./selection_group.ts";
import { ENVELOPE_BYTES, ENVELOPE_HEAD_BYTES, Frame } from "../frames/frame.ts";
import { GZIP_HEAD, GzipTally, stored } from "../frames/gzip.ts";
import type { ReportedGap, StreamEnd } from "../frames/stream_text.ts";

/** Why a client ended. */
export type EndReason =
  | "client-left"
  | "complete"
  | "changed"
  | "removed"
  | "time-reset"
  | "drain"
  | "slow"
  | "stalled"
  | "gap"
  | "error";

/** Ends after which an Arrow stream must look incomplete: it has no end-of-stream marker, and its body breaks off. */
export const CUT_SHORT: ReadonlySet<EndReason> = new Set<EndReason>([
  "gap",
  "error",
  "slow",
  "stalled",
]);

/** What a client wants in place of rows that are missing. */
export type GapPolicy = "fill" | "skip" | "fail";

/** What a client wants when it cannot keep up. */
export type SlowPolicy = "gap" | "latest" | "close" | "trend";

export interface ClientOptions {
  /** Where the client resumes, GPS ns; null when what it gave is no time; undefined for live from now. */
  readonly afterNs?: bigint | null | undefined;
  /** Rows that end after this time, GPS ns. */
  readonly startNs?: bigint | undefined;
  /** Rows that begin before this time, GPS ns. */
  readonly endNs?: bigint | undefined;
  /** Ends the stream after so much time, ns. */
  readonly durationNs?: bigint | undefined;
  /** Where that time ends, GPS ns: of a client that resumes what began at the now of its first request. */
  readonly untilNs?: bigint | undefined;
  /** @default "fill" */
  readonly gaps?: GapPolicy | undefined;
  /** @default "gap" */
  readonly slow?: SlowPolicy | undefined;
  readonly address: string;
}

/** Private bytes from here on are charged to the slab; less is what any client may have beside it. */
const CHARGED_BYTES_MIN = 1024;

/** A live stream to one client. */
export class Client implements OutletOwner {
  readonly group: SelectionGroup;
  readonly outlet: Outlet;
  readonly options: ClientOptions;
  /** Next row to send; −1 until the timeline has found its place. */
  cursor = -1;
  /** First row not to send. */
  endRow = Infinity;
  /** Could not take a row since it last had the newest one: only then it is slow. */
  hasStalled = false;
  /**
   * Stands behind the time in each id: where a `duration` that began at now ends. The frames of rows are shared and
   * have plain ids, so that a line with the marked id is written before each. Empty for all others, and in Arrow.
   */
  idMark = "";
  /** Still working off what it asked for from the past: it never loses rows by being slow. */
  resuming = false;
  /** Rows below this are sent, though nothing came for them. */
  fillTo = -1;
  /** A gap that an Arrow client is told with its next batch. */
  gapToReport: ReportedGap | null = null;
  /** Whether rows are read for it from the source. */
  historyState: "none" | "waiting" | "reading" | "suspended" = "none";
  /** Trends of its channels, for spans that it loses; null unless it asked for them. */
  trends: readonly TrendRecord[] | null = null;
  /** A span that it lost, while it is told its trend. */
  lost: LostSpan | null = null;
  /** Holds one of the permits of histories. */
  hasPermit = false;
  /** Lets its feed go on. */
  wakeHistory: (() => void) | null = null;
  /** Where it stands among its group's clients. */
  place = -1;
  /** Waiting in the catch-up queue. */
  queued = false;
  /** Has writes that have not left: then its part of the slab is in use. */
  hasInFlight = false;
  ended: EndReason | null = null;
  /** What a client of a gzip group has been told; null for others. */
  readonly tally: GzipTally | null;
  rows = 0;
  bytes = 0;
  gaps = 0;
  readonly openedMs: number;
  /** Of the last write, and of the last sign that writes leave: by the monotonic clock. */
  lastWriteMs: number;
  lastProgressMs: number;

  constructor(
    group: SelectionGroup,
    outlet: Outlet,
    options: ClientOptions,
    clockMs: number,
  ) {
    this.group = group;
    this.outlet = outlet;
    this.options = options;
    this.tally = group.coding === "gzip" ? new GzipTally() : null;
    this.openedMs = this.lastWriteMs = this.lastProgressMs = clockMs;
  }

  onDrain(): void {
    this.group.hub.drained(this);
  }

  onClose(): void {
    this.group.hub.leave(this);
  }

  get endsAtGaps(): boolean {
    return this.options.gaps === "fail";
  }

  sendRow(frame: Frame, row: number, clockMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    if (this.gapToReport !== null && row >= this.fillTo) {
      const told = this.group.text.rowWithGap(frame.body, this.gapToReport);
      this.sendBytes(told, clockMs);
      this.gapToReport = null;
    } else {
      if (this.idMark !== "") {
        this.sendBytes(this.group.text.rowId(this.idOf(row)), clockMs);
      }
      this.#write(frame);
    }
    this.#noteWrite();
    this.rows++;
    this.lastWriteMs = clockMs;
    this.cursor = row + 1;
  }

  /** Sends a frame that is no row. */
  sendFrame(frame: Frame, clockMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    this.#write(frame);
    this.#noteWrite();
    this.lastWriteMs = clockMs;
  }

  #write(frame: Frame): void {
    this.outlet.write(frame);
    this.bytes += frame.chunk.byteLength;
    const { plain } = frame;
    if (plain === null) return;
    this.tally?.add(plain.crc, plain.shift, plain.bytes);
    const saved = plain.bytes - frame.chunk.byteLength + ENVELOPE_BYTES;
    // Rows that get no shorter cost some bytes; a counter only grows, or /metrics throws.
    if (saved > 0) this.group.hub.counters.bytesSaved += saved;
  }

  /** Says something that is this client's alone. */
  sendBytes(bytes: Uint8Array, clockMs: number): void {
    if (this.tally === null) return this.#sendRaw(bytes, clockMs);
    this.tally.addText(bytes);
    this.#sendRaw(stored(bytes), clockMs);
  }

  /** What stands before everything of the body, if something does. */
  sendHead(clockMs: number): void {
    if (this.tally !== null) this.#sendRaw(GZIP_HEAD, clockMs);
  }

  /** What stands behind everything of a body that ends properly. */
  sendTrailer(clockMs: number): void {
    if (this.tally !== null) this.#sendRaw(this.tally.trailer(), clockMs);
  }

  #sendRaw(bytes: Uint8Array, clockMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    if (!this.#writeCharged(bytes)) this.outlet.writeBytes(bytes);
    this.#noteWrite();
    this.bytes += bytes.byteLength;
    this.lastWriteMs = clockMs;
  }

  /** Says that nothing older than a row will come. */
  sendHeartbeat(settled: number, clockMs: number): void {
    const id = settled < 0 ? null : this.idOf(settled - 1);
    this.sendBytes(this.group.text.heartbeat(id), clockMs);
  }

  /** Sends what comes before the end of the body. A client with all of its range is given the id of the range's end. */
  sendClosing(
    end: Pick<StreamEnd, "reason" | "isCut" | "retryMs">,
    clockMs: number,
  ): void {
    const isWhole = end.reason === "complete" && this.endRow < Infinity;
    const last = Math.max(this.cursor, this.endRow) - 1;
    const bytes = this.group.text.closing({
      ...end,
      gap: this.gapToReport,
      id: isWhole ? this.idOf(last) : null,
    });
    if (bytes.byteLength > 0) this.sendBytes(bytes, clockMs);
  }

  /** The id of a row. */
  idOf(row: number): string {
    return this.group.timeline.endNsText(row) + this.idMark;
  }

  /** Puts what is large (hello with its schema, a row that tells a gap) into the slab; false where it has no room. */
  #writeCharged(bytes: Uint8Array): boolean {
    if (bytes.byteLength < CHARGED_BYTES_MIN) return false;
    const { slab, counters } = this.group.hub;
    const frame = Frame.claim(slab, bytes.byteLength);
    if (frame === null) {
      counters.unchargedBytes += bytes.byteLength;
      return false;
    }
    frame.chunk.set(bytes, ENVELOPE_HEAD_BYTES);
    this.outlet.write(frame);
    frame.release();
    return true;
  }

  #noteWrite(): void {
    if (!this.hasInFlight && this.outlet.inFlight > 0) {
      this.hasInFlight = true;
      this.group.hub.idleReserveBytes -= this.group.reservedBytes;
    }
  }

  /** Tells the span from the cursor to `to`. `fills`: its rows are sent, as nulls; else it is passed over. */
  reportGap(
    to: number,
    reason: GapReason,
    fills: boolean,
    clockMs: number,
  ): void {
    const { group } = this;
    const gap: ReportedGap = {
      from: group.timeline.endNsText(this.cursor - 1),
      to: group.timeline.endNsText(to - 1),
      reason,
    };
    this.gaps++;
    if (fills) this.fillTo = to;
    else this.cursor = to;
    const bytes = group.text.gap(gap, fills ? null : this.idOf(to - 1));
    if (bytes) this.sendBytes(bytes, clockMs);
    else this.gapToReport = joined(this.gapToReport, gap);
  }
}

/** Two gaps with nothing told between them. */
function joined(first: ReportedGap | null, second: ReportedGap): ReportedGap {
  if (first === null) return second;
  const reasons = first.reason.split(",");
  if (!reasons.includes(second.reason)) reasons.push(second.reason);
  return { from: first.from, to: second.to, reason: reasons.join(",") };
}
