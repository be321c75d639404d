// Rows of a group that leave in one write while its delivery is behind: a write takes about 5 µs, however short it is.
// Invariant: a run is the bodies of its rows, in order and byte for byte; no row waits for a later one. Where another thread
// writes the ring, a frame is used only if all of its blocks were still there after it was encoded.
import type { Frame } from "../frames/frame.ts";
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
    return this.#books.hasRoomFor(slotBytes * (to - row)) ? to : row + 1;
  }

  /**
   * Encodes the rows from `row` to `to`, or the first one where the slab has no room for all. `full`: not for it either.
   * `gone`: the ring has overwritten one meanwhile.
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
    const frame = to > row + 1 ? this.#encodeRun(group, row, to) : null;
    if (frame !== null) return { frame, to };
    const first = group.rows.encode(row);
    return first === null ? null : { frame: first, to: row + 1 };
  }

  #encodeRun(group: SelectionGroup, row: number, to: number): Frame | null {
    this.#encoders.keepTexts(true);
    try {
      return group.rows.encodeRun!(row, to);
    } finally {
      this.#encoders.keepTexts(false);
    }
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

/** Most rows of a selection in one run: 1 for bins, and where each row is packed, which costs more than to write it. */
function rowsMaxOf({ trend, rows }: SelectionGroup): number {
  if (rows.encodeRun === undefined || trend !== null) return 1;
  return Math.min(ROWS_MAX, Math.floor(BYTES_MAX / rows.frameBytes));
}

/** Whether a client can be sent the rows from its cursor to `to` as one frame: nothing of its own belongs between them. */
export function takesRun(client: GroupClient, to: number): boolean {
  return to <= client.endRow && client.cursor >= client.fillTo &&
    client.gapToReport === null && client.idMark === "";
}
