// Computes whether the rows of a selection are too large to be sent, before anything is reserved for it.
import { rowStrideOf } from "../blocks/row_stride.ts";
import type { Channel } from "../channels/channel.ts";
import { ENVELOPE_BYTES } from "../frames/frame.ts";
import { rowBlocksOf, rowBytesOf } from "../frames/row_size.ts";
import type { StreamShape } from "../frames/stream_format.ts";
import { binTextBytesMax } from "../frames/bin_texts.ts";
import { SLOT_BYTES_MAX } from "../memory/slab.ts";

/** Most blocks that are joined in one row: finding so many takes about 10 ms. */
const ROW_BLOCKS_MAX = 1 << 20;
const BODY_BYTES_MAX = SLOT_BYTES_MAX - ENVELOPE_BYTES;

/** What is wrong with the rows of a selection, as a sentence; null when they can be sent. */
export function rowTooLarge(
  channels: readonly Channel[],
  { format, trend }: StreamShape,
): string | null {
  if (trend) return null;
  const strideNs = rowStrideOf(channels.map((c) => c.strideNs));
  const tooLong = frameTooLarge(rowBytesOf(channels, strideNs, format));
  if (tooLong !== null) return tooLong;
  const blocks = rowBlocksOf(channels, strideNs);
  if (blocks <= ROW_BLOCKS_MAX) return null;
  return `A row of this selection is made of ${blocks} blocks, at most ${ROW_BLOCKS_MAX} can be joined: ask for ` +
    "fewer channels, or for channels of more similar strides";
}

/** What is wrong with a row of so many bytes; null when it can be sent. */
export function frameTooLarge(bytes: number): string | null {
  if (bytes <= BODY_BYTES_MAX) return null;
  return `A row of this selection can take ${bytes} bytes, ` +
    `at most ${BODY_BYTES_MAX} can be sent: ask for ` +
    `fewer channels, or for Arrow where text is asked for`;
}

/** What is wrong with the trend events of some channels (`slow=trend`); null when they can be sent. */
export function trendEventTooLarge(
  channels: readonly Channel[],
): string | null {
  const bytes = binTextBytesMax(channels);
  if (bytes <= BODY_BYTES_MAX) return null;
  return `A trend event of this selection can take ${bytes} bytes, ` +
    `at most ${BODY_BYTES_MAX} can be sent: ask for ` +
    `fewer channels, or for another slow= than trend`;
}
