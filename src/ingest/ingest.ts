// Reads one source for several threads: writes what it reports into the log, keeps a topic read while a thread leases it,
// and reads history on their behalf. Invariant: a topic is read while at least one thread leases it.
import type { SharedRingWriter } from "../memory/shared_ring.ts";
import type { Source } from "../source/source.ts";
import { CatalogChanges, catalogPieces } from "./catalog_copy.ts";
import type { LogPlace } from "./log_follower.ts";
import type {
  ChannelChanges,
  Port,
  ReadingMessage,
  ServingMessage,
} from "./messages.ts";
import { OldestAnswers } from "./oldest_answers.ts";
import { RecordLog } from "./record_log.ts";
import { ServedHistories } from "./served_histories.ts";
import { type Findings, TopicFindings } from "./topic_findings.ts";
import { TrendLeases, type TrendLender } from "./trend_leases.ts";

export interface IngestOptions {
  readonly source: Source;
  readonly ring: SharedRingWriter;
  /** Calls back when the running code has returned. @default queueMicrotask */
  readonly later?: (call: () => void) => void;
  /** That of the source, monotonic, ms. @default performance.now */
  readonly clockMs?: () => number;
}

/** What one serving thread has asked for. */
interface Serving {
  readonly port: Port<ReadingMessage, ServingMessage>;
  /** Topic → number of the lease. */
  readonly leases: Map<string, number>;
  readonly histories: ServedHistories;
  /** Whether it uses the catalog of the source itself. */
  readonly hasCatalog: boolean;
  /** Whether it is sent the changes of the catalog: from the first piece of its copy on. */
  getsChannels: boolean;
  hasJoined: boolean;
  /** Null where this thread records none. */
  readonly trends: TrendLeases | null;
}

/** A thread that is served. */
export interface ServedThread {
  /** It has ended: closes what it reads of history. Its leases stay, for the thread that comes after it. Idempotent. */
  ended(): void;
  /** Ends its leases, which another thread may have renewed by now. Idempotent. */
  endLeases(): void;
}

/** The reading thread's part. */
export class Ingest {
  readonly log: RecordLog;
  readonly #source: Source;
  readonly #ring: SharedRingWriter;
  readonly #clockMs: () => number;
  readonly #serving = new Set<Serving>();
  /** By topic: the threads that lease it. */
  readonly #leased = new Map<string, Set<Serving>>();
  /** By topic: the thread that counts its blocks for all. */
  readonly #counting = new Map<string, Serving>();
  readonly #changes: CatalogChanges;
  readonly #oldest: OldestAnswers;
  readonly #findings: TopicFindings;
  #trends: TrendLender | null = null;

