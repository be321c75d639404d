// The messages between the thread that reads and one that serves clients. Blocks do not go this way: they are in the ring.
// Invariant: everything in a message survives a structured clone; nothing is shared unless its comment says so.
import type { Channel } from "../channels/channel.ts";
import type { SharedRingMemory } from "../memory/shared_ring.ts";
import type {
  HistoryMessages,
  HistoryTopic,
  ReadFrom,
  SourceStatus,
} from "../source/source.ts";
import type { OldestBins } from "../trends/oldest_bins.ts";
import type { LeasedTrends } from "../trends/shared_trends.ts";
import type { LogPlace } from "./log_follower.ts";
import type { Findings } from "./topic_findings.ts";

/** Which channel is meant. */
export interface ChannelName {
  readonly name: string;
  readonly replayId: string | null;
}

/** From a serving thread. */
export type ServingMessage =
  /** Answered with the catalog in messages `channels`, then with `joined`. */
  | { readonly kind: "join" }
  /** Answered with `pong`, to compare the clocks of the threads. */
  | { readonly kind: "ping"; readonly sentMs: number }
  /** Its place in the ring was overwritten. Answered with `place`. */
  | { readonly kind: "lost-place" }
  | {
    readonly kind: "lease";
    readonly topic: string;
    readonly from: ReadFrom;
    /** Each lease of a thread has another one. */
    readonly number: number;
  }
  | { readonly kind: "end-lease"; readonly topic: string }
  /** The thread, which counts a topic's blocks, has found whether they come in time. `number`: of its lease. */
  | {
    readonly kind: "live";
    readonly topic: string;
    readonly number: number;
    readonly isLive: boolean;
  }
  | {
    readonly kind: "open-history";
    readonly id: number;
    readonly topics: readonly HistoryTopic[];
  }
  /** Answered with `history`. */
  | {
    readonly kind: "read-history";
    readonly id: number;
    readonly topics: readonly string[];
  }
  | { readonly kind: "close-history"; readonly id: number }
  /** Answered with `oldest`. */
  | {
    readonly kind: "ask-oldest";
    readonly request: number;
    readonly topic: string;
  }
  /** Answered with `oldest-bins`. */
  | {
    readonly kind: "ask-oldest-bins";
    readonly request: number;
    readonly channel: ChannelName;
  }
  /** Answered with `trends`. */
  | {
    readonly kind: "lease-trends";
    readonly request: number;
    readonly channels: readonly ChannelName[];
  }
  /** Ends so many leases of a record, which a client of the thread has used, or none has. */
  | {
    readonly kind: "end-trend-lease";
    readonly id: number;
    readonly count: number;
    readonly isUsed: boolean;
  };

/** A channel that appeared or changed; or the name of one that was removed. */
export interface ChannelChanges {
  readonly set: readonly Channel[];
  readonly removed: readonly ChannelName[];
}

/** From the reading thread. */
export type ReadingMessage =
  | {
    readonly kind: "joined";
    /** Shared. */
    readonly memory: SharedRingMemory;
    readonly place: LogPlace;
    readonly status: SourceStatus;
  }
  /** `sentMs`: of the ping, by the clock of its thread; `clockMs`: now, by the clock of this one. */
  | {
    readonly kind: "pong";
    readonly sentMs: number;
    readonly clockMs: number;
  }
  | { readonly kind: "place"; readonly place: LogPlace }
  /** The thread counts the blocks of a topic for all. `number`: of its lease; see BlockSink.onCounting(). */
  | {
    readonly kind: "counts";
    readonly topic: string;
    readonly number: number;
    readonly isFromStart: boolean;
  }
  | { readonly kind: "channels"; readonly changes: ChannelChanges }
  /** All before `joined`, then the changes. */
  | { readonly kind: "findings"; readonly findings: Findings }
  | { readonly kind: "status"; readonly status: SourceStatus }
  /** `error`: the read failed, for this reason. */
  | {
    readonly kind: "history";
    readonly id: number;
    readonly messages: readonly HistoryMessages[];
    readonly error: string | null;
  }
  /** GPS ms of a topic's oldest block; null where that is not known. */
  | {
    readonly kind: "oldest";
    readonly request: number;
    readonly oldestMs: number | null;
  }
  /** GPS ns of a channel's oldest bins, as Trends.oldestBins(). */
  | {
    readonly kind: "oldest-bins";
    readonly request: number;
    readonly oldest: OldestBins;
  }
  /** Null: there is no memory for these trends, or no such channel. Their memory is shared. */
  | {
    readonly kind: "trends";
    readonly request: number;
    readonly leased: LeasedTrends | null;
  };

export type { Port } from "../threads/port.ts";
