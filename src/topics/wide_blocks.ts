// Turns the messages of a mapped topic into blocks as Arrakis writes them, one message for each block and data type.
// Invariant: it never throws for a message, whatever its bytes are; the bytes of a block are valid until the next call.
import type { DataType } from "../channels/channel.ts";
import { BlockTemplate } from "./block_template.ts";
import { copySamples } from "./copy_samples.ts";
import { MessageFault } from "./message_fault.ts";
import { RowGrid } from "./row_grid.ts";
import type { SchemaPlan } from "./schema_plan.ts";
import type { TopicMapping } from "./topic_mapping.ts";
import { type Batch, WideMessage } from "./wide_message.ts";

/** Most blocks of one message. */
export const MESSAGE_BLOCKS_MAX = 4096;
/**
 * Most bytes of these blocks. A block has room for all its samples, and nulls take no room in a message: without this
 * limit a small message could become more than the memory holds.
 */
export const BLOCKS_BYTES_MAX: number = 256 * 1024 * 1024;
/** What a block has for each channel besides its samples: time, id, offset. */
const CHANNEL_BYTES = 16;

export class WideBlocks {
  /** Of the message that was read last. */
  plan: SchemaPlan | null = null;
  /** Rows of it that are in no block: not in the grid, or not enough for one. */
  skippedRows = 0;
  /** Samples of a channel that one of its blocks lacks: a null, or a list of another length. Counted by channel and block. */
  missing = 0;
  readonly #mapping: TopicMapping;
  readonly #message: WideMessage;
  readonly #grid: RowGrid;
  #templates = new WeakMap<SchemaPlan, Map<DataType, BlockTemplate>>();
  /** The batch that the last block began in, and the rows before it. */
  #batch = 0;
  #batchRow = 0;

  constructor(mapping: TopicMapping) {
    this.#mapping = mapping;
    this.#message = new WideMessage(
      mapping,
      MESSAGE_BLOCKS_MAX * mapping.blockRows,
    );
    this.#grid = new RowGrid(mapping);
  }

  /** Reads a message. Returns null, or what is wrong with it. */
  read(value: Uint8Array): string | null {
    this.plan = null;
    this.#grid.blockCount = 0;
    this.skippedRows = 0;
    this.missing = 0;
    this.#batch = 0;
    this.#batchRow = 0;
    try {
      const plan = this.#message.read(value);
      const { batches, rowCount } = this.#message;
      this.skippedRows = this.#grid.take(batches, rowCount);
      this.#checkBytes(plan);
      this.plan = plan;
      return null;
    } catch (error) {
      this.#grid.blockCount = 0;
      if (error instanceof MessageFault) return error.message;
      if (error instanceof RangeError) return "it points outside itself";
      throw error;
    }
  }

  get blockCount(): number {
    return this.#grid.blockCount;
  }

  /** The start of a block, GPS ns. */
  timeNs(block: number): bigint {
    return this.#grid.timesNs[block]!;
  }

  /** A block's channels of one type. Blocks of one message are asked for in order. */
  block(block: number, dataType: DataType): Uint8Array {
    const template = this.#templateOf(this.plan!, dataType);
    const { columns } = this.plan!;
    const { blockRows } = this.#mapping;
    template.begin(this.timeNs(block));
    const row = this.#enter(this.#grid.rows[block]!);
    const batch = this.#message.batches[this.#batch]!;
    const buffers = batch.plan.columns;
    const isInBatch = row + blockRows <= batch.plan.rowCount;
    const numbers = template.columns;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i]!;
      const column = columns[number]!;
      const isWhole = isInBatch
        ? copySamples(
          batch,
          column,
          buffers[number]!,
          row,
          blockRows,
          template,
          template.nextAt,
        )
        : this.#copy(number, row, template);
      if (!isWhole) this.missing++;
      template.add(isWhole ? column.rowSamples * blockRows : 0);
    }
    return template.bytes;
  }

  #checkBytes({ columns, rowBytes }: SchemaPlan): void {
    const blockBytes = rowBytes * this.#mapping.blockRows +
      CHANNEL_BYTES * columns.length;
    const bytes = this.blockCount * blockBytes;
    if (bytes <= BLOCKS_BYTES_MAX) return;
    throw new MessageFault(
      `its ${this.blockCount} blocks have ${bytes} bytes, at most ${BLOCKS_BYTES_MAX} are made of one message; ` +
        "send fewer rows in each",
    );
  }

  /** Moves to the batch of a row; the row's number in it. */
  #enter(row: number): number {
    const { batches } = this.#message;
    if (row < this.#batchRow) this.#batch = this.#batchRow = 0;
    while (row - this.#batchRow >= batches[this.#batch]!.plan.rowCount) {
      this.#batchRow += batches[this.#batch++]!.plan.rowCount;
    }
    return row - this.#batchRow;
  }

  /** Copies the samples of a column for one block, which begins at a row of the current batch. */
  #copy(number: number, row: number, template: BlockTemplate): boolean {
    const column = this.plan!.columns[number]!;
    const { batches } = this.#message;
    let left = this.#mapping.blockRows;
    let to = template.nextAt;
    let from = row;
    for (let i = this.#batch; left > 0; i++) {
      const batch: Batch = batches[i]!;
      const rows = Math.min(left, batch.plan.rowCount - from);
      const buffers = batch.plan.columns[number]!;
      if (!copySamples(batch, column, buffers, from, rows, template, to)) {
        return false;
      }
      to += rows * column.rowSamples * column.sampleBytes;
      left -= rows;
      from = 0;
    }
    return true;
  }

  #templateOf(plan: SchemaPlan, dataType: DataType): BlockTemplate {
    let byType = this.#templates.get(plan);
    if (!byType) this.#templates.set(plan, byType = new Map());
    let template = byType.get(dataType);
    if (!template) {
      template = templateOf(plan, dataType, this.#mapping.blockRows);
      byType.set(dataType, template);
    }
    return template;
  }
}

function templateOf(
  { columns }: SchemaPlan,
  dataType: DataType,
  blockRows: number,
): BlockTemplate {
  const numbers: number[] = [];
  const ids: number[] = [];
  let samples = 0;
  columns.forEach((column, number) => {
    if (column.dataType !== dataType) return;
    numbers.push(number);
    ids.push(column.index);
    samples += column.rowSamples * blockRows;
  });
  // Without any channel the block says that there is none: a row without samples.
  if (ids.length === 0) ids.push(0);
  return new BlockTemplate(dataType, ids, samples, numbers);
}
