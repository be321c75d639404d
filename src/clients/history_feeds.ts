// Which clients read history now, which wait for a permit, and which lose theirs because they have stalled.
// Invariant: a permit is returned exactly once; at most `historyReadersMax` histories and RESUMES_MAX resumes are read at a
// time. A resume waits for a permit instead of being refused, and so does a history that was suspended.
// Why: docs/decisions/0025.
import { AddressPool, type PoolRefusal } from "./address_pool.ts";
import { addressKey } from "./client_address.ts";
import {
  backToRing,
  type HistoryHandle,
  permitOf,
  readingHistory,
  waiting,
} from "./client_phase.ts";
import {
  type FeedEnd,
  HistoryFeed,
  type HistoryFeedParts,
} from "./history_feed.ts";
import { Permit, takePermit } from "./permit.ts";
import type { GroupClient } from "./selection_group.ts";

export interface HistoryFeedsOptions extends
  Pick<
    HistoryFeedParts,
    "lifecycle" | "shortage" | "store" | "outageWaitMs"
  > {
  readonly historyReadersMax: number;
  /** A client that has stalled for so long, ms, loses its permit to one that waits. */
  readonly historyStallMs: number;
  /** See {@linkcode AddressPool}. */
  readonly addressSharePercent: number;
  /** The page ring has a client's next row again. */
  readonly onBack: (client: GroupClient) => void;
}

/** Resumes that are read from the source at a time; the others wait. */
const RESUMES_MAX = 4;
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
  /** Permits of clients that ask for a time range. */
  readonly permits: AddressPool;
  readonly #resumePermits = new AddressPool({
    capacity: RESUMES_MAX,
    sharePercent: 100,
  });
  readonly #options: HistoryFeedsOptions;
  readonly #parts: HistoryFeedParts;
  readonly #feeds = new Set<HistoryFeed>();
  /** Clients that wait for a resume's permit, in their order. */
  readonly #line: GroupClient[] = [];
  /** Resolves when the last slice that was asked for is over, and its rest. */
  #lastSlice: Promise<void> = Promise.resolve();

  constructor(options: HistoryFeedsOptions) {
    this.#options = options;
    this.#parts = {
      ...options,
      counters: this.counters,
      inTurn: (step) => this.#inTurn(step),
    };
    this.permits = new AddressPool({
      capacity: options.historyReadersMax,
      sharePercent: options.addressSharePercent,
    });
  }

  get histories(): number {
    return this.permits.used;
  }

  get resumes(): number {
    return this.#resumePermits.used;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Takes a permit for a history, if need be from a client that has stalled. Otherwise returns why there is none. */
  takePermit(address: string): Permit | PoolRefusal {
    const taken = takePermit("history", this.permits, address);
    if (taken instanceof Permit) return taken;
    const passed = this.#passedPermit(address);
    if (passed === null) this.counters.refused++;
    return passed ?? taken;
  }

  /** Feeds a client from its cursor on, or lets it wait for a permit. */
  begin(client: GroupClient): void {
    const permit = permitOf(client.phase) ??
      // Not counted by address: the order of the line gives each address its share.
      takePermit("resume", this.#resumePermits, "");
    if (permit instanceof Permit) {
      const feed = new HistoryFeed(client, permit, this.#parts);
      client.become(readingHistory(feed));
      this.#run(feed);
    } else {
      this.#line.push(client);
      client.become(waiting("permit", new InLine(client, this.#line)));
    }
  }

  /** Suspends stalled resumes, one for each client that waits; call it once a second. */
  tick(): void {
    for (let wanted = this.#line.length; wanted > 0; wanted--) {
      const feed = this.#longestStalled(({ permit }) =>
        permit.kind === "resume"
      );
      if (feed === null) return;
      feed.suspend();
    }
  }

  async #run(feed: HistoryFeed): Promise<void> {
    const { client } = feed;
    const { lifecycle, onBack } = this.#options;
    this.#feeds.add(feed);
    let end: FeedEnd = "over";
    try {
      end = await feed.run();
    } catch (error) {
      lifecycle.log.error("past-failed", { error: (error as Error).stack });
      lifecycle.end(client, "error");
    }
    this.#feeds.delete(feed);
    if (client.phase.kind === "history" && end === "back") {
      client.become(backToRing(client.phase));
      onBack(client);
    }
    this.#beginNext();
    if (end === "suspended") this.#suspended(client);
  }

  /** A client whose permit went to another one waits for a permit again as soon as it reads again. */
  #suspended(client: GroupClient): void {
    this.counters.suspended++;
    if (client.ended !== null) return;
    if (this.#options.lifecycle.canTake(client)) return this.begin(client);
    client.become(waiting("drained", new Stalled(client, this)));
  }

  /** Takes the permit of the client that has stalled longest, first of one with the same address. */
  #passedPermit(address: string): Permit | null {
    const key = addressKey(address);
    const isHistory = ({ permit }: HistoryFeed) => permit.kind === "history";
    const feed =
      this.#longestStalled((feed) =>
        isHistory(feed) && addressKey(feed.client.options.address) === key
      ) ?? this.#longestStalled(isHistory);
    return feed?.suspendFor(address) ?? null;
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

  /** Begins with the next client of the line: the first one of those whose addresses read least. */
  #beginNext(): void {
    if (this.#resumePermits.used >= RESUMES_MAX) return;
    const reading = new Map<string, number>();
    for (const { client } of this.#feeds) {
      const key = addressKey(client.options.address);
      reading.set(key, (reading.get(key) ?? 0) + 1);
    }
    let least = Infinity;
    let index = -1;
    for (let i = 0; i < this.#line.length && least > 0; i++) {
      const key = addressKey(this.#line[i]!.options.address);
      const count = reading.get(key) ?? 0;
      if (count >= least) continue;
      least = count;
      index = i;
    }
    const [client] = index < 0 ? [] : this.#line.splice(index, 1);
    if (client) this.begin(client);
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

/** A client that waits for a permit. */
class InLine implements HistoryHandle {
  readonly #client: GroupClient;
  readonly #line: GroupClient[];

  constructor(client: GroupClient, line: GroupClient[]) {
    this.#client = client;
    this.#line = line;
  }

  clientDrained(): void {}

  clientEnded(): void {
    const index = this.#line.indexOf(this.#client);
    if (index >= 0) this.#line.splice(index, 1);
  }
}

/** A client that has lost its permit because it had stalled. */
class Stalled implements HistoryHandle {
  readonly #client: GroupClient;
  readonly #feeds: HistoryFeeds;

  constructor(client: GroupClient, feeds: HistoryFeeds) {
    this.#client = client;
    this.#feeds = feeds;
  }

  clientDrained(): void {
    this.#feeds.begin(this.#client);
  }

  clientEnded(): void {}
}
