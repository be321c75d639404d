// A span of rows that a stream does not contain, and the reason why.

/** Row indexes, `to` exclusive. */
export interface RowGap {
  readonly from: number;
  readonly to: number;
  readonly reason: GapReason;
}

/**
 * `missing`: the blocks were never published, or came too late.
 * `retention`: the blocks are no longer held.
 * `slow`: the client read too slowly, and rows were skipped.
 * `unknown-id`: the client asked to resume at an id that is not a time, or is in the future.
 * `stride-changed`: the span comes again, as a part of a longer row.
 * `time-reset`: the time of the blocks jumped back, or the log was created again.
 * `future`: the blocks were stamped ahead of their production, and were set aside.
 * `not-recorded`: only of trends: the span is older than the start of recording.
 */
export const GAP_REASONS = [
  "missing",
  "retention",
  "slow",
  "unknown-id",
  "stride-changed",
  "time-reset",
  "future",
  "not-recorded",
] as const;
export type GapReason = typeof GAP_REASONS[number];
