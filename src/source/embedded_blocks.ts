// The blocks of the embedded channels, by topic and index. The embedded source and `deno task publish` share them.
// Invariant: a block depends on its topic and index only.
import { encodeBlock } from "../arrow/block_encoder.ts";
import { samplesIn } from "../channels/channel.ts";
import { byTopic, type EmbeddedChannel } from "./synthetic.ts";

interface Topic {
  readonly members: readonly EmbeddedChannel[];
  readonly ids: readonly number[];
  readonly strideNs: bigint;
}

export class EmbeddedBlocks {
  readonly channels: readonly EmbeddedChannel[];
  readonly #topics = new Map<string, Topic>();

  constructor(channels: readonly EmbeddedChannel[]) {
    this.channels = channels;
    for (const [topic, members] of byTopic(channels)) {
      this.#topics.set(topic, {
        members,
        ids: members.map((m) => m.channel.partitionIndex),
        strideNs: members[0]!.channel.strideNs,
      });
    }
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Stride of a topic, ns; undefined when there is no such topic. */
  strideNs(topic: string): bigint | undefined {
    return this.#topics.get(topic)?.strideNs;
  }

  /** The message of a block; it begins at index × stride. */
  blockOf(topic: string, index: number): Uint8Array {
    const found = this.#topics.get(topic);
    if (!found) throw new RangeError(`There is no embedded topic '${topic}'`);
    const { members, ids, strideNs } = found;
    return encodeBlock(
      BigInt(index) * strideNs,
      members[0]!.channel.dataType,
      ids,
      members.map(({ channel, samples }) => {
        const count = samplesIn(channel, strideNs);
        return samples(index * count, count);
      }),
    );
  }
}
