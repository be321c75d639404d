// Other instances of Qanat as a source: their channels, blocks and histories, by `fetch` alone.
// Invariant: as any source, it calls its sink only between start() and close(), and never in subscribe().
import { nowGpsNs, unixMsOfGpsMs } from "../blocks/gps_time.ts";
import type { Catalog } from "../channels/catalog.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import { RelayTopic } from "./relay_topic.ts";
import { TopicIndex } from "./topic_index.ts";
import { TopicStreams } from "./topic_streams.ts";
import { UpstreamChannels } from "./upstream_channels.ts";
import { UpstreamHistories } from "./upstream_histories.ts";
import { UpstreamError } from "./upstream_error.ts";
import { upstreamOldestMs } from "./upstream_oldest.ts";
import { Upstreams } from "./upstreams.ts";
import type { OriginState } from "./wire.ts";

/** What a source of a relay needs. */
export interface UpstreamSourceOptions {
  /** URLs of instances of Qanat, the preferred one first. */
  readonly addresses: readonly string[];
  /** Gets the channels. */
  readonly catalog: Catalog;
  /** Gets what operators should know. */
  readonly log: Logger;
  /** Read at each request; "" for none. @default none */
  readonly token?: () => Promise<string>;
  /** The start waits at most this long for the channels, ms. */
  readonly readyGraceMs: number;
  /** Sends requests. @default that of the runtime */
  readonly fetch?: typeof fetch;
  /** Monotonic, ms. @default performance.now */
  readonly clockMs?: () => number;
  /** The time, Unix ms. @default that of the system */
  readonly unixMs?: () => number;
  /** Calls once a second until it is closed. @default setInterval */
  readonly every?: (call: () => void, ms: number) => { close(): void };
}

const TICK_MS = 1000;
/** Most relays between an instance and Kafka. */
const PATH_MAX = 8;

/** The source of a relay. */
export class UpstreamSource implements Source {
  /** The channels of the upstream. */
  readonly catalog: Catalog;
  /** Names this relay in the paths of others. */
  readonly id: string = crypto.randomUUID();
  readonly #options: UpstreamSourceOptions;
  readonly #clockMs: () => number;
  readonly #index: TopicIndex;
  readonly #upstreams: Upstreams;
  readonly #histories: UpstreamHistories;
  readonly #channels: UpstreamChannels;
  readonly #streams: TopicStreams;
  #sink: BlockSink | null = null;
  #timer: { close(): void } | null = null;
  #lastContactClockMs = -Infinity;
  /** Numbers of messages begin above all that were given before. */
  #firstNumber = 0;
  #leftOut = 0;

