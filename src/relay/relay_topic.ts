// One topic that a relay reads: how far it has come, and what its sink gets.
// Invariant: numbers of messages only grow; blocks that are older than what was delivered before a reconnection are left
// out while the upstream is behind, since they would look like a publisher whose time was set back.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
import type { BlockSink, ReadFrom, TopicStatus } from "../source/source.ts";
import type { TopicText } from "./topic_request.ts";
import type { UpstreamStream } from "./upstream_stream.ts";
import { FRAME, type Frame } from "./wire.ts";

/** An upstream that is behind what was delivered is waited for so long; after that, time has been set back. */
const BEHIND_MAX_MS = 30_000;
/** A topic that the upstream does not have is asked for again after so long. */
const MISSING_MS = 5000;

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

  /** Whether a stream for it should be opened. */
  get needsStream(): boolean {
    return this.stream === null && this.pending === null &&
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
   * the origin's newest block.
   */
  begin(
    stream: UpstreamStream,
    completeFromMs: number,
    originNewestMs: number,
  ): void {
    const { latencyMs, strideMs, sink, topic, clockMs } = this.#options;
    this.pending = null;
    if (Number.isNaN(completeFromMs)) {
      this.stream = null;
      this.#state = "missing";
      this.#missingUntilClockMs = clockMs() + MISSING_MS;
      return;
    }
    this.stream = stream;
    this.#state = "starting";
    this.#skipsOld = !Number.isNaN(this.#newestMs);
    this.#isBehind = originNewestMs < this.#newestMs - latencyMs;
    this.#behindUntilClockMs = Infinity;
    const neededMs = this.#askedMs + latencyMs + 2 * strideMs;
    if (completeFromMs > neededMs) sink.onLost(topic);
  }

  /** No stream delivers it any more. */
  end(): void {
    this.stream = null;
    this.#state = "unreachable";
  }

  /** Passes on what a frame of its stream reports. */
  take({ kind, first, payload }: Frame, stream: UpstreamStream): void {
    const { sink, topic } = this.#options;
    switch (kind) {
      case FRAME.message:
        if (this.#isLeftOut(payload)) this.#left++;
        else sink.onMessage(topic, payload, this.#next++, first);
        return;
      case FRAME.caughtUp:
        if (this.#waitsForUpstream()) return;
        this.#state = "reading";
        return sink.onCaughtUp(topic, stream.ownMs(first));
      case FRAME.disturbed:
        return sink.onDisturbed(topic);
      case FRAME.hole: {
        const from = this.#next;
        this.#next += Math.max(0, first);
        return sink.onHole(topic, from, this.#next);
      }
      case FRAME.restart:
        this.#newestMs = this.#suspectMs = NaN;
        this.#isBehind = this.#skipsOld = false;
        return sink.onRestart(topic, this.#next);
      case FRAME.lost:
        return sink.onLost(topic);
    }
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
