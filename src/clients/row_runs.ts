// Rows of a group that leave in one write while its delivery is behind: a write takes about 5 µs, however short it is.
// Invariant: a run is the bodies of its rows, in order and byte for byte; no row waits for a later one. Where another thread
// writes the ring, a frame is used only if all of its blocks were still there after it was encoded.
import { Frame } from "../frames/frame.ts";
import type { RowEncoders } from "../frames/row_encoders.ts";
import type { ClientBooks } from "./client_books.ts";
import type { GroupClient, SelectionGroup } from "./selection_group.ts";

/** Most rows of a run. Eight rows in one write cost 1.15 µs each (docs/scaling.md); more save hardly anything. */
const ROWS_MAX = 8;
/** Most bytes of a run, as far as rows have their expected length: longer ones cost more than their write. */
const BYTES_MAX = 64 * 1024;

/** Rows that follow each other, as one frame. The caller releases it. */
export interface RowRun {
  readonly frame: Frame;
  /** The row behind the last one. */
  readonly to: number;
}

/** Decides which rows form a run, and encodes them. */
export class RowRuns {
  readonly #encoders: RowEncoders;
  readonly #books: ClientBooks;

  constructor(encoders: RowEncoders, books: ClientBooks) {
    this.#encoders = encoders;
    this.#books = books;
  }

  /**
   * The row behind a run that begins with `row`, which is held: at most `limit`, and before the next row that is short
   * or not held, since clients are given such a row one by one.
   */
  endOf(group: SelectionGroup, row: number, limit: number): number {
    const { timeline, slotBytes } = group;
    if (limit <= row + 1 || timeline.isShort(row)) return row + 1;
    const end = Math.min(limit, row + rowsMaxOf(group));
    let to = row + 1;
    while (to < end && !timeline.isShort(to)) to++;
    // Each row has a slot of its own until they are joined.
    const bytes = 2 * slotBytes * (to - row);
    return this.#books.hasRoomFor(bytes) ? to : row + 1;
  }

  /**
   * Encodes the rows from `row` to `to`, or as many as the slab has room for. `full`: for none of them. `gone`: the ring
   * has overwritten one meanwhile.
   */
  encode(
    group: SelectionGroup,
    row: number,
    to: number,
  ): RowRun | "full" | "gone" {
    const run = this.#encode(group, row, to);
    if (run === null) return "full";
    if (!isOverwritten(group, row, run.to)) return run;
    run.frame.release();
    this.#encoders.dropTexts();
    return "gone";
  }

  #encode(group: SelectionGroup, row: number, to: number): RowRun | null {
    if (to === row + 1) {
      const frame = group.rows.encode(row);
      return frame === null ? null : { frame, to };
    }
    const frames: Frame[] = [];
    this.#encoders.keepTexts(true);
    try {
      while (row + frames.length < to) {
        const frame = group.rows.encode(row + frames.length);
        if (frame === null) break;
        frames.push(frame);
      }
    } catch (error) {
      for (const frame of frames) frame.release();
      throw error;
    } finally {
      this.#encoders.keepTexts(false);
    }
    return joined(frames, row);
  }
}

function isOverwritten(
  { timeline }: SelectionGroup,
  row: number,
  to: number,
): boolean {
  const { ring } = timeline.partitions[0]!;
  if (!ring.isWrittenElsewhere) return false;
  ring.copied();
  for (let i = row; i < to; i++) {
    if (timeline.stateOf(i) === "gone") return true;
  }
  return false;
}

function joined(frames: readonly Frame[], row: number): RowRun | null {
  const first = frames[0];
  if (first === undefined) return null;
  const frame = frames.length === 1 ? null : Frame.joined(frames);
  for (const single of frames) {
    if (frame !== null || single !== first) single.release();
  }
  return frame === null
    ? { frame: first, to: row + 1 }
    : { frame, to: row + frames.length };
}

/** Most rows of a selection in one run: 1 for bins, and where it costs more to pack a row than to write it. */
function rowsMaxOf({ coding, codec, trend, rows }: SelectionGroup): number {
  if (coding !== "identity" || codec !== null || trend !== null) return 1;
  return Math.min(ROWS_MAX, Math.floor(BYTES_MAX / rows.frameBytes));
}

/** Whether a client can be sent the rows from its cursor to `to` as one frame: nothing of its own belongs between them. */
export function takesRun(client: GroupClient, to: number): boolean {
  return to <= client.endRow && client.cursor >= client.fillTo &&
    client.gapToReport === null && client.idMark === "";
}
