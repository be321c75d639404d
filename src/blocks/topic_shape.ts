// What all blocks of one data topic have in common, as the metadata of its channels states it.
import { type Channel, topicOf } from "../channels/channel.ts";

/** A topic and the shape of its blocks. Times are ns. */
export interface TopicShape {
  readonly topic: string;
  readonly strideNs: bigint;
  readonly maxLatencyNs: bigint;
  /** Replay context, or null for live. */
  readonly replayId: string | null;
  /** Whose metadata has the channels. @default not known */
  readonly publisher?: string;
}

/** The topics that carry some channels, each once. */
export function shapesOf(channels: readonly Channel[]): TopicShape[] {
  const shapes = new Map<string, TopicShape>();
  for (const channel of channels) {
    const topic = topicOf(channel);
    shapes.set(topic, {
      topic,
      strideNs: channel.strideNs,
      maxLatencyNs: channel.maxLatencyNs,
      replayId: channel.replayId,
      publisher: channel.publisher,
    });
  }
  return [...shapes.values()];
}
