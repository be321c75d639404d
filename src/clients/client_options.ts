// The options of a client's request, without its channels. Times are GPS ns.

import type { Channel } from "../channels/channel.ts";
import type { ShareLimits } from "../shares/share_holder.ts";
import type { RequestTrace } from "../telemetry/request_trace.ts";

/** What a client gets instead of missing rows: null rows, a gap event, or the end of its stream. */
export type GapPolicy = "fill" | "skip" | "fail";

/** What a client may read, and until when. Implemented by the part that knows who it is. */
export interface ClientRights {
  /** Names whom the client belongs to, in the log and in lists. */
  readonly owner: string;
  /** The owner under which its use of shared pools is counted; null where that is its address. */
  readonly account: string | null;
  /** Limits of the owner, as they are now. */
  readonly shares: ShareLimits;
  /**
   * Why the client of these channels must be ended now; null while it may continue. `unfinished`: call again, the check
   * needs more time. Called once a second, and after changes of rights. Clients of one group pass one list.
   */
  lost(
    channels: readonly Channel[],
  ): "expired" | "revoked" | "removed" | "unfinished" | null;
}

/** What happens when a client cannot keep up. */
export type SlowPolicy = "gap" | "latest" | "close" | "trend";

export interface ClientOptions {
  /** End of the last row that the client has; null for an id that is not a time; undefined for a live start. */
  readonly afterNs?: bigint | null | undefined;
  /** Rows that end after this time. */
  readonly startNs?: bigint | undefined;
  /** Rows that begin before this time. */
  readonly endNs?: bigint | undefined;
  /** Length of the stream, ns. */
  readonly durationNs?: bigint | undefined;
  /**
   * Whether its event ids contain the end of the range, since a reconnect that repeats the request would state another
   * one. @default for a length without a start
   */
  readonly hasMovingEnd?: boolean | undefined;
  /** Whether a client that resumes may be before `startNs`, which was given relative to now. @default false */
  readonly hasMovingStart?: boolean | undefined;
  /** That end, for a client that resumes. */
  readonly untilNs?: bigint | undefined;
  /** Begins with the newest row of the page ring, unless `afterNs` says where. @default with the next row */
  readonly latest?: boolean | undefined;
  /**
   * Its answer was promised to be settled: all rows of a range, each with all of its blocks, and nothing else. What cannot
   * be kept of that ends the stream in a way that shows it is incomplete. It goes with `gaps: "fail"`. @default false
   */
  readonly isSettled?: boolean | undefined;
  /** @default "fill" */
  readonly gaps?: GapPolicy | undefined;
  /** @default "gap" */
  readonly slow?: SlowPolicy | undefined;
  /** The client's address in one spelling; "" for none. */
  readonly address: string;
  /** @default everything, without end */
  readonly rights?: ClientRights | undefined;
  /** The ids of its request, for every log line about it. */
  readonly trace?: RequestTrace | undefined;
}
