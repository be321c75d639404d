// What is made once per channel for all selections that have it: samples read, texts, deflated texts, packed samples.
// Invariant: a cache lives as long as what it belongs to (a column, or a channel in its partition), and no longer.
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Channel } from "../channels/channel.ts";
import { cached } from "./cached.ts";
import { ChannelText } from "./channel_text.ts";
import { ColumnSamples } from "./column_samples.ts";
import { DeflatedText } from "./deflated_text.ts";
import type { Column } from "./row_plan.ts";
import { type PackMethod, SamplePack } from "./sample_pack.ts";
import type { TextArena } from "./text_arena.ts";

/** The caches of all columns. One per process. */
export class ColumnCaches {
  readonly #arena: TextArena;
  readonly #samples = new WeakMap<Column, ColumnSamples>();
  /** By timeline, since one that waits for a partition sends a block which another one has given up. */
  readonly #texts = new WeakMap<Timeline, WeakMap<Column, ChannelText>>();
  readonly #deflated = new WeakMap<ChannelText, DeflatedText>();
  /** By partition, since timelines of different selections read the same blocks. */
  readonly #packs = new WeakMap<
    PartitionBlocks,
    WeakMap<Channel, Map<string, SamplePack>>
  >();

  constructor(arena: TextArena) {
    this.#arena = arena;
  }

  samplesOf(column: Column): ColumnSamples {
    return cached(this.#samples, column, () => new ColumnSamples(column));
  }

  /** The column's text in the rows of one timeline. */
  textOf(column: Column, timeline: Timeline): ChannelText {
    const texts = cached(this.#texts, timeline, () => new WeakMap());
    const make = () => new ChannelText(this.samplesOf(column), this.#arena);
    return cached(texts, column, make);
  }

  deflatedTextOf(column: Column, timeline: Timeline): DeflatedText {
    const text = this.textOf(column, timeline);
    return cached(this.#deflated, text, () => new DeflatedText(text));
  }

  /** The column's samples packed by one method. */
  packOf(column: Column, method: PackMethod): SamplePack {
    const { partition, channel, ratio } = column;
    const channels = cached(this.#packs, partition, () => new WeakMap());
    const packs = cached(channels, channel, () => new Map());
    const make = () => new SamplePack(partition, ratio, method);
    return cached(packs, `${method} ${ratio}`, make);
  }
}
