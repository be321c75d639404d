// One client: which row is next, what it has been sent, and what is written to it.
// Invariant: the cursor only grows; every row below it was sent or reported as a gap.
import type { GapReason } from "../blocks/row_gap.ts";
import type { Timeline } from "../blocks/timeline.ts";
import { ENVELOPE_BYTES, ENVELOPE_HEAD_BYTES, Frame } from "../frames/frame.ts";
import { GZIP_HEAD, GzipTally, stored } from "../frames/gzip.ts";
import type { Coding } from "../frames/stream_format.ts";
import {
  joinedGap,
  type ReportedGap,
  type StreamEnd,
  type StreamText,
} from "../frames/stream_text.ts";
import type { ClientBooks } from "./client_books.ts";
import type { ListMember } from "./client_list.ts";
import type { ClientOptions } from "./client_options.ts";
import {
  checkTransition,
  type ClientPhase,
  leavePhase,
  starting,
} from "./client_phase.ts";
import type { EndReason } from "./end_reason.ts";
import type { LostSpan } from "./lost_span.ts";
import type { Outlet, OutletOwner } from "./outlet.ts";
import type { Permit } from "./permit.ts";
import type { Reservation } from "./reservation.ts";

/** What a client needs of its group. */
export interface ClientGroup {
  readonly timeline: Timeline;
  readonly coding: Coding;
  readonly text: StreamText;
  /** Bytes of the slab that are reserved for each client: the slot of an expected frame. */
  readonly slotBytes: number;
}

/** What a client needs of the instance. */
export interface ClientHost {
  readonly books: ClientBooks;
  /** A write of a client has finished. */
  drained(client: Client): void;
  /** The other side of a client has closed its connection. */
  leave(client: Client): void;
}

export interface ClientParts<Group extends ClientGroup> {
  readonly group: Group;
  readonly host: ClientHost;
  readonly outlet: Outlet;
  readonly options: ClientOptions;
  /** What was taken for it on admission. */
  readonly reservation: Reservation;
  /** To read history with; null where it needs none. */
  readonly permit: Permit | null;
  /** Milliseconds now, monotonic. */
  readonly clockMs: number;
}

/** Private bytes from this length on take a slot of the slab; shorter ones are few and small. */
const CHARGED_BYTES_MIN = 1024;

