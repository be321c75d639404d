// Which clients read history now, which of them share a feed, which wait for a permit, and which lose theirs because they
// have stalled. Invariant: a permit is returned exactly once; at most `historyReadersMax` histories and RESUMES_MAX resumes
// are read at a time. A client that was let in is never refused: it joins a feed, or waits in line for a permit of its
// kind. Why: docs/decisions/0009, 0025 and 0055.
import {
  backToRing,
  permitOf,
  readingHistory,
  waiting,
} from "./client_phase.ts";
import type { Leaving } from "./feed_rows.ts";
import {
  type FeedEnd,
  HistoryFeed,
  type HistoryFeedParts,
} from "./history_feed.ts";
import { HistoryTurns } from "./history_turns.ts";
import { HistoryFailures } from "../blocks/history_failures.ts";
import { Permit, type PermitKind } from "./permit.ts";
import { Permits } from "./permits.ts";
import { RunningFeeds } from "./running_feeds.ts";
import type { GroupClient } from "./selection_group.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { PoolRefusal } from "../shares/share_pool.ts";
import type { SharePools } from "../shares/share_pools.ts";
import { ResumeWindow } from "./resume_window.ts";
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

/** A client that other clients of its feeds have outpaced so often reads alone. */
const OUTPACED_MAX = 2;
/** Resumes within the window that are read from the source at a time; the others wait. */
const RESUMES_MAX = 4;
const KINDS = ["history", "resume"] as const satisfies readonly PermitKind[];

/** The history feeds of one instance. */
export class HistoryFeeds {
  readonly counters = {
    rows: 0,
    reads: 0,
    failures: 0,
    refused: 0,
    suspended: 0,
    joined: 0,
    outpaced: 0,
  };
  /** Whether clients of one group share feeds; false in benches, which compare. */
  isSharing = true;
  readonly failing = new HistoryFailures();
  readonly #permits: Readonly<Record<PermitKind, Permits>>;
  readonly #options: HistoryFeedsOptions;
  readonly #parts: HistoryFeedParts;
  readonly #feeds = new RunningFeeds();
  /** How often clients were outpaced. */
  readonly #outpaced = new WeakMap<GroupClient, number>();
  readonly #turns = new HistoryTurns();
  readonly #window: ResumeWindow;

  constructor(options: HistoryFeedsOptions) {
    this.#options = options;
    this.#window = new ResumeWindow(options.resumeWindowMs, options.store);
    this.#parts = {
      ...options,
      counters: this.counters,
      failing: this.failing,
      inTurn: (step) => this.#turns.run(step),
      onLeft: (client, why) => this.#left(client, why),
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
    // It asked for a range, and has a reader of its own for it.
    if (permit !== null) return this.#feed([client], permit, false);
    const kind = this.hasHistories ? this.#window.permitFor(client) : "resume";
    const feed = this.#mayShare(client)
      ? this.#feeds.reaching(client, kind, this.#window.rowsOf(client.group))
      : null;
    if (feed !== null) {
      this.counters.joined++;
      feed.join(client);
      return client.become(readingHistory(feed));
    }
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

  #mayShare(client: GroupClient): boolean {
    return this.isSharing &&
      (this.#outpaced.get(client) ?? 0) < OUTPACED_MAX;
  }

  /** Lets clients of a line begin while there are permits. `isPassing`: also with those of clients that have stalled. */
  #serve(kind: PermitKind, { isPassing }: { isPassing: boolean }): void {
    const permits = this.#permits[kind];
    permits.serve(isPassing, () => ({
      readers: this.#feeds.readers(),
      permitFor: (holder) =>
        isPassing ? this.#takeOrPass(kind, holder) : permits.take(holder),
      begin: (client, permit) => this.#feedWaiting(client, permit),
    }));
  }

  /** Feeds a client that has waited, and those that wait for about the same rows. */
  #feedWaiting(client: GroupClient, permit: Permit): void {
    if (!this.#mayShare(client)) return this.#feed([client], permit, false);
    const { cursor, group } = client;
    const rowsMax = this.#window.rowsOf(group);
    const others = this.#permits[permit.kind].line.take((other) =>
      other.group === group && this.#mayShare(other) &&
      Math.abs(other.cursor - cursor) <= rowsMax
    );
    this.counters.joined += others.length;
    this.#feed([client, ...others], permit, true);
  }

  /** Takes a permit, if need be that of the client that has stalled longest. */
  #takeOrPass(
    kind: PermitKind,
    holder: ShareHolder,
  ): Permit | PoolRefusal {
    const taken = this.#permits[kind].take(holder);
    if (taken instanceof Permit) return taken;
    const feed = this.#feeds.stalledFor(kind, holder, this.#stalledMs);
    return feed === null ? taken : feed.suspendFor(holder) ??
      (taken === "full" ? "share" : taken);
  }

  /** A client may be ending, or many: those that wait begin after that. */
  #permitReturned(kind: PermitKind): void {
    if (this.#permits[kind].line.size === 0) return;
    queueMicrotask(() => this.#serve(kind, { isPassing: false }));
  }

  #feed(
    clients: readonly GroupClient[],
    permit: Permit,
    isShared: boolean,
  ): void {
    const feed = new HistoryFeed(clients, permit, isShared, this.#parts);
    for (const client of clients) client.become(readingHistory(feed));
    this.#run(feed);
  }

  async #run(feed: HistoryFeed): Promise<void> {
    const { lifecycle } = this.#options;
    this.#feeds.add(feed);
    let end: FeedEnd = "over";
    try {
      end = await feed.run();
    } catch (error) {
      lifecycle.log.error("past-failed", {
        error: (error as Error).stack,
        ...feed.trace,
      });
      for (const client of [...feed.clients]) lifecycle.end(client, "error");
    } finally {
      this.#feeds.delete(feed);
      feed.permit[Symbol.dispose]();
    }
    if (end !== "suspended") return;
    for (const client of feed.clients) this.#suspended(client);
  }

  #left(client: GroupClient, why: Leaving): void {
    const { phase } = client;
    if (phase.kind !== "history") return;
    if (why === "back") {
      this.#outpaced.delete(client);
      client.become(backToRing(phase));
      return this.#options.onBack(client);
    }
    this.counters.outpaced++;
    this.#outpaced.set(client, (this.#outpaced.get(client) ?? 0) + 1);
    this.begin(client);
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

  /** Lets other threads have the permit of the feed that has stalled longest. */
  #suspendStalled(kind: PermitKind): void {
    this.#feeds.longestStalled(kind, this.#stalledMs)?.suspend();
  }

  /** Feeds that have stalled since then can be suspended. */
  get #stalledMs(): number {
    const { lifecycle, historyStallMs } = this.#options;
    return lifecycle.clockMs() - historyStallMs;
  }
}
