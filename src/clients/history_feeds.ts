// Who reads the past, who waits for it, and who gives a place back because its reader stands still.
// Invariant: a permit is given back exactly once; at most `historiesMax` histories and RESUMES_MAX resumes are read
// at a time; a resume waits for its turn instead of being refused, and so does a history that was suspended.
// Why: docs/decisions/0025.
import { AddressPool, type PoolRefusal } from "./address_pool.ts";
import type { Client } from "./client.ts";
import { addressKey } from "./client_address.ts";
import { type FeedEnd, HistoryFeed, type HistoryHost } from "./history_feed.ts";

export interface HistoryFeedsOptions {
  readonly historiesMax: number;
  readonly failureWaitMs: number;
  /** A feed whose reader has stood still for so long gives its place to one that waits. */
  readonly stallMs: number;
  /** See {@linkcode AddressPool}. */
  readonly addressSharePercent: number;
}

/** Resumes that are read from the source at a time; the others wait. */
const RESUMES_MAX = 4;
/** After a turn all of the past rests for so many times its length: a third of the loop is the most that it takes. */
const REST = 2;

/** Who reads the past, and who waits for it. */
export class HistoryFeeds {
  readonly counters = {
    rows: 0,
    reads: 0,
    failures: 0,
    refused: 0,
    suspended: 0,
  };
  readonly permits: AddressPool;
  readonly #host: HistoryHost;
  readonly #options: HistoryFeedsOptions;
  readonly #feeds = new Set<HistoryFeed>();
  readonly #waiting: Client[] = [];
  /** Ends with the turn that was asked for last, and its rest. */
  #turns: Promise<void> = Promise.resolve();
  #resumes = 0;

  constructor(host: HistoryHost, options: HistoryFeedsOptions) {
    this.#host = host;
    this.#options = options;
    this.permits = new AddressPool({
      capacity: options.historiesMax,
      sharePercent: options.addressSharePercent,
    });
  }

  get histories(): number {
    return this.permits.used;
  }

  get resumes(): number {
    return this.#resumes;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the permit of one history, if need be from one whose reader stands still. Why not, or null. */
  takePermit(address: string): PoolRefusal | null {
    const refusal = this.permits.take(address);
    if (refusal === null || this.#passOnPermit(address)) return null;
    this.counters.refused++;
    return refusal;
  }

  releasePermit(address: string): void {
    this.permits.release(address);
  }

  /** Begins to feed a client from its cursor on, or lets it wait for its turn. */
  begin(client: Client): void {
    if (client.historyState !== "none") return;
    if (!client.hasPermit) {
      if (this.#resumes >= RESUMES_MAX) {
        client.historyState = "waiting";
        this.#waiting.push(client);
        return;
      }
      this.#resumes++;
    }
    client.historyState = "reading";
    this.#run(client);
  }

  /** A client has left: its permit comes back when its feed sees it, or now. */
  forget(client: Client): void {
    if (client.historyState === "reading") return client.wakeHistory?.();
    client.wakeHistory = null;
    const place = this.#waiting.indexOf(client);
    if (place >= 0) this.#waiting.splice(place, 1);
    this.dropPermit(client);
  }

  dropPermit(client: Client): void {
    if (!client.hasPermit) return;
    client.hasPermit = false;
    this.releasePermit(client.options.address);
  }

  /** Takes places from resumes whose readers stand still, for those that wait. Call it once a second. */
  tick(): void {
    for (let wanted = this.#waiting.length; wanted > 0; wanted--) {
      const feed = this.#standing(({ client }) => !client.hasPermit);
      if (feed === null) return;
      feed.suspend();
    }
  }

  async #run(client: Client): Promise<void> {
    const { hasPermit } = client;
    const feed = new HistoryFeed(client, {
      host: this.#host,
      turn: (work) => this.#turn(work),
      counters: this.counters,
      failureWaitMs: this.#options.failureWaitMs,
    });
    this.#feeds.add(feed);
    let end: FeedEnd = "over";
    try {
      end = await feed.run();
    } catch (error) {
      this.#host.log.error("past-failed", { error: (error as Error).stack });
      this.#host.end(client, "error");
    }
    this.#feeds.delete(feed);
    client.historyState = "none";
    if (hasPermit) this.dropPermit(client);
    else this.#resumes--;
    if (end === "back") this.#host.takeBack(client);
    this.#next();
    if (end === "suspended") this.#rest(client);
  }

  /** A client whose place was taken waits for a place again once its reader goes on. */
  #rest(client: Client): void {
    this.counters.suspended++;
    if (client.ended !== null) return;
    if (this.#host.canTake(client)) return this.begin(client);
    client.historyState = "suspended";
    client.wakeHistory = () => {
      client.wakeHistory = null;
      client.historyState = "none";
      this.begin(client);
    };
  }

  /** Suspends the history that has stood still longest, rather one of the same address, and passes on its permit. */
  #passOnPermit(address: string): boolean {
    const key = addressKey(address);
    const feed =
      this.#standing(({ client }) =>
        client.hasPermit && addressKey(client.options.address) === key
      ) ?? this.#standing(({ client }) => client.hasPermit);
    if (feed === null) return false;
    const { client } = feed;
    if (this.permits.move(client.options.address, address) !== null) {
      return false;
    }
    client.hasPermit = false;
    feed.suspend();
    return true;
  }

  /** The feed that has stood still longest, and for long enough to be suspended. */
  #standing(isMeant: (feed: HistoryFeed) => boolean): HistoryFeed | null {
    let sinceMs = this.#host.clockMs() - this.#options.stallMs;
    let found: HistoryFeed | null = null;
    for (const feed of this.#feeds) {
      if (feed.standsSinceMs > sinceMs || !isMeant(feed)) continue;
      sinceMs = feed.standsSinceMs;
      found = feed;
    }
    return found;
  }

  /** The next one that waits: of those whose address reads least, the first. */
  #next(): void {
    const reading = new Map<string, number>();
    for (const { client } of this.#feeds) {
      const key = addressKey(client.options.address);
      reading.set(key, (reading.get(key) ?? 0) + 1);
    }
    let least = Infinity;
    let place = -1;
    for (let i = 0; i < this.#waiting.length && least > 0; i++) {
      const key = addressKey(this.#waiting[i]!.options.address);
      const count = reading.get(key) ?? 0;
      if (count >= least) continue;
      least = count;
      place = i;
    }
    const [client] = place < 0 ? [] : this.#waiting.splice(place, 1);
    if (!client) return;
    client.historyState = "none";
    this.begin(client);
  }

  /** Works while nobody else of the past does, and rests after it. */
  async #turn<T>(work: () => T): Promise<T> {
    const before = this.#turns;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns = promise;
    await before;
    const beganMs = performance.now();
    try {
      return work();
    } finally {
      setTimeout(resolve, REST * (performance.now() - beganMs));
    }
  }
}
