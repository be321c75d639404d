// What a group of clients needs of its encoder.
// Invariant: a frame holds the same bytes for every client of the group.
import type { StreamTemplate } from "../arrow/stream_template.ts";
import type { Frame } from "./frame.ts";

/** Makes the frames of the rows (or bins) of one selection in one format. */
export interface RowEncoder {
  /** Schema and empty batch of the selection in Arrow; null where clients get no Arrow. */
  readonly template: StreamTemplate | null;
  /** Expected bytes of a frame's body, and the most that it can have. */
  readonly frameBytes: number;
  readonly frameBytesMax: number;
  /**
   * The frame of a row; null when the slab has no room. The caller owns the frame and releases it.
   * `isFill`: the row was reported as missing before, so every channel is null even if samples came later.
   */
  encode(row: number, isFill?: boolean): Frame | null;
  /**
   * The bodies of the rows from `row` to `to`, exclusive, one after another as one frame; null when the slab has no
   * room. Where each row is packed, there is no such method.
   */
  encodeRun?(row: number, to: number): Frame | null;
}
