// One stream of frames from an upstream, from the request to its end.
// Invariant: onEnd is called once, with a reason; after abort() nothing is called any more.
import {
  FRAME,
  type Frame,
  FrameReader,
  type OriginState,
  payloadText,
  WireError,
} from "./wire.ts";
import { originState } from "./origin_state.ts";
import { UpstreamError, upstreamError } from "./upstream_error.ts";
import type { Upstreams } from "./upstreams.ts";

export interface UpstreamStreamOptions {
  readonly upstreams: Upstreams;
  readonly path: string;
  /** JSON; null for a GET. */
  readonly body: string | null;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** Throws what is wrong with the origin. */
  readonly checkState: (state: OriginState) => void;
  readonly onFrame: (frame: Frame) => void;
  /**
   * Null where all frames have been handled; else the stream is read on when it resolves, and ends when it rejects.
   * @default null
   */
  readonly handled?: () => Promise<void> | null;
  /** `isFailure`: another upstream should be used. */
  readonly onEnd: (reason: string, isFailure: boolean) => void;
}

/** Without a frame for so long, the connection is dead. An origin sends its state once a second. */
const SILENT_MS = 10_000;
const END_CHARS_MAX = 100;
/** An upstream that begins a stream and ends it sooner is not asked again at once. */
const BRIEF_MS = 1000;
/** Why an origin ends a stream, though it works. */
const NO_FAILURES: readonly string[] = ["slow", "rights", "complete"];

/** One stream. */
export class UpstreamStream {
  readonly upstream: number;
  readonly beganClockMs: number;
  /** What the origin last said about itself; null before its first frame. */
  state: OriginState | null = null;
  readonly #options: UpstreamStreamOptions;
  readonly #abort = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #isOver = false;
  #lastFrameClockMs: number;
  #differenceMs = NaN;
  #delayMs = NaN;
  #endReason: string | null = null;
  /** Frames that have come are still being handled. */
  #isPaused = false;

  constructor(options: UpstreamStreamOptions) {
    this.#options = options;
    this.upstream = options.upstreams.current;
    this.beganClockMs = this.#lastFrameClockMs = options.clockMs();
    void this.#run();
  }

  get lastFrameClockMs(): number {
    return this.#lastFrameClockMs;
  }

  /** How long its last state was on its way, at most, ms; NaN before the second one. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Whether it has begun, less than a second ago. */
  get isBrief(): boolean {
    const { clockMs } = this.#options;
    return this.state !== null && clockMs() - this.beganClockMs < BRIEF_MS;
  }

  /**
   * A time of the origin's clock by this one's. It is rather too early than too late, and never in the future: the origin
   * has read its clock after the request was sent.
   */
  ownMs(originMs: number): number {
    const ownMs = finite(originMs) + this.#differenceMs;
    return Math.min(ownMs, this.#lastFrameClockMs);
  }

  /** Ends a stream that is silent; call it about once a second. */
  tick(): void {
    const silentMs = this.#options.clockMs() - this.#lastFrameClockMs;
    if (this.#isPaused || silentMs <= SILENT_MS) return;
    const reason = `nothing came for ${SILENT_MS} ms`;
    this.#over(reason, new UpstreamError(reason, "silent"));
  }

  /** Closes the connection. Idempotent. */
  abort(): void {
    this.#isOver = true;
    this.#abort.abort();
    // Deno does not hear the signal any more once it has collected the Response, of which only the body is in use.
    this.#reader?.cancel().catch(() => {});
  }

  async #run(): Promise<void> {
    const { upstreams, path, body } = this.#options;
    try {
      const stream = await upstreams.request(path, body, this.#abort.signal);
      const reader = this.#reader = stream.getReader();
      if (this.#isOver) this.abort();
      await this.#read(reader);
      const reason = this.#endReason ?? "the connection was closed";
      const kind = this.#endReason === null ? "closed" : "ended";
      const isFailure = !NO_FAILURES.includes(reason);
      this.#over(reason, isFailure ? new UpstreamError(reason, kind) : null);
    } catch (error) {
      const failure = upstreamError(error);
      this.#over(failure.message, failure);
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const { clockMs, upstreams: { counters } } = this.#options;
    const { handled = () => null } = this.#options;
    const frames = new FrameReader();
    while (!this.#isOver && this.#endReason === null) {
      const { value, done } = await pieceOf(reader);
      if (done) return;
      counters.upstream_bytes += value.byteLength;
      frames.push(value, (frame) => this.#take(frame));
      const wait = handled();
      if (wait === null) continue;
      this.#isPaused = true;
      await wait;
      this.#isPaused = false;
      this.#lastFrameClockMs = clockMs();
    }
  }

  #take(frame: Frame): void {
    if (this.#isOver) return;
    const { checkState, clockMs, onFrame, upstreams } = this.#options;
    this.#lastFrameClockMs = clockMs();
    const { kind } = frame;
    if (kind === FRAME.end) {
      this.#endReason = payloadText(frame).slice(0, END_CHARS_MAX);
      return;
    }
    if (kind === FRAME.hello || kind === FRAME.status) {
      const state = originState(frame);
      checkState(state);
      this.state = state;
    }
    if (kind === FRAME.hello) {
      this.#differenceMs = this.beganClockMs - finite(frame.first);
      upstreams.succeeded(this.upstream);
    }
    if (kind === FRAME.status) {
      this.#delayMs = this.#lastFrameClockMs - this.ownMs(frame.first);
    }
    if (this.state === null) throw new WireError("The stream has no hello");
    onFrame(frame);
  }

  #over(reason: string, failure: UpstreamError | null): void {
    if (this.#isOver) return;
    this.abort();
    const { onEnd, upstreams } = this.#options;
    if (failure !== null) upstreams.failed(this.upstream, failure);
    onEnd(reason, failure !== null);
  }
}

function finite(ms: number): number {
  if (Number.isFinite(ms)) return ms;
  throw new WireError("A time of the origin's clock is no number");
}

/** The next piece of a body that has begun. */
async function pieceOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read();
  } catch (error) {
    const reason = `the connection broke: ${(error as Error).message}`;
    throw new UpstreamError(reason, "closed");
  }
}
