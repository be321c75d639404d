// The source of a thread that serves clients, where another thread reads: follows the log in the shared ring, and sends
// its leases. Invariant: as any source, it calls its sink only between start() and close(), and never in subscribe().
import type { Catalog } from "../channels/catalog.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "../source/source.ts";
import { SharedRingReader } from "../memory/shared_ring.ts";
import { LogFollower } from "./log_follower.ts";
import type {
  ChannelChanges,
  Port,
  ReadingMessage,
  ServingMessage,
} from "./messages.ts";
import { PortFindings } from "./port_findings.ts";
import { PortHistories } from "./port_histories.ts";
import { PortQuestions } from "./port_questions.ts";
import { PortTrends } from "./port_trends.ts";

export interface LogSourceOptions {
  readonly port: Port<ServingMessage, ReadingMessage>;
  /** Empty; it is filled by the reading thread. In that thread: the catalog of its source. */
  readonly catalog: Catalog;
  /** GPS ms and Unix ms now. */
  readonly now: () => { readonly gpsMs: number; readonly unixMs: number };
  /** How far back the reading of a topic that nothing reads yet can begin, ms. @default without end */
  readonly backlogMs?: number | undefined;
  /** Monotonic, ms. @default performance.now */
  readonly clockMs?: () => number;
}

/** Longest time that records are passed on before other work gets its turn, ms. */
const SLICE_MS = 4;
/** How often the clocks are compared before the first record is read. */
const PINGS = 3;
/** After this time the log is looked at even if no notice came. */
const LOOK_MS = 100;

/** The source of one serving thread. */
export class LogSource implements Source {
  readonly shared: PortFindings = new PortFindings({
    sendLive: (topic, isLive) => {
      const number = this.#leases.get(topic);
      if (number === undefined) return;
      this.#options.port.send({ kind: "live", topic, number, isLive });
    },
  });
  readonly catalog: Catalog;
  /** Those that the reading thread records. */
  readonly trends: PortTrends;
  readonly #options: LogSourceOptions;
  readonly #clockMs: () => number;
  readonly #histories: PortHistories;
  readonly #oldest = new PortQuestions<number | null>();
  #joined: Extract<ReadingMessage, { kind: "joined" }> | null = null;
  #whenJoined: (() => void) | null = null;
  /** Its time of the last contact is by the clock of the reading thread. */
  #status: SourceStatus | null = null;
  #ring: SharedRingReader | null = null;
  #follower: LogFollower | null = null;
  #sink: BlockSink | null = null;
  /** Topic → number of its lease. */
  readonly #leases = new Map<string, number>();
  #lastLease = 0;
  #isClosed = false;
  /** Ends the wait of #follow(). */
  #wake: () => void = () => {};
  #hasLostPlace = false;
  /** This thread's clock less that of the reading one, ms: at least so much. */
  #clockDifferenceMs = -Infinity;
  #whenPonged: (() => void) | null = null;
  /** Rejects a join() that is under way when the source is closed. */
  readonly #closing = Promise.withResolvers<never>();

  constructor(options: LogSourceOptions) {
    const { port, catalog } = options;
    this.#options = options;
    this.catalog = catalog;
    this.#clockMs = options.clockMs ?? (() => performance.now());
    this.#histories = new PortHistories(port);
    this.trends = new PortTrends(port);
    port.onMessage = (message) => this.#onMessage(message);
    // A source that has joined is closed as well, without a call that waits.
    this.#closing.promise.catch(() => {});
  }

