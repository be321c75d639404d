// Follows the channels of an upstream, and fills the relay's catalog with them.
// Invariant: a channel enters the catalog through ChannelAdmission, as from any publisher; after a reconnection those
// that the upstream no longer has are removed once it has sent all. A frame that has come is taken whole, in slices.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import { ChannelAdmission } from "../channels/channel_admission.ts";
import type { Logger } from "../telemetry/log.ts";
import { channelsOf } from "./channel_list.ts";
import { SlicedFrames } from "./sliced_frames.ts";
import { UpstreamStream } from "./upstream_stream.ts";
import type { Upstreams } from "./upstreams.ts";
import { FRAME, type Frame, type OriginState, WireError } from "./wire.ts";

export interface UpstreamChannelsOptions {
  readonly catalog: Catalog;
  readonly upstreams: Upstreams;
  readonly clockMs: () => number;
  readonly checkState: (state: OriginState) => void;
  readonly log: Logger;
}

/** As many as the catalog takes, and as many that it refuses or that are replaced. */
const CHANNELS_MAX = 2_000_000;

/** The stream of channels. */
export class UpstreamChannels {
  /** All channels have been received at least once. */
  isReady = false;
  /** Called when they have, and when no upstream answers. */
  onSettled: () => void = () => {};
  readonly #options: UpstreamChannelsOptions;
  readonly #admission: ChannelAdmission;
  readonly #topics = new Map<string, Channel[]>();
  /** Topics that the present stream has not sent. */
  #unseen = new Set<string>();
  #stream: UpstreamStream | null = null;
  readonly #frames: SlicedFrames;
  #isClosed = false;
  /** Channels of all topics. */
  #count = 0;

  constructor(options: UpstreamChannelsOptions) {
    this.#options = options;
    this.#admission = new ChannelAdmission(options);
    this.#frames = new SlicedFrames(
      (frame) => this.#take(frame),
      options.clockMs,
    );
  }

  /** What the upstream says about itself; null while it does not answer. */
  get state(): OriginState | null {
    return this.#stream?.state ?? null;
  }

  /** Monotonic, ms; −Infinity while no stream is open. */
  get lastFrameClockMs(): number {
    return this.#stream?.lastFrameClockMs ?? -Infinity;
  }

  /** As {@linkcode UpstreamStream}. */
  get delayMs(): number {
    return this.#stream?.delayMs ?? NaN;
  }

  /** Opens the stream where there is none, or another upstream is used; call it about once a second. */
  tick(): void {
    const { upstreams } = this.#options;
    this.#stream?.tick();
    if (this.#stream !== null && this.#stream.upstream !== upstreams.current) {
      this.#stream.abort();
      this.#stream = null;
    }
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#frames.close();
    this.#stream?.abort();
  }

  #open(): void {
    const { upstreams } = this.#options;
    if (this.#isClosed || this.#stream !== null || !upstreams.mayTry) return;
    const frames = this.#frames;
    const sender = {};
    const stream: UpstreamStream = new UpstreamStream({
      ...this.#options,
      path: "/v1/blocks/channels",
      body: null,
      onFrame: (frame) => frames.push(frame, sender),
      handled: () => frames.handled(sender),
      onEnd: (_, isFailure) => {
        this.#stream = null;
        if (upstreams.haveAllFailed) this.onSettled();
        // At once where another upstream is next; where it was the only one, the next tick tries again.
        if (isFailure && !stream.isBrief) this.#open();
      },
    });
    this.#stream = stream;
  }

  /** Handles a frame, a channel in each part. */
  *#take(frame: Frame): Generator<void, void> {
    switch (frame.kind) {
      case FRAME.hello:
        this.#unseen = new Set(this.#topics.keys());
        return;
      case FRAME.channels: {
        const { topic, channels } = yield* channelsOf(frame.payload);
        this.#unseen.delete(topic);
        return yield* this.#set(topic, channels);
      }
      case FRAME.allChannels:
        for (const topic of this.#unseen) yield* this.#set(topic, []);
        this.#unseen.clear();
        this.isReady = true;
        return this.onSettled();
    }
  }

  *#set(topic: string, channels: Channel[]): Generator<void, void> {
    if (this.#count + channels.length > CHANNELS_MAX) {
      throw new WireError(
        `It has more than ${CHANNELS_MAX} channels, which is the most that a relay keeps`,
      );
    }
    const before = this.#topics.get(topic) ?? [];
    this.#count += channels.length - before.length;
    if (channels.length === 0) this.#topics.delete(topic);
    else this.#topics.set(topic, channels);
    const names = new Set<string>();
    for (const channel of channels) {
      names.add(claimOf(channel).key);
      yield;
    }
    for (const channel of before) {
      const { publisher, key } = claimOf(channel);
      // It may be one of another topic now.
      if (!names.has(key)) {
        this.#admission.remove(publisher, channel.name, topic);
      }
      yield;
    }
    for (const channel of channels) {
      this.#admission.put(claimOf(channel).publisher, channel);
      yield;
    }
  }
}

/** A publisher claims each name once, so that each of its contexts claims for itself. */
function claimOf({ name, publisher, replayId }: Channel) {
  const claimer = replayId === null
    ? publisher
    : `${publisher} (replay ${replayId})`;
  return { publisher: claimer, key: JSON.stringify([claimer, name]) };
}