  constructor(options: IngestOptions) {
    const { source, ring, later = queueMicrotask } = options;
    this.#source = source;
    this.#ring = ring;
    this.#clockMs = options.clockMs ?? (() => performance.now());
    this.log = new RecordLog({ ring, later });
    this.#oldest = new OldestAnswers({ source, clockMs: this.#clockMs });
    const send = (changes: ChannelChanges) => this.#sendChanges(changes);
    this.#changes = new CatalogChanges(source.catalog, { later, send });
    this.#findings = new TopicFindings({
      later,
      send: (findings) => this.#sendFindings(findings),
    });
  }

  /** Resolves as Source.start(). */
  async start(): Promise<void> {
    await this.#source.start(this.log);
  }

  /** Threads can lease these trends; call it before serve(). */
  lendTrends(trends: TrendLender): void {
    this.#trends = this.#oldest.trends = trends;
  }

  /** Serves a thread from now on. `hasCatalog`: it is this thread, and uses the catalog of the source itself. */
  serve(
    port: Port<ReadingMessage, ServingMessage>,
    { hasCatalog = false } = {},
  ): ServedThread {
    const { historyFailed: onFailed, historyOver: onOver } = this.#findings;
    const source = this.#source;
    const serving: Serving = {
      port,
      leases: new Map(),
      histories: new ServedHistories({ source, port, onFailed, onOver }),
      hasCatalog,
      getsChannels: false,
      hasJoined: false,
      trends: this.#trends && new TrendLeases(port, this.#trends),
    };
    this.#serving.add(serving);
    port.onMessage = (message) => this.#onMessage(serving, message);
    return {
      ended: () => this.#ended(serving),
      endLeases: () => this.#leave(serving),
    };
  }

  /** Sends all threads the status of the source; call it about once a second. */
  tick(): void {
    const status = plainStatus(this.#source);
    for (const { port, hasJoined } of this.#serving) {
      if (hasJoined) port.send({ kind: "status", status });
    }
  }

  /** Topics that are read. */
  get leasedCount(): number {
    return this.#leased.size;
  }

  async close(): Promise<void> {
    this.#changes.close();
    for (const serving of [...this.#serving]) this.#leave(serving);
    await this.#source.close();
  }

  #onMessage(serving: Serving, message: ServingMessage): void {
    switch (message.kind) {
      case "join":
        return serving.hasCatalog
          ? this.#joined(serving)
          : void this.#join(serving);
      case "ping": {
        const { sentMs } = message;
        const clockMs = this.#clockMs();
        return serving.port.send({ kind: "pong", sentMs, clockMs });
      }
      case "lost-place":
        return serving.port.send({ kind: "place", place: this.#place() });
      case "lease":
        return this.#lease(serving, message);
      case "end-lease":
        return this.#endLease(serving, message.topic);
      case "live":
        return this.#setLive(serving, message);
      case "open-history":
        return serving.histories.open(message.id, message.topics);
      case "read-history":
        return void serving.histories.read(message.id, message.topics);
      case "close-history":
        return serving.histories.close(message.id);
      case "ask-oldest":
      case "ask-oldest-bins":
        return void this.#oldest.answer(serving.port, message);
      case "lease-trends":
        return void serving.trends!.answer(message);
      case "end-trend-lease":
        return serving.trends?.end(message);
    }
  }

  /** Sends the catalog in pieces, since reading would wait for a copy of all of it. */
  async #join(serving: Serving): Promise<void> {
    serving.getsChannels = true;
    for (const set of catalogPieces(this.#source.catalog)) {
      const changes = { set, removed: [] };
      serving.port.send({ kind: "channels", changes });
      await new Promise((resolve) => setTimeout(resolve, 0));
      // The thread has ended.
      if (!serving.getsChannels) return;
    }
    this.#joined(serving);
  }

  #joined(serving: Serving): void {
    serving.hasJoined = true;
    const findings = this.#findings.all();
    serving.port.send({ kind: "findings", findings });
    const place = this.#place();
    serving.port.send({
      kind: "joined",
      memory: this.#ring.memory(),
      place,
      status: plainStatus(this.#source),
    });
  }

  /** Where the log stands, with everything published that was written. */
  #place(): LogPlace {
    this.log.publish();
    return {
      position: this.#ring.memory().headPosition,
      topics: [...this.log.topics()],
    };
  }

  #lease(
    serving: Serving,
    { topic, from, number }: Extract<ServingMessage, { kind: "lease" }>,
  ): void {
    if (serving.leases.has(topic)) return;
    serving.leases.set(topic, number);
    const known = this.#leased.get(topic);
    if (known !== undefined) {
      known.add(serving);
      // The thread that has counted has ended.
      if (!this.#counting.has(topic)) this.#setCounting(serving, topic, false);
      return;
    }
    this.#leased.set(topic, new Set([serving]));
    this.#findings.begin(topic);
    this.#setCounting(serving, topic, true);
    this.log.start(topic, this.#source.subscribe(topic, from));
  }

  #endLease(serving: Serving, topic: string): void {
    if (!serving.leases.delete(topic)) return;
    const leased = this.#leased.get(topic)!;
    leased.delete(serving);
    this.#passCounting(serving, topic);
    if (leased.size > 0) return;
    this.#leased.delete(topic);
    this.#source.unsubscribe(topic);
    this.log.stop(topic);
    this.#findings.end(topic);
  }

  /** Of a thread that counts the topic's blocks; it may have ended its lease, or another one counts them by now. */
  #setLive(
    serving: Serving,
    { topic, number, isLive }: Extract<ServingMessage, { kind: "live" }>,
  ): void {
    if (this.#counting.get(topic) !== serving) return;
    if (serving.leases.get(topic) !== number) return;
    this.#findings.setLive(topic, isLive);
  }

  #ended(serving: Serving): void {
    serving.hasJoined = serving.getsChannels = false;
    serving.port.onMessage = null;
    serving.histories.closeAll();
    for (const topic of serving.leases.keys()) {
      this.#passCounting(serving, topic);
    }
  }

  /** Another thread that leases a topic counts its blocks, if `serving` has done so. */
  #passCounting(serving: Serving, topic: string): void {
    if (this.#counting.get(topic) !== serving) return;
    this.#counting.delete(topic);
    for (const other of this.#leased.get(topic)!) {
      if (other !== serving && other.hasJoined) {
        return this.#setCounting(other, topic, false);
      }
    }
  }

  #setCounting(serving: Serving, topic: string, isFromStart: boolean): void {
    this.#counting.set(topic, serving);
    const number = serving.leases.get(topic)!;
    serving.port.send({ kind: "counts", topic, number, isFromStart });
  }

  #leave(serving: Serving): void {
    if (!this.#serving.delete(serving)) return;
    this.#ended(serving);
    serving.trends?.close();
    for (const topic of [...serving.leases.keys()]) {
      this.#endLease(serving, topic);
    }
  }

  #sendChanges(changes: ChannelChanges): void {
    for (const { port, getsChannels } of this.#serving) {
      if (getsChannels) port.send({ kind: "channels", changes });
    }
  }

  #sendFindings(findings: Findings): void {
    for (const { port, hasJoined } of this.#serving) {
      if (hasJoined) port.send({ kind: "findings", findings });
    }
  }
}

/** A status without getters, which a structured clone would not keep. */
function plainStatus(source: Source): ReturnType<Source["status"]> {
  const status = source.status();
  return { ...status, topics: [...status.topics] };
}
