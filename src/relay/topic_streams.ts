// The topics that a relay reads, and the streams that deliver them. A stream is for the topics that were asked for
// together; a new one takes over a topic when it begins, and continues where the old one is.
// Invariant: each topic is delivered by at most one stream, or by a refill. A topic without either gets a stream as soon as
// an upstream may be asked.
import type { OriginState } from "./wire.ts";
import { checkTopicNumber, FRAME, type Frame, payloadText } from "./wire.ts";
import type { HistoryReader, HistoryTopic } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import { Refill } from "./refill.ts";
import type { RelayTopic } from "./relay_topic.ts";
import { relayRequest, TOPICS_MAX } from "./topic_request.ts";
import type { Upstreams } from "./upstreams.ts";
import { UpstreamStream } from "./upstream_stream.ts";

export interface TopicStreamsOptions {
  readonly upstreams: Upstreams;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  readonly unixMs: () => number;
  readonly checkState: (state: OriginState) => void;
  readonly openHistory: (topics: readonly HistoryTopic[]) => HistoryReader;
  readonly log: Logger;
}

/** One stream, and the topics that it has. */
interface Open {
  readonly stream: UpstreamStream;
  readonly asked: ReadonlyMap<string, RelayTopic>;
  /** By the number that the stream gave it, and its number. */
  readonly numbers: (RelayTopic | undefined)[];
  readonly numberOf: Map<RelayTopic, number>;
}

/** With more streams than this, one for all topics takes their place. */
const STREAMS_MAX = 3;
/** So old, a stream is replaced: only a new one compares the clocks, and clocks drift. */
const RENEW_MS = 5 * 60_000;

/** The streams of one relay. */
export class TopicStreams {
  readonly counters = {
    upstream_streams: 0,
    upstream_refills: 0,
    upstream_refills_failed: 0,
  };
  readonly #options: TopicStreamsOptions;
  readonly #topics = new Map<string, RelayTopic>();
  readonly #open = new Set<Open>();
  readonly #refills = new Set<Refill>();
  /** Topics of the next refill: those that are found in one turn share it. */
  #toRefill: RelayTopic[] = [];
  #isDue = false;
  #isClosed = false;

  constructor(options: TopicStreamsOptions) {
    this.#options = options;
  }

  topics(): Iterable<RelayTopic> {
    return this.#topics.values();
  }

  has(name: string): boolean {
    return this.#topics.has(name);
  }

  /** Reads a topic from now on. Those that are added in one turn share a stream. */
  add(topic: RelayTopic): void {
    this.#topics.set(topic.name, topic);
    this.#due();
  }

  remove(name: string): void {
    const topic = this.#topics.get(name);
    if (topic === undefined) return;
    this.#topics.delete(name);
    topic.remove();
  }

  /** The state that its origin gives a topic, where it is not simply reading. */
  stateOf(topic: RelayTopic): string | undefined {
    for (const { stream, numberOf } of this.#open) {
      if (topic.stream !== stream) continue;
      return stream.state?.states[numberOf.get(topic)!];
    }
    return undefined;
  }

  /** The largest of all streams, ms; −Infinity while none knows it. */
  get delayMs(): number {
    let delayMs = -Infinity;
    for (const { stream } of this.#open) {
      if (stream.delayMs > delayMs) delayMs = stream.delayMs;
    }
    return delayMs;
  }

