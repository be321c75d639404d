// One topic that a relay reads: how far it has come, and what its sink gets.
// Invariant: numbers of messages only grow; blocks that are older than what was delivered before a reconnection are left
// out while the upstream is behind, since they would look like a publisher whose time was set back. While a refill
// delivers what a stream does not reach back to, no stream does.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { BlockSink, ReadFrom, TopicStatus } from "../source/source.ts";
import type { TopicText } from "./topic_request.ts";
import type { UpstreamStream } from "./upstream_stream.ts";
import { FRAME, type Frame, holeOf } from "./wire.ts";

/** An upstream that is behind what was delivered is waited for so long; after that, time has been set back. */
const BEHIND_MAX_MS = 30_000;
/** A topic that the upstream does not have is asked for again after so long. */
const MISSING_MS = 5000;
/** So often a missing span is asked for as history; after that, it is lost. */
const REFILLS_MAX = 5;
/** After a refill has failed, the next one comes so much later. */
const REFILL_RETRY_MS = 2000;
/** What an origin loses again within so long stays lost: it has too much to do. */
const LOST_AGAIN_MS = 30_000;

export interface RelayTopicOptions {
  readonly topic: string;
  readonly from: ReadFrom;
  /** Of its blocks. */
  readonly strideMs: number;
  readonly latencyMs: number;
  /** Number of its first message. */
  readonly firstNumber: number;
  readonly sink: BlockSink;
  readonly clockMs: () => number;
}

/** The reading of one topic. */
export class RelayTopic {
  /** The stream that delivers it; null: none. */
  stream: UpstreamStream | null = null;
  /** A stream that was opened to deliver it, and has not begun. */
  pending: UpstreamStream | null = null;
  readonly #options: RelayTopicOptions;
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  /** Number of the next message. */
  #next: number;
  /** GPS ms at which the newest delivered block begins; NaN: none. */
  #newestMs = NaN;
  /** A block that is older by more than the latency; a newer one like it confirms that time was set back. */
  #suspectMs = NaN;
  /** Blocks from this GPS ms on were asked for. */
  #askedMs = -Infinity;
  /** Whether older blocks are left out: the stream has not reached what was delivered before it. */
  #skipsOld = false;
  /** Whether not even the origin has reached it. */
  #isBehind = false;
  #behindUntilClockMs = Infinity;
  #state: "starting" | "reading" | "behind" | "unreachable" | "missing" =
    "starting";
  #missingUntilClockMs = -Infinity;
  #left = 0;
  /** Refills since the last stream that was complete. */
  #refills = 0;
  #isRefilling = false;
  /** What an origin loses until then is not asked for again. */
  #lostUntilClockMs = -Infinity;
  #isRemoved = false;

  constructor(options: RelayTopicOptions) {
    this.#options = options;
    this.#next = options.firstNumber;
  }

  get name(): string {
    return this.#options.topic;
  }

  /** Blocks that were left out. */
  get leftOut(): number {
    return this.#left;
  }

  /** Its reading has ended. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  get isRefilling(): boolean {
    return this.#isRefilling;
  }

  /** From where a refill delivers its blocks, GPS ms. */
  get refillFromMs(): number {
    return this.#askedMs;
  }

  /** Whether a stream for it should be opened. */
  get needsStream(): boolean {
    return this.stream === null && this.pending === null &&
      !this.#isRefilling &&
      this.#options.clockMs() >= this.#missingUntilClockMs;
  }

