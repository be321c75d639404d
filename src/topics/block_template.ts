// A message as Arrakis writes it, for the channels of one type of a mapped topic; its bytes are filled again for each block.
// Invariant: the header never changes. A channel that a block lacks is a list of length 0, which the page ring takes as
// missing.
import { BatchMessage } from "../arrow/batch_message.ts";
import { encodeBlock } from "../arrow/block_encoder.ts";
import { newSamples } from "../arrow/arrow_types.ts";
import { prefixedBytes } from "../arrow/message_header.ts";
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import type { SampleTarget } from "./copy_samples.ts";

// Buffers of (time, id, data: list<T>), each after a validity bitmap, as in src/arrow/block_decoder.ts.
const TIME = 1;
const ID = 3;
const OFFSETS = 5;
const ITEMS = 7;
const END_BYTES = 8;

export class BlockTemplate implements SampleTarget {
  /** The message. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Numbers of the plan's columns whose samples are in it, in this order. */
  readonly columns: readonly number[];
  readonly #times: BigInt64Array;
  readonly #offsets: Int32Array;
  readonly #itemsAt: number;
  readonly #sampleBytes: number;
  #count = 0;

  /** `ids`: `partition_index` of each row, at least one; `samples`: of each row, at most. */
  constructor(
    dataType: DataType,
    ids: readonly number[],
    samples: number,
    columns: readonly number[] = [],
  ) {
    const rows = ids.length;
    this.columns = columns;
    this.#sampleBytes = SAMPLE_BYTES[dataType];
    const schema = schemaBytes(dataType);
    const batch = new BatchMessage(
      rows,
      Int32Array.of(rows, 0, rows, 0, rows, 0, samples, 0),
      Int32Array.of(
        0,
        8 * rows,
        0,
        4 * rows,
        0,
        4 * (rows + 1),
        0,
        this.#sampleBytes * samples,
      ),
    );
    const at = schema.byteLength;
    const end = at + batch.bytes.byteLength;
    this.bytes = new Uint8Array(end + END_BYTES);
    this.view = new DataView(this.bytes.buffer);
    this.bytes.set(schema);
    this.bytes.set(batch.bytes, at);
    // The end of the stream: a continuation mark, and no metadata.
    this.bytes.fill(0xff, end, end + 4);
    const { buffer } = this.bytes;
    this.#times = new BigInt64Array(buffer, at + batch.bufferAt(TIME), rows);
    new Uint32Array(buffer, at + batch.bufferAt(ID), rows).set(ids);
    this.#offsets = new Int32Array(
      buffer,
      at + batch.bufferAt(OFFSETS),
      rows + 1,
    );
    this.#itemsAt = at + batch.bufferAt(ITEMS);
  }

  /** Begins a block at GPS ns. */
  begin(timeNs: bigint): void {
    this.#times.fill(timeNs);
    this.#count = 0;
  }

  /** Where the samples of the next row belong. */
  get nextAt(): number {
    return this.#itemsAt + this.#offsets[this.#count]! * this.#sampleBytes;
  }

  /** Ends a row, which has so many samples. */
  add(samples: number): void {
    this.#offsets[this.#count + 1] = this.#offsets[this.#count]! + samples;
    this.#count++;
  }
}

/** The schema message of a type. */
function schemaBytes(dataType: DataType): Uint8Array {
  const block = encodeBlock(0n, dataType, [0], [newSamples(dataType, 1)]);
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  return block.subarray(0, prefixedBytes(view, 0));
}