  /**
   * Joins the reading thread. Resolves with the ring, which the instance is made with; before start(). Rejects when the
   * source is closed meanwhile.
   */
  async join(): Promise<SharedRingReader> {
    const joined = new Promise<void>((resolve) => this.#whenJoined = resolve);
    this.#options.port.send({ kind: "join" });
    await Promise.race([joined, this.#closing.promise]);
    for (let i = 0; i < PINGS; i++) {
      const ponged = new Promise<void>((resolve) => this.#whenPonged = resolve);
      this.#ping();
      await Promise.race([ponged, this.#closing.promise]);
    }
    return this.#ring!;
  }

  start(sink: BlockSink): Promise<void> {
    this.#sink = sink;
    this.#follower = new LogFollower({
      ring: this.#ring!,
      place: this.#joined!.place,
      sink,
      clockMs: this.#clockMs,
      ownMs: (theirMs) => theirMs + this.#clockDifferenceMs,
    });
    this.#joined = null;
    void this.#follow();
    return Promise.resolve();
  }

  subscribe(topic: string, from: ReadFrom): number {
    const { port, now, backlogMs = Infinity } = this.#options;
    if (!this.#leases.has(topic)) {
      const number = ++this.#lastLease;
      this.#leases.set(topic, number);
      port.send({ kind: "lease", topic, from, number });
    }
    const { gpsMs, unixMs } = now();
    const nowMs = from.kind === "produced" ? unixMs : gpsMs;
    const reachedMs = this.#follower?.lease(topic, from, nowMs) ?? null;
    this.#wake();
    return reachedMs ?? Math.max(from.ms, nowMs - backlogMs);
  }

  unsubscribe(topic: string): void {
    this.#leases.delete(topic);
    this.#options.port.send({ kind: "end-lease", topic });
    this.#follower?.endLease(topic);
  }

  openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    return this.#histories.open(topics);
  }

  oldestMs(topic: string): Promise<number | null> {
    return this.#oldest.ask((request) =>
      this.#options.port.send({ kind: "ask-oldest", request, topic })
    );
  }

  /**
   * With the time of the last contact by this thread's clock, and without the time that another thread has spent. Throws
   * before join().
   */
  status(): SourceStatus {
    if (this.#status === null) throw new Error("join() comes first");
    const { lastContactClockMs, seconds: _, ...status } = this.#status;
    const differenceMs = this.#clockDifferenceMs;
    const upstreams = status.upstreams?.map((each) => ({
      ...each,
      sinceClockMs: each.sinceClockMs + differenceMs,
    }));
    return {
      ...status,
      lastContactClockMs: lastContactClockMs + differenceMs,
      ...upstreams === undefined ? {} : { upstreams },
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.reject(new Error("The source was closed before it joined"));
    this.#wake();
    this.#histories.close();
    this.#oldest.close();
    this.trends.close();
    this.#options.port.onMessage = null;
    return Promise.resolve();
  }

  #onMessage(message: ReadingMessage): void {
    switch (message.kind) {
      case "joined":
        this.#joined = message;
        this.#ring = new SharedRingReader(message.memory);
        this.#status = message.status;
        return this.#whenJoined?.();
      case "place":
        this.#follower?.moveTo(message.place);
        this.#hasLostPlace = false;
        return this.#wake();
      case "counts": {
        const { topic, number, isFromStart } = message;
        if (this.#leases.get(topic) !== number) return;
        return this.#sink?.onCounting?.(topic, isFromStart);
      }
      case "channels":
        return this.#apply(message.changes);
      case "findings":
        return this.shared.received(message.findings);
      case "status":
        this.#status = message.status;
        return this.#ping();
      case "pong": {
        // The other clock was read after the ping was sent.
        const leastMs = message.sentMs - message.clockMs;
        if (leastMs > this.#clockDifferenceMs) {
          this.#clockDifferenceMs = leastMs;
        }
        return this.#whenPonged?.();
      }
      case "history":
        return this.#histories.answered(message);
      case "oldest":
        return this.#oldest.answered(message.request, message.oldestMs);
      case "oldest-bins":
        return this.trends.oldestBinsAnswered(message);
      case "trends":
        return this.trends.answered(message);
    }
  }

  #ping(): void {
    this.#options.port.send({ kind: "ping", sentMs: this.#clockMs() });
  }

  #apply({ set, removed }: ChannelChanges): void {
    for (const { name, replayId } of removed) {
      this.catalog.remove(name, replayId);
    }
    for (const channel of set) this.catalog.set(channel);
  }

  async #follow(): Promise<void> {
    const ring = this.#ring!;
    const follower = this.#follower!;
    while (!this.#isClosed) {
      const outcome = this.#hasLostPlace
        ? "done"
        : follower.run(this.#clockMs() + SLICE_MS);
      if (outcome === "lost") {
        this.#hasLostPlace = true;
        this.#options.port.send({ kind: "lost-place" });
      }
      if (outcome === "more") {
        await new Promise((resolve) => setTimeout(resolve, 0));
        continue;
      }
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      // Without a place the head is elsewhere, which is no reason to look again.
      if (this.#hasLostPlace) await woken;
      else {
        await Promise.race([woken, ring.moved(follower.position, LOOK_MS)]);
      }
    }
  }
}