/** An open stream to one client. */
export class Client<Group extends ClientGroup = ClientGroup>
  implements OutletOwner, ListMember {
  readonly group: Group;
  readonly outlet: Outlet;
  readonly options: ClientOptions;
  readonly reservation: Reservation;
  readonly #host: ClientHost;
  #phase: ClientPhase;
  /** Next row to send; −1 until its first row is known. */
  cursor = -1;
  /** Where its cursor began; −1 until its first row is known. */
  firstRow = -1;
  /** Rows below this are sent as null rows, though nothing came for them. */
  fillTo = -1;
  /** First row not to send. */
  endRow = Infinity;
  /** It could not take a row, and has not had the newest one since. */
  isSlow = false;
  /**
   * Added to the time in each id: the end of a `duration` that began live. The frames of rows are shared and have
   * plain ids, so a line with the marked id is written before each. Empty for all others, and in Arrow.
   */
  idMark = "";
  /** A gap that is reported with a row, in Arrow and in CSV. */
  gapToReport: ReportedGap | null = null;
  /** A span that it lost, while its trend is sent. Used by CatchUp alone. */
  lostSpan: LostSpan | null = null;
  /** Whether it is in the queue of CatchUp, which alone uses it. */
  isQueued = false;
  listIndex = -1;
  /** Has writes that have not finished: then its reserved slot is in use. */
  hasInFlight = false;
  /** Of a gzip group: length and CRC of what the client has been sent; null for others. */
  readonly tally: GzipTally | null;
  /** Counts clients in the order in which they opened; 0 before it opens. */
  number = 0;
  #id = "";
  rows = 0;
  bytes = 0;
  gaps = 0;
  readonly openedMs: number;
  /** Time of the last write, and of the last sign that writes finish, by the monotonic clock. */
  lastWriteMs: number;
  lastProgressMs: number;

  constructor(parts: ClientParts<Group>) {
    this.group = parts.group;
    this.#host = parts.host;
    this.outlet = parts.outlet;
    this.options = parts.options;
    this.reservation = parts.reservation;
    this.#phase = starting(parts.permit);
    this.tally = parts.group.coding === "gzip" ? new GzipTally() : null;
    this.openedMs = this.lastWriteMs = this.lastProgressMs = parts.clockMs;
  }

  /** Its random name, for operators. Made when it is first read. */
  get id(): string {
    return this.#id ||= crypto.getRandomValues(new Uint8Array(8)).toHex();
  }

  /** Whether it has this id. A client whose id was never read has none yet, and gets none by this. */
  hasId(id: string): boolean {
    return this.#id !== "" && this.#id === id;
  }

  get phase(): ClientPhase {
    return this.#phase;
  }

  /** Goes to another phase, made by a function of client_phase.ts. */
  become(next: ClientPhase): void {
    const from = this.#phase;
    if (next === from) return;
    checkTransition(from, next);
    this.#phase = next;
    leavePhase(from, next);
  }

  /** Why it has ended; null while it is open. */
  get ended(): EndReason | null {
    return this.#phase.kind === "ended" ? this.#phase.reason : null;
  }

  get endsAtGaps(): boolean {
    return this.options.gaps === "fail";
  }

  onDrain(): void {
    this.#host.drained(this);
  }

  onClose(): void {
    this.#host.leave(this);
  }

  /** Sends the row at the cursor, or a run of rows from there on. */
  sendRow(
    frame: Frame,
    row: number,
    clockMs: number,
    to: number = row + 1,
  ): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    if (
      this.gapToReport !== null &&
      (row >= this.fillTo || this.group.text.reportsGapInFill)
    ) {
      const bytes = this.group.text.rowWithGap(frame.body, this.gapToReport);
      this.sendBytes(bytes, clockMs);
      this.gapToReport = null;
    } else {
      if (this.idMark !== "") {
        this.sendBytes(this.group.text.rowId(this.idOf(row)), clockMs);
      }
      this.#write(frame);
    }
    this.#noteWrite();
    this.rows += to - row;
    this.lastWriteMs = clockMs;
    this.cursor = to;
  }

  /** Sends a frame that is not a row. */
  sendFrame(frame: Frame, clockMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    this.#write(frame);
    this.#noteWrite();
    this.lastWriteMs = clockMs;
  }

  /** Sends bytes that are this client's alone. No bytes are not sent: a chunk without any would end the body. */
  sendBytes(bytes: Uint8Array, clockMs: number): void {
    if (bytes.byteLength === 0) return;
    if (this.tally === null) return this.#sendRaw(bytes, clockMs);
    this.tally.addText(bytes);
    this.#sendRaw(stored(bytes), clockMs);
  }

  /** Sends what begins a body: the head of gzip, then the hello event or the Arrow schema. */
  sendOpening(clockMs: number): void {
    if (this.tally !== null) this.#sendRaw(GZIP_HEAD, clockMs);
    this.sendBytes(this.group.text.opening(), clockMs);
  }

  /** Sends that nothing older than the row `settled` will come. */
  sendHeartbeat(settled: number, clockMs: number): void {
    const id = settled < 0 ? null : this.idOf(settled - 1);
    this.sendBytes(this.group.text.heartbeat(id), clockMs);
  }

  /** Sends a row of nulls that is no row of the stream. */
  sendHeartbeatRow(frame: Frame, clockMs: number): void {
    this.sendBytes(this.group.text.heartbeatRow(frame.body), clockMs);
  }

  /** Sends what comes before the end of the body. A client with all of its range is given the id of the range's end. */
  sendClosing(
    end: Pick<StreamEnd, "reason" | "isCut" | "retryMs">,
    clockMs: number,
  ): void {
    const isWhole = end.reason === "complete" && this.endRow < Infinity;
    const last = Math.max(this.cursor, this.endRow) - 1;
    const id = isWhole ? this.idOf(last) : null;
    const about = { ...end, gap: this.gapToReport, id };
    this.sendBytes(this.group.text.closing(about), clockMs);
    if (this.tally !== null && !end.isCut) {
      this.#sendRaw(this.tally.trailer(), clockMs);
    }
  }

  /** Reports the rows from the cursor to `to` as a gap. `isFilled`: they are sent, as null rows; else they are skipped. */
  sendGap(
    to: number,
    reason: GapReason,
    isFilled: boolean,
    clockMs: number,
  ): void {
    const { timeline, text } = this.group;
    const from = timeline.endNsText(this.cursor - 1);
    const gap = { from, to: timeline.endNsText(to - 1), reason };
    this.gaps++;
    if (isFilled) this.fillTo = to;
    else this.cursor = to;
    const bytes = text.gap(gap, isFilled ? null : this.idOf(to - 1));
    if (bytes) this.sendBytes(bytes, clockMs);
    else this.gapToReport = joinedGap(this.gapToReport, gap);
  }

  /** The id of a row. */
  idOf(row: number): string {
    return this.group.timeline.endNsText(row) + this.idMark;
  }

  #write(frame: Frame): void {
    this.outlet.write(frame);
    this.bytes += frame.chunk.byteLength;
    const { plain } = frame;
    if (plain === null) return;
    this.tally?.add(plain.crc, plain.shift, plain.bytes);
    const saved = plain.bytes - frame.chunk.byteLength + ENVELOPE_BYTES;
    // A row that gets longer saves nothing: a counter must not fall, or /metrics throws.
    if (saved > 0) this.#host.books.counters.bytesSaved += saved;
  }

  #sendRaw(bytes: Uint8Array, clockMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = clockMs;
    if (!this.#writeCharged(bytes)) this.outlet.writeBytes(bytes);
    this.#noteWrite();
    this.bytes += bytes.byteLength;
    this.lastWriteMs = clockMs;
  }

  /** Writes long bytes (a hello with its schema, a row with a gap) from a slot of the slab; false if it has no room. */
  #writeCharged(bytes: Uint8Array): boolean {
    if (bytes.byteLength < CHARGED_BYTES_MIN) return false;
    const { slab, counters } = this.#host.books;
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
      this.#host.books.idleReserveBytes -= this.group.slotBytes;
    }
  }
}
