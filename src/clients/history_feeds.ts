// Which clients read history now, which wait for a permit, and which lose theirs because they have stalled.
// Invariant: a permit is returned exactly once; at most `historyReadersMax` histories and RESUMES_MAX resumes are read at a
// time. A client that was let in is never refused: it waits in line for a permit of its kind. Why: docs/decisions/0009
// and 0025.
import { traceFields } from "../telemetry/request_trace.ts";
import {
  backToRing,
  permitOf,
  readingHistory,
  waiting,
} from "./client_phase.ts";
import {
  type FeedEnd,
  HistoryFeed,
  type HistoryFeedParts,
} from "./history_feed.ts";
import { HistoryFailures } from "../blocks/history_failures.ts";
import { Permit, type PermitKind } from "./permit.ts";
import { Permits } from "./permits.ts";
import type { GroupClient } from "./selection_group.ts";
import { holderOf, type ShareHolder } from "../shares/share_holder.ts";
import type { PoolRefusal } from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";
import { StalledClient } from "./stalled_client.ts";

export interface HistoryFeedsOptions extends
  Pick<
    HistoryFeedParts,
    "lifecycle" | "shortage" | "store" | "outageWaitMs"
  > {
  /** 0: no histories. Then every resume is read with a resume's permit. */
  readonly historyReadersMax: number;
  /** Rows that are older need a permit for histories, ms before the newest row. */
  readonly resumeWindowMs: number;
  /** A client that has stalled for so long, ms, loses its permit to one that waits. */
  readonly historyStallMs: number;
  /** See {@linkcode SharePool}. */
  readonly addressSharePercent: number;
  readonly sharePools: SharePools;
  /** The page ring has a client's next row again. */
  readonly onBack: (client: GroupClient) => void;
}

/** Resumes within the window that are read from the source at a time; the others wait. */
const RESUMES_MAX = 4;
const KINDS = ["history", "resume"] as const satisfies readonly PermitKind[];
/** After a slice all history rests for so many times its length: it takes a third of the event loop at most. */
const REST = 2;

/** The history feeds of one instance. */
export class HistoryFeeds {
  readonly counters = {
    rows: 0,
    reads: 0,
    failures: 0,
    refused: 0,
    suspended: 0,
  };
  readonly failing = new HistoryFailures();
  readonly #permits: Readonly<Record<PermitKind, Permits>>;
  readonly #options: HistoryFeedsOptions;
  readonly #parts: HistoryFeedParts;
  readonly #feeds = new Set<HistoryFeed>();
  /** Resolves when the last slice that was asked for is over, and its rest. */
  #lastSlice: Promise<void> = Promise.resolve();

