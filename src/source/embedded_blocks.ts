// The blocks of the embedded channels, by topic and index. The embedded source and `deno task publish` share them.
// Invariant: a block depends on its topic and index only.
import { samplesIn } from "../channels/channel.ts";
import { BlockTemplate } from "../topics/block_template.ts";
import { byTopic, type EmbeddedChannel } from "./synthetic.ts";

interface Topic {
  readonly members: readonly EmbeddedChannel[];
  /** Samples of a block, by member. */
  readonly counts: readonly number[];
  readonly strideNs: bigint;
  /** Filled for each block: an Arrow writer for each took four times as long as the samples. */
  readonly template: BlockTemplate;
}

export class EmbeddedBlocks {
  readonly channels: readonly EmbeddedChannel[];
  readonly #topics = new Map<string, Topic>();

  constructor(channels: readonly EmbeddedChannel[]) {
    this.channels = channels;
    for (const [topic, members] of byTopic(channels)) {
      const { strideNs, dataType } = members[0]!.channel;
      const counts = members.map(({ channel }) => samplesIn(channel, strideNs));
      const template = new BlockTemplate(
        dataType,
        members.map(({ channel }) => channel.partitionIndex),
        counts.reduce((all, count) => all + count, 0),
      );
      this.#topics.set(topic, { members, counts, strideNs, template });
    }
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Stride of a topic, ns; undefined when there is no such topic. */
  strideNs(topic: string): bigint | undefined {
    return this.#topics.get(topic)?.strideNs;
  }

  /** The message of a block, a copy; it begins at index × stride. */
  blockOf(topic: string, index: number): Uint8Array {
    const found = this.#topics.get(topic);
    if (!found) throw new RangeError(`There is no embedded topic '${topic}'`);
    const { members, counts, strideNs, template } = found;
    template.begin(BigInt(index) * strideNs);
    members.forEach(({ samples }, i) => {
      const count = counts[i]!;
      const { buffer, byteOffset, byteLength } = samples(index * count, count);
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      template.bytes.set(bytes, template.nextAt);
      template.add(count);
    });
    return template.bytes.slice();
  }
}
