// The channels of a catalog by topic, and which topics a principal may read as a whole.
// Invariant: it follows every change of its catalog.
import type { Catalog } from "../channels/catalog.ts";
import { type Channel, topicOf } from "../channels/channel.ts";

/** The channels of one topic, by context and name. */
export type TopicChannels = ReadonlyMap<string, Channel>;

/** Called with the topic of a channel that appeared, changed or was removed. */
export type TopicListener = (topic: string) => void;

const NONE: TopicChannels = new Map();

/** One catalog, by topic. */
export class TopicIndex {
  readonly #topics = new Map<string, Map<string, Channel>>();
  readonly #listeners = new Set<TopicListener>();
  readonly #stop: () => void;

  constructor(catalog: Catalog) {
    for (const channel of catalog.channels()) this.#add(channel);
    this.#stop = catalog.onChange((_, __, before, after) => {
      if (before) this.#remove(before);
      if (after) this.#add(after);
      // The new one first: to a relay, a channel that moves has changed, and was not removed.
      const topics = new Set(
        [after, before].flatMap((each) => each ? [topicOf(each)] : []),
      );
      for (const topic of topics) {
        for (const inform of this.#listeners) inform(topic);
      }
    });
  }

  close(): void {
    this.#stop();
  }

  channelsOf(topic: string): TopicChannels {
    return this.#topics.get(topic) ?? NONE;
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  /** Calls `listener` on every change until the returned function is called. */
  onChange(listener: TopicListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(channel: Channel): void {
    const topic = topicOf(channel);
    let channels = this.#topics.get(topic);
    if (!channels) this.#topics.set(topic, channels = new Map());
    channels.set(keyOf(channel), channel);
  }

  #remove(channel: Channel): void {
    const topic = topicOf(channel);
    const channels = this.#topics.get(topic);
    channels?.delete(keyOf(channel));
    if (channels?.size === 0) this.#topics.delete(topic);
  }
}

/** The topics of which a principal may read every channel. It looks the same where there are none and where it may not. */
export class TopicView {
  readonly #all: TopicIndex;
  readonly #allowed: TopicIndex;

  /** `allowed`: the channels that the principal may read; the same as `all` where it may read all. */
  constructor(all: TopicIndex, allowed: TopicIndex) {
    this.#all = all;
    this.#allowed = allowed;
  }

  /** Whether every topic is visible, now and later. */
  get isWhole(): boolean {
    return this.#all === this.#allowed;
  }

  /** The channels of a topic; none where one of them may not be read. */
  channelsOf(topic: string): TopicChannels {
    const allowed = this.#allowed.channelsOf(topic);
    if (allowed.size === 0) return NONE;
    return allowed.size === this.#all.channelsOf(topic).size ? allowed : NONE;
  }

  /** Topics of which some channel may be read. */
  topics(): Iterable<string> {
    return this.#allowed.topics();
  }
}

function keyOf({ name, replayId }: Channel): string {
  return JSON.stringify([replayId, name]);
}