  constructor(options: HistoryFeedsOptions) {
    this.#options = options;
    this.#parts = {
      ...options,
      counters: this.counters,
      failing: this.failing,
      inTurn: (step) => this.#inTurn(step),
    };
    const { historyReadersMax, addressSharePercent, sharePools } = options;
    this.#permits = {
      history: new Permits("history", sharePools, {
        capacity: historyReadersMax,
        sharePercent: addressSharePercent,
        maxOf: ({ limits }) => limits.historiesMax,
        onReturned: () => this.#permitReturned("history"),
      }),
      // The order of the line gives each holder its share.
      resume: new Permits("resume", sharePools, {
        capacity: RESUMES_MAX,
        sharePercent: 100,
        onReturned: () => this.#permitReturned("resume"),
      }),
    };
  }

  get histories(): number {
    return this.#permits.history.pool.used;
  }

  get resumes(): number {
    return this.#permits.resume.pool.used;
  }

  /** Clients that wait for a permit for histories. */
  get historiesWaiting(): number {
    return this.#permits.history.line.size;
  }

  /** Clients that wait for a permit for resumes. */
  get resumesWaiting(): number {
    return this.#permits.resume.line.size;
  }

  get waiting(): number {
    return this.historiesWaiting + this.resumesWaiting;
  }

  /** Whether a request with `start` gets rows of any age, also when it is resumed. */
  get hasHistories(): boolean {
    return this.#permits.history.pool.capacity > 0;
  }

  /**
   * Takes a permit for a new history, if need be from a client that has stalled. Otherwise returns why there is none.
   * Clients that wait are served first.
   */
  takePermit(holder: ShareHolder): Permit | PoolRefusal {
    this.#serve("history", { isPassing: true });
    const { pool, exchange } = this.#permits.history;
    const outcome = exchange.needsAll(pool.capacity - pool.used)
      ? "full"
      : this.#takeOrPass("history", holder);
    if (outcome instanceof Permit) return outcome;
    this.counters.refused++;
    exchange.refused();
    return outcome;
  }

  /** Feeds a client from its cursor on, or lets it wait for a permit. */
  begin(client: GroupClient): void {
    const permit = permitOf(client.phase);
    if (permit !== null) return this.#feed(client, permit);
    const kind = this.#kindFor(client);
    client.become(waiting("permit", this.#permits[kind].line.add(client)));
    this.#serve(kind, { isPassing: false });
  }

  /** Passes permits of clients that have stalled to those that wait; call it once a second. */
  tick(): void {
    for (const kind of KINDS) {
      this.#serve(kind, { isPassing: true });
      const { exchange } = this.#permits[kind];
      exchange.tick();
      if (exchange.othersWait) this.#suspendStalled(kind);
    }
  }

  /** Takes permits that other threads have returned, and returns those that they need; call it ten times a second. */
  look(): void {
    for (const kind of KINDS) {
      const permits = this.#permits[kind];
      permits.exchange.look();
      this.#serve(kind, { isPassing: false });
      if (permits.exchange.othersWait && permits.isFull) {
        this.#suspendStalled(kind);
      }
    }
  }

  /** The permit that a client needs for the row at its cursor: no resume is so old that it keeps other resumes waiting. */
  #kindFor({ cursor, group, options }: GroupClient): PermitKind {
    const { resumeWindowMs, store } = this.#options;
    const { timeline, shapes } = group;
    const { historiesMax } = holderOf(options).limits;
    if (!this.hasHistories || historiesMax === 0) return "resume";
    if (timeline.released < 0) {
      // A replay has no clock: without a row, any age is possible.
      if (shapes[0]!.replayId !== null) return "history";
      const agoMs = store.gpsMs() - cursor * timeline.strideMs;
      return agoMs > resumeWindowMs ? "history" : "resume";
    }
    const windowRows = Math.ceil(resumeWindowMs / timeline.strideMs);
    return cursor < timeline.released - windowRows ? "history" : "resume";
  }

  /** Lets clients of a line begin while there are permits. `isPassing`: also with those of clients that have stalled. */
  #serve(kind: PermitKind, { isPassing }: { isPassing: boolean }): void {
    const permits = this.#permits[kind];
    permits.serve(isPassing, () => ({
      readers: this.#readers(),
      permitFor: (holder) =>
        isPassing ? this.#takeOrPass(kind, holder) : permits.take(holder),
      begin: (client, permit) => this.#feed(client, permit),
    }));
  }

  /** Readers by the key of their holder. */
  #readers(): Map<string, number> {
    const readers = new Map<string, number>();
    for (const { client } of this.#feeds) {
      const { key } = holderOf(client.options);
      readers.set(key, (readers.get(key) ?? 0) + 1);
    }
    return readers;
  }

  /** Takes a permit, if need be that of the client that has stalled longest. */
  #takeOrPass(
    kind: PermitKind,
    holder: ShareHolder,
  ): Permit | PoolRefusal {
    const taken = this.#permits[kind].take(holder);
    if (taken instanceof Permit) return taken;
    const feed = this.#stalledFor(kind, holder);
    return feed === null ? taken : feed.suspendFor(holder) ??
      (taken === "full" ? "share" : taken);
  }

  /** A client may be ending, or many: those that wait begin after that. */
  #permitReturned(kind: PermitKind): void {
    if (this.#permits[kind].line.size === 0) return;
    queueMicrotask(() => this.#serve(kind, { isPassing: false }));
  }

  #feed(client: GroupClient, permit: Permit): void {
    const feed = new HistoryFeed(client, permit, this.#parts);
    client.become(readingHistory(feed));
    this.#run(feed);
  }

  async #run(feed: HistoryFeed): Promise<void> {
    const { client } = feed;
    const { lifecycle, onBack } = this.#options;
    this.#feeds.add(feed);
    let end: FeedEnd = "over";
    try {
      end = await feed.run();
    } catch (error) {
      lifecycle.log.error("past-failed", {
        error: (error as Error).stack,
        ...traceFields(client.options.trace),
      });
      lifecycle.end(client, "error");
    } finally {
      this.#feeds.delete(feed);
      feed.permit[Symbol.dispose]();
    }
    if (client.phase.kind === "history" && end === "back") {
      client.become(backToRing(client.phase));
      onBack(client);
    }
    if (end === "suspended") this.#suspended(client);
  }

  /** A client whose permit went to another one waits for a permit again as soon as it reads again. */
  #suspended(client: GroupClient): void {
    this.counters.suspended++;
    if (client.ended !== null) return;
    if (this.#options.lifecycle.canTake(client)) return this.begin(client);
    client.become(
      waiting("drained", new StalledClient(() => this.begin(client))),
    );
  }

  /** Lets other threads have the permit of the client that has stalled longest. */
  #suspendStalled(kind: PermitKind): void {
    this.#longestStalled(({ permit }) => permit.kind === kind)?.suspend();
  }

  /** The feed that a holder can get a permit from: first one of its own. */
  #stalledFor(kind: PermitKind, { key }: ShareHolder): HistoryFeed | null {
    const isOfKind = ({ permit }: HistoryFeed) => permit.kind === kind;
    return this.#longestStalled((feed) =>
      isOfKind(feed) && holderOf(feed.client.options).key === key
    ) ?? this.#longestStalled(isOfKind);
  }

  /** The feed whose client has stalled longest, and for long enough to be suspended. */
  #longestStalled(isMeant: (feed: HistoryFeed) => boolean): HistoryFeed | null {
    let sinceMs = this.#options.lifecycle.clockMs() -
      this.#options.historyStallMs;
    let found: HistoryFeed | null = null;
    for (const feed of this.#feeds) {
      if (feed.stalledSinceMs > sinceMs || !isMeant(feed)) continue;
      sinceMs = feed.stalledSinceMs;
      found = feed;
    }
    return found;
  }

  /** Runs one step of a feed while no other feed runs, and lets all of them rest after it. */
  async #inTurn<T>(step: () => T): Promise<T> {
    const before = this.#lastSlice;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastSlice = promise;
    await before;
    const beganMs = performance.now();
    try {
      return step();
    } finally {
      setTimeout(resolve, REST * (performance.now() - beganMs));
    }
  }
}
