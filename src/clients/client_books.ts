// The totals of all clients: bytes of the slab reserved for them, and counts for /metrics and /v1/status.
// Invariant: `idleReserveBytes` is the sum of `slotBytes` over the open clients without a write in flight.
import { GAP_REASONS, type GapReason } from "../blocks/row_gap.ts";
import type { Slab } from "../memory/slab.ts";
import type { EndReason } from "./end_reason.ts";

/**
 * What became of requests for a range that has ended. `sent`: settled, and sent whole. `cut`: settled, and not sent to its
 * end. `not-modified`: the client has it. `unsettled`: it may change or is not whole, so no cache may store it.
 */
export const SETTLED_ANSWERS = [
  "sent",
  "cut",
  "not-modified",
  "unsettled",
] as const;

/** Written by the clients and by the parts that feed them. */
export class ClientBooks {
  readonly slab: Slab;
  readonly counters = {
    framesEncoded: 0,
    framesSent: 0,
    catchUpRows: 0,
    /** Rows, counted for each client, that left in one write with others. */
    rowsInRuns: 0,
    /** Time to encode live frames; `writeSeconds` is the rest of the time to hand them out. */
    encodeSeconds: 0,
    writeSeconds: 0,
    /** Bytes of rows that compression has saved. */
    bytesSaved: 0,
    opened: 0,
    slabShort: 0,
    /** Private bytes for which the slab had no room. */
    unchargedBytes: 0,
  };
  /** Ended clients by reason. */
  readonly ends: Partial<Record<EndReason, number>> = {};
  /** Reported gaps by reason, each from 0 on: Prometheus sees no increase in a series that begins above 0. */
  readonly gapsReported = Object.fromEntries(
    GAP_REASONS.map((reason) => [reason, 0]),
  ) as Record<GapReason, number>;
  readonly settledAnswers = Object.fromEntries(
    SETTLED_ANSWERS.map((answer) => [answer, 0]),
  ) as Record<typeof SETTLED_ANSWERS[number], number>;
  /** Bytes of the slab reserved for clients that have no write in flight. */
  idleReserveBytes = 0;
  /** Bytes handed to clients that have ended. */
  bytesOfEnded = 0;

  constructor(slab: Slab) {
    this.slab = slab;
  }

  /** Whether a frame fits into the slab without the slots that are reserved for clients with no write in flight. */
  hasRoomFor(frameBytes: number): boolean {
    const { budgetBytes, usedBytes } = this.slab;
    return budgetBytes - usedBytes >= this.idleReserveBytes + frameBytes;
  }
}