  /** Replaces, opens and ends streams; call it about once a second. */
  tick(): void {
    const { clockMs, upstreams } = this.#options;
    for (const { stream } of [...this.#open]) stream.tick();
    this.#dropUseless();
    const nowMs = clockMs();
    const opens = [...this.#open];
    const isJoining = [...this.#topics.values()].some((t) => t.pending);
    const isOld = opens.some(({ stream, asked }) =>
      nowMs - stream.beganClockMs > RENEW_MS ||
      stream.upstream !== upstreams.current ||
      this.#removedOf(asked) > asked.size / 2
    );
    const chunks = Math.ceil(this.#topics.size / TOPICS_MAX);
    const isMany = opens.length > STREAMS_MAX + chunks;
    if ((isOld || isMany) && !isJoining && upstreams.mayTry) {
      this.#openFor(
        [...this.#topics.values()].filter((topic) => !topic.isRefilling),
      );
    } else this.#reconcile();
  }

  close(): void {
    this.#isClosed = true;
    for (const { stream } of this.#open) stream.abort();
    this.#open.clear();
    for (const refill of this.#refills) refill.close();
    this.#refills.clear();
    this.#topics.clear();
  }

  /** Topics that were asked for, and are not read any more. */
  #removedOf(asked: ReadonlyMap<string, RelayTopic>): number {
    let count = 0;
    for (const name of asked.keys()) if (!this.#topics.has(name)) count++;
    return count;
  }

  #servedBy(stream: UpstreamStream): number {
    let count = 0;
    for (const topic of this.#topics.values()) {
      if (topic.stream === stream || topic.pending === stream) count++;
    }
    return count;
  }

  #due(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#reconcile();
    });
  }

  /** Opens streams for the topics that have none. */
  #reconcile(): void {
    if (this.#isClosed || !this.#options.upstreams.mayTry) return;
    this.#openFor([...this.#topics.values()].filter((t) => t.needsStream));
  }

  #openFor(topics: readonly RelayTopic[]): void {
    for (let from = 0; from < topics.length; from += TOPICS_MAX) {
      this.#openOne(topics.slice(from, from + TOPICS_MAX));
    }
  }

  #openOne(topics: readonly RelayTopic[]): void {
    const { clockMs, unixMs, upstreams, checkState } = this.#options;
    const nowMs = unixMs();
    this.counters.upstream_streams++;
    const stream = new UpstreamStream({
      upstreams,
      path: "/v1/blocks",
      body: relayRequest(topics.map((topic) => topic.request(nowMs))),
      clockMs,
      checkState,
      onFrame: (frame) => this.#take(open, frame),
      onEnd: () => this.#ended(open),
    });
    const asked = new Map(topics.map((topic) => [topic.name, topic]));
    const open: Open = { stream, asked, numbers: [], numberOf: new Map() };
    this.#open.add(open);
    for (const topic of topics) topic.pending = stream;
  }

  #take(open: Open, frame: Frame): void {
    const { stream, asked, numbers, numberOf } = open;
    if (frame.kind === FRAME.topic) {
      checkTopicNumber(frame, asked.size);
      const topic = asked.get(payloadText(frame));
      // It may have been removed, and added again, meanwhile.
      if (topic === undefined || topic.pending !== stream) return;
      numbers[frame.topic] = topic;
      numberOf.set(topic, frame.topic);
      const hasBegun = topic.begin(stream, frame.first, frame.second);
      if (!hasBegun) this.#refillSoon(topic);
      this.#dropUseless();
      return;
    }
    const topic = numbers[frame.topic];
    if (topic?.stream !== stream || topic.take(frame, stream)) return;
    this.#refillSoon(topic);
    this.#dropUseless();
  }

  #refillSoon(topic: RelayTopic): void {
    this.#toRefill.push(topic);
    if (this.#toRefill.length === 1) queueMicrotask(() => this.#refill());
  }

  #refill(): void {
    const topics = this.#toRefill;
    this.#toRefill = [];
    if (this.#isClosed) return;
    const { log, openHistory } = this.#options;
    this.counters.upstream_refills++;
    log.info("upstream-refill", { topics: topics.length });
    const refill: Refill = new Refill({
      topics,
      reader: openHistory(
        topics.map(({ name, refillFromMs }) => ({
          topic: name,
          fromMs: refillFromMs,
        })),
      ),
      onDone: (failure) => {
        this.#refills.delete(refill);
        if (failure !== null) {
          this.counters.upstream_refills_failed++;
          log.warn("upstream-refill-failed", { reason: failure });
        }
        this.#due();
      },
    });
    this.#refills.add(refill);
  }

  #ended(open: Open): void {
    this.#open.delete(open);
    const { stream, asked } = open;
    for (const topic of asked.values()) {
      if (topic.pending === stream) topic.pending = null;
      if (topic.stream === stream) topic.end();
    }
    // Otherwise the next tick opens one: an upstream that only begins streams would be asked without a pause.
    if (!stream.isBrief) this.#due();
  }

  /** Closes the streams that deliver nothing, and are not to. */
  #dropUseless(): void {
    for (const open of [...this.#open]) {
      if (this.#servedBy(open.stream) > 0) continue;
      this.#open.delete(open);
      open.stream.abort();
    }
  }
}
