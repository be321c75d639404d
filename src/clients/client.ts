// One client: its cursor, what it is owed, and how it ends.
// Invariant: the cursor only grows; every row below it was sent or told as a gap.
import type { GapReason } from "../blocks/timeline.ts";
import type { Outlet } from "./outlet.ts";
import type { SelectionGroup } from "./selection_group.ts";
import type { Frame } from "../frames/frame.ts";

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
  | "error";

export interface ClientOptions {
  /** Where the client resumes, GPS ns; null when what it gave is no time; undefined for live from now. */
  readonly afterNs?: bigint | null | undefined;
  /** Ends the stream after so much time, ns. */
  readonly durationNs?: bigint | undefined;
  readonly address: string;
}

/** A live stream to one client. */
export class Client {
  readonly group: SelectionGroup;
  readonly outlet: Outlet;
  readonly options: ClientOptions;
  /** Next row to send; −1 until the timeline has found its place. */
  cursor = -1;
  /** First row not to send. */
  endRow = Infinity;
  /** Still working off what it asked for from the past. */
  resuming = false;
  /** Waiting in the catch-up queue. */
  queued = false;
  ended: EndReason | null = null;
  rows = 0;
  bytes = 0;
  gaps = 0;
  readonly openedMs: number;
  /** Unix ms of the last write, and of the last sign that writes leave. */
  lastWriteMs: number;
  lastProgressMs: number;

  constructor(
    group: SelectionGroup,
    outlet: Outlet,
    options: ClientOptions,
    nowMs: number,
  ) {
    this.group = group;
    this.outlet = outlet;
    this.options = options;
    this.openedMs = this.lastWriteMs = this.lastProgressMs = nowMs;
  }

  sendRow(frame: Frame, row: number, nowMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = nowMs;
    this.outlet.write(frame);
    this.rows++;
    this.bytes += frame.chunk.byteLength;
    this.lastWriteMs = nowMs;
    this.cursor = row + 1;
  }

  sendBytes(bytes: Uint8Array, nowMs: number): void {
    if (this.outlet.inFlight === 0) this.lastProgressMs = nowMs;
    this.outlet.writeBytes(bytes);
    this.bytes += bytes.byteLength;
    this.lastWriteMs = nowMs;
  }

  /** Tells a span that will not come and moves past it. */
  skip(to: number, reason: GapReason, nowMs: number): void {
    const { timeline } = this.group;
    const fromText = timeline.endNsText(this.cursor - 1);
    this.cursor = to;
    this.gaps++;
    const toText = timeline.endNsText(to - 1);
    const bytes = this.group.gapBytes(fromText, toText, reason);
    if (bytes) this.sendBytes(bytes, nowMs);
  }
}