  /** Connects to nothing before start(). */
  constructor(options: UpstreamSourceOptions) {
    this.#options = options;
    this.catalog = options.catalog;
    this.#index = new TopicIndex(options.catalog);
    const clockMs = this.#clockMs = options.clockMs ??
      (() => performance.now());
    const upstreams = this.#upstreams = new Upstreams({
      addresses: options.addresses,
      token: options.token ?? (() => Promise.resolve("")),
      fetch: options.fetch ?? fetch,
      clockMs,
      log: options.log,
    });
    this.#histories = new UpstreamHistories({ upstreams, clockMs });
    const common = {
      upstreams,
      clockMs,
      checkState: (state: OriginState) => this.#check(state),
    };
    this.#channels = new UpstreamChannels({ ...options, ...common });
    this.#streams = new TopicStreams({
      ...common,
      log: options.log,
      unixMs: options.unixMs ?? unixMsNow,
      openHistory: (topics) => this.openHistory(topics),
    });
  }

  async start(sink: BlockSink): Promise<void> {
    this.#sink = sink;
    this.#timer = (this.#options.every ?? interval)(() => this.tick(), TICK_MS);
    const settled = new Promise<void>((resolve) => {
      this.#channels.onSettled = resolve;
    });
    this.#channels.tick();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.readyGraceMs);
    });
    await Promise.race([settled, enough]);
    clearTimeout(timer);
  }

  /** Once a second. */
  tick(): void {
    this.#channels.tick();
    this.#streams.tick();
    this.#histories.tick();
    this.#noteContact();
  }

  subscribe(topic: string, from: ReadFrom): number {
    const sink = this.#sink;
    if (sink === null || this.#streams.has(topic)) return from.ms;
    const { strideMs, latencyMs } = this.#timesOf(topic);
    this.#streams.add(
      new RelayTopic({
        topic,
        from,
        strideMs,
        latencyMs,
        firstNumber: this.#firstNumber,
        sink,
        clockMs: this.#clockMs,
      }),
    );
    return from.ms;
  }

  unsubscribe(topic: string): void {
    for (const known of this.#streams.topics()) {
      if (known.name !== topic) continue;
      const { position } = known.status(undefined);
      this.#firstNumber = Math.max(this.#firstNumber, position);
      this.#leftOut += known.leftOut;
    }
    this.#streams.remove(topic);
  }

  openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    return this.#histories.open(
      topics.map((topic) => ({
        ...topic,
        latencyMs: this.#timesOf(topic.topic).latencyMs,
      })),
    );
  }

  async oldestMs(topic: string): Promise<number | null> {
    const [channel] = this.#index.channelsOf(topic).values();
    if (channel === undefined) return null;
    return await upstreamOldestMs(this.#upstreams, channel);
  }

  /** What is read, and from which upstream. */
  status(): SourceStatus {
    this.#noteContact();
    const { state, isReady } = this.#channels;
    const streams = this.#streams;
    let leftOut = this.#leftOut;
    for (const topic of streams.topics()) leftOut += topic.leftOut;
    return {
      kind: "upstream",
      ready: isReady,
      reachable: state !== null && state.reachable,
      lastContactClockMs: this.#lastContactClockMs,
      unreachable: [],
      get topics() {
        return Array.from(
          streams.topics(),
          (topic) => topic.status(streams.stateOf(topic)),
        );
      },
      wideTopics: 0,
      counters: {
        ...this.#upstreams.counters,
        ...streams.counters,
        ...this.#histories.counters,
        upstream_blocks_left_out: leftOut,
      },
      path: [this.id, ...state?.path ?? []],
      upstreams: this.#upstreams.status(this.#delayMs),
      failures: this.#upstreams.failures,
    };
  }

  close(): Promise<void> {
    this.#sink = null;
    this.#timer?.close();
    this.#timer = null;
    this.#channels.close();
    this.#streams.close();
    this.#index.close();
    return Promise.resolve();
  }

  #timesOf(topic: string): { strideMs: number; latencyMs: number } {
    let strideMs = 0;
    let latencyMs = 0;
    for (const channel of this.#index.channelsOf(topic).values()) {
      strideMs = Number(channel.strideNs) / 1e6;
      latencyMs = Number(channel.maxLatencyNs) / 1e6;
    }
    return { strideMs, latencyMs };
  }

  get #delayMs(): number {
    const { delayMs } = this.#channels;
    return Math.max(
      Number.isNaN(delayMs) ? -Infinity : delayMs,
      this.#streams.delayMs,
    );
  }

  #noteContact(): void {
    const { state, lastFrameClockMs } = this.#channels;
    if (state === null || !state.reachable) return;
    this.#lastContactClockMs = lastFrameClockMs;
  }

  /** Throws where the upstream reads from this relay, or is too far from Kafka. */
  #check({ path }: OriginState): void {
    if (!Array.isArray(path)) throw new UpstreamError("it sends no path");
    if (path.includes(this.id)) {
      throw new UpstreamError(
        "it reads from this relay, by itself or through others, so blocks would go in a circle; take one of the " +
          "addresses out of --upstream",
        "circle",
      );
    }
    if (path.length < PATH_MAX) return;
    throw new UpstreamError(
      `it reads through ${path.length} relays, at most ${
        PATH_MAX - 1
      } are allowed; choose an upstream that is nearer to Kafka`,
      "circle",
    );
  }
}

function unixMsNow(): number {
  return unixMsOfGpsMs(Number(nowGpsNs()) / 1e6);
}

function interval(call: () => void, ms: number): { close(): void } {
  const timer = setInterval(call, ms);
  return { close: () => clearInterval(timer) };
}
