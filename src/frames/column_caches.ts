// What is made once per channel for all selections that have it: samples read, texts, deflated texts, packed samples.
// Invariant: a cache lives as long as what it belongs to (a column, or a channel in its partition), and no longer.
import type { PartitionBlocks } from "../blocks/partition_blocks.ts";
import type { Channel } from "../channels/channel.ts";
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
  readonly #texts = new WeakMap<Column, ChannelText>();
  readonly #deflated = new WeakMap<Column, DeflatedText>();
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

  textOf(column: Column): ChannelText {
    const make = () => new ChannelText(this.samplesOf(column), this.#arena);
    return cached(this.#texts, column, make);
  }

  deflatedTextOf(column: Column): DeflatedText {
    const make = () => new DeflatedText(this.textOf(column));
    return cached(this.#deflated, column, make);
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

function cached<K, V>(
  known: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  let value = known.get(key);
  if (value === undefined) known.set(key, value = make());
  return value;
}