  /** What is asked for: from where it has come, or the beginning. `unixMs`: now. */
  request(unixMs: number): TopicText {
    const { topic, from, latencyMs } = this.#options;
    if (!Number.isNaN(this.#newestMs)) {
      this.#askedMs = Math.max(0, this.#newestMs - latencyMs);
      return { topic, sinceMs: this.#askedMs, lastMs: null };
    }
    if (from.kind === "produced") {
      return { topic, sinceMs: 0, lastMs: Math.max(0, unixMs - from.ms) };
    }
    this.#askedMs = Math.max(0, from.ms);
    return { topic, sinceMs: this.#askedMs, lastMs: null };
  }

  /**
   * A stream delivers it from now on. GPS ms: from where on it is complete, NaN where the origin has no such topic; and
   * the origin's newest block. False where a span before it is missing that history may have: then nothing has begun,
   * and a refill delivers the span first.
   */
  begin(
    stream: UpstreamStream,
    completeFromMs: number,
    originNewestMs: number,
  ): boolean {
    const { latencyMs, strideMs, sink, topic, clockMs } = this.#options;
    this.pending = null;
    if (Number.isNaN(completeFromMs)) {
      this.stream = null;
      this.#state = "missing";
      this.#missingUntilClockMs = clockMs() + MISSING_MS;
      return true;
    }
    const neededMs = this.#askedMs + latencyMs + 2 * strideMs;
    const isCut = completeFromMs > neededMs;
    if (isCut && this.#hasDelivered && this.#refills < REFILLS_MAX) {
      this.#beginRefill();
      return false;
    }
    this.#refills = 0;
    this.stream = stream;
    this.#state = "starting";
    this.#skipsOld = this.#hasDelivered;
    this.#isBehind = originNewestMs < this.#newestMs - latencyMs;
    this.#behindUntilClockMs = Infinity;
    // What no history has, nothing has. Before the first message, no row waits.
    if (isCut) sink.onLost(topic, this.#hasDelivered);
    return true;
  }

  /** A message of a refill. */
  refill(value: Uint8Array, timestampMs: number): void {
    if (this.#isRemoved) return;
    const { sink, topic } = this.#options;
    if (this.#isLeftOut(value)) this.#left++;
    else sink.onMessage(topic, value, this.#next++, timestampMs);
  }

  /** The history does not reach back to where the refill begins. */
  refillCut(): void {
    if (!this.#isRemoved) this.#options.sink.onLost(this.#options.topic, true);
  }

  /** A refill is over: a stream delivers what comes next. */
  refilled(isWhole: boolean): void {
    this.#isRefilling = false;
    if (isWhole) return;
    this.#missingUntilClockMs = this.#options.clockMs() + REFILL_RETRY_MS;
  }

  /** It is not read any more: the sink gets nothing more of it. */
  remove(): void {
    this.end();
    this.pending = null;
    this.#isRemoved = true;
  }

  /** No stream delivers it any more. */
  end(): void {
    this.stream = null;
    this.#state = "unreachable";
  }

  /** Passes on what a frame of its stream reports. False where a refill is needed, as in {@linkcode begin}. */
  take({ kind, first, payload }: Frame, stream: UpstreamStream): boolean {
    const { sink, topic } = this.#options;
    switch (kind) {
      case FRAME.message:
        if (this.#isLeftOut(payload)) this.#left++;
        else sink.onMessage(topic, payload, this.#next++, first);
        break;
      case FRAME.caughtUp:
        if (this.#waitsForUpstream()) break;
        this.#state = "reading";
        sink.onCaughtUp(topic, stream.ownMs(first));
        break;
      case FRAME.disturbed:
        sink.onDisturbed(topic);
        break;
      case FRAME.hole: {
        const from = this.#next;
        this.#next += holeOf(first);
        sink.onHole(topic, from, this.#next);
        break;
      }
      case FRAME.restart:
        this.#newestMs = this.#suspectMs = NaN;
        this.#isBehind = this.#skipsOld = false;
        sink.onRestart(topic, this.#next);
        break;
      case FRAME.lost:
        return this.#lost(first === 1);
    }
    return true;
  }

  /** `state`: that of the origin, where it is not simply reading. */
  status(state: string | undefined): TopicStatus {
    const { topic } = this.#options;
    const isKnown = state === "behind" || state === "unreachable" ||
      state === "missing" || state === "starting";
    return {
      topic,
      state: isKnown && this.stream !== null ? state : this.#state,
      position: this.#next,
      highWatermark: this.#next,
      lastStableOffset: this.#next,
      partitions: 1,
    };
  }

  get #hasDelivered(): boolean {
    return !Number.isNaN(this.#newestMs);
  }

  #beginRefill(): void {
    this.stream = null;
    this.#refills++;
    this.#isRefilling = this.#skipsOld = true;
    this.#state = "behind";
  }

  /** The origin has lost messages on their way. */
  #lost(isGone: boolean): boolean {
    const { clockMs, latencyMs, sink, topic } = this.#options;
    const nowMs = clockMs();
    if (!this.#hasDelivered || nowMs < this.#lostUntilClockMs || isGone) {
      sink.onLost(topic, isGone);
      return true;
    }
    this.#lostUntilClockMs = nowMs + LOST_AGAIN_MS;
    this.#askedMs = Math.max(0, this.#newestMs - latencyMs);
    this.#beginRefill();
    return false;
  }

  /** Whether a message is left out: the stream has not reached what was delivered before it. */
  #isLeftOut(value: Uint8Array): boolean {
    if (this.#decoder.decode(value, this.#layout) !== null) return false;
    const ms = Number(this.#layout.timeNs) / 1e6;
    const { latencyMs } = this.#options;
    const isOld = ms < this.#newestMs - latencyMs;
    if (this.#skipsOld && isOld) return true;
    this.#isBehind = this.#skipsOld = false;
    this.#note(ms, isOld);
    return false;
  }

  #note(ms: number, isOld: boolean): void {
    if (!isOld) {
      this.#suspectMs = NaN;
      if (!(ms <= this.#newestMs)) this.#newestMs = ms;
    } else if (ms > this.#suspectMs) {
      this.#suspectMs = NaN;
      this.#newestMs = ms;
    } else this.#suspectMs = ms;
  }

  /** Whether the end of the log says nothing, as the upstream is behind what was delivered. */
  #waitsForUpstream(): boolean {
    if (!this.#isBehind) {
      this.#skipsOld = false;
      return false;
    }
    const nowMs = this.#options.clockMs();
    if (this.#behindUntilClockMs === Infinity) {
      this.#behindUntilClockMs = nowMs + BEHIND_MAX_MS;
    }
    if (nowMs < this.#behindUntilClockMs) {
      this.#state = "behind";
      return true;
    }
    this.#isBehind = this.#skipsOld = false;
    return false;
  }
}
