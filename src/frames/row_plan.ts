// Where the samples of a selection's rows come from: one column a channel, sorted by name.
// Invariant: columns of one timeline are shared between selections, so a channel's text is made once a row.
import type { RowColumn } from "../arrow/row_template.ts";
import type { Channel } from "../channels/channel.ts";
import { SAMPLE_BYTES, topicOf } from "../channels/channel.ts";
import { type ChannelEntry, entryOf } from "../blocks/block_record.ts";
import type {
  MissReason,
  PartitionBlocks,
} from "../blocks/partition_blocks.ts";
import type { Timeline } from "../blocks/timeline.ts";
import { keyOf } from "./row_size.ts";

/** One channel as a timeline sees it. */
export interface Column {
  readonly channel: Channel;
  readonly partition: PartitionBlocks;
  readonly place: ChannelEntry;
  /** Blocks in one row. */
  readonly ratio: number;
  readonly blockBytes: number;
  readonly rowSamples: number;
  /** What it is in Arrow. */
  readonly field: RowColumn;
  /** Which blocks of the row that was copied last are there: 1 or 0 each. */
  readonly present: Uint8Array;
  /** The block that was asked for last: its position in the ring, never used again for another, and its samples. */
  seenPosition: number;
  seen: Uint8Array | null;
  /** `"name":` as UTF-8. */
  readonly key: Uint8Array;
  /** This column's text of `textRow`, a view into the fragment arena, and of which generation. */
  textRow: number;
  textGeneration: number;
  text: Uint8Array;
  /** Of that text among all. */
  textStamp: number;
  /** That text deflated, its CRC, and the shift of its length; made of the text of that stamp. */
  packed: Uint8Array;
  packedCrc: number;
  packedShift: number;
  packedStamp: number;
  /** Why the column is null in `textRow`; null where it is not, or where its block came without it. */
  missing: MissReason | null;
}

const columnsOf = new WeakMap<Timeline, Map<string, Column>>();
const NOTHING = new Uint8Array(0);

/** The columns of a selection on its timeline. */
export function planColumns(
  timeline: Timeline,
  channels: readonly Channel[],
): Column[] {
  let known = columnsOf.get(timeline);
  if (!known) columnsOf.set(timeline, known = new Map());
  const byTopic = new Map(timeline.partitions.map((p) => [p.topic, p]));
  return channels.map((channel) => {
    let column = known.get(channel.name);
    if (!column || column.channel !== channel) {
      const partition = byTopic.get(topicOf(channel));
      if (!partition) {
        throw new Error(`No partition of the timeline carries ${channel.name}`);
      }
      const place = entryOf(channel);
      const ratio = Number(timeline.strideNs / partition.strideNs);
      const rowSamples = place.blockSamples * ratio;
      column = {
        channel,
        partition,
        place,
        ratio,
        blockBytes: place.blockSamples * SAMPLE_BYTES[channel.dataType],
        rowSamples,
        field: {
          name: channel.name,
          dataType: channel.dataType,
          rate: rateText(channel.sampleRate),
          samples: rowSamples,
          parts: ratio,
        },
        present: new Uint8Array(ratio),
        seenPosition: -1,
        seen: null,
        key: keyOf(channel),
        textRow: -1,
        textGeneration: -1,
        text: NOTHING,
        textStamp: -1,
        packed: NOTHING,
        packedCrc: 0,
        packedShift: 0,
        packedStamp: -1,
        missing: null,
      };
      known.set(channel.name, column);
    }
    return column;
  });
}

/** The `rate` of a field's metadata: as Python's str() writes the float. */
export function rateText(sampleRate: number): string {
  return String(sampleRate);
}
