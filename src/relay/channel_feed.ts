// The channels of an origin for one relay: all of them, then those of each topic that changes.
// Invariant: what waits is a set of topics, so that it has a limit; the channels are those at the time of sending.
import type { ChannelNotes } from "../channels/channel_notes.ts";
import { finishInTurns } from "../channels/sliced_work.ts";
import { type FrameMaker, PIECE_BYTES } from "./relay_stream.ts";
import { topicText } from "./stream_channel.ts";
import type { TopicView } from "./topic_index.ts";
import { FRAME, frameBytes, textPayload } from "./wire.ts";

export interface ChannelFeedOptions {
  readonly view: TopicView;
  readonly notes: ChannelNotes;
  /** The frame `hello`, made when it is sent. */
  readonly hello: () => Uint8Array;
  /** Something waits. */
  readonly onQueued: () => void;
}

/** The feed of one stream. */
export class ChannelFeed implements FrameMaker {
  readonly #options: ChannelFeedOptions;
  readonly #due: Set<string>;
  #status: Uint8Array | null = null;
  /** Topics whose channels the relay has. */
  readonly #sent = new Set<string>();
  #hasBegun = false;
  /** Topics that come before the frame `allChannels`. */
  #left: number;
  #hasSentAll = false;

  constructor(options: ChannelFeedOptions) {
    this.#options = options;
    this.#due = new Set(options.view.topics());
    this.#left = this.#due.size;
  }

  /** The channels of a topic have changed. */
  changed(topic: string): void {
    this.#due.add(topic);
    this.#options.onQueued();
  }

  /** Anything may be noted about any channel now. */
  notesChanged(): void {
    for (const topic of this.#sent) this.#due.add(topic);
    this.#options.onQueued();
  }

  setStatus(frame: Uint8Array): void {
    this.#status = frame;
    this.#options.onQueued();
  }

  async make(out: Uint8Array[]): Promise<void> {
    const { view, hello, notes } = this.#options;
    let bytes = 0;
    if (!this.#hasBegun) out.push(hello());
    this.#hasBegun = true;
    if (this.#status !== null) out.push(this.#status);
    this.#status = null;
    for (const topic of this.#due) {
      if (bytes >= PIECE_BYTES) break;
      this.#due.delete(topic);
      this.#left--;
      const before = [...view.channelsOf(topic).values()];
      await finishInTurns(notes.finding(before));
      const channels = view.channelsOf(topic);
      // Not even the name of a topic that the relay may not have.
      if (channels.size > 0) this.#sent.add(topic);
      else if (!this.#sent.delete(topic)) continue;
      const text = topicText(topic, channels.values(), (c) => notes.of(c));
      const payload = textPayload(text);
      const frame = frameBytes(FRAME.channels, { payload });
      bytes += frame.byteLength;
      out.push(frame);
    }
    if (this.#left > 0) return;
    if (!this.#hasSentAll) out.push(frameBytes(FRAME.allChannels));
    this.#hasSentAll = true;
  }

  close(): void {
    this.#due.clear();
    this.#sent.clear();
  }
}
