// Builds record batches as Kafka writes them.
import { Buffer } from "node:buffer";
import { LoopSlices } from "../../src/kafka/loop_slices.ts";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import type { RawTopic } from "../../src/kafka/fetch_answer.ts";

/** Zigzag, 7 bits a byte. */
export function varint(value: number): number[] {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  const bytes: number[] = [];
  while (rest >= 0x80) {
    bytes.push(rest % 0x80 | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

export interface RecordMade {
  readonly offsetDelta: number;
  readonly timeDelta?: number;
  readonly key?: Uint8Array | null;
  readonly value?: Uint8Array | null;
}

export function recordBytes(
  { offsetDelta, timeDelta = 0, key = null, value = null }: RecordMade,
): number[] {
  const data = (bytes: Uint8Array | null) =>
    bytes === null ? varint(-1) : [...varint(bytes.length), ...bytes];
  const rest = [
    ...[0, ...varint(timeDelta), ...varint(offsetDelta)],
    ...[...data(key), ...data(value), 0],
  ];
  return [...varint(rest.length), ...rest];
}

export interface BatchMade {
  readonly first: number;
  /** Offset of the last record that the batch had when it was written, relative to the first. */
  readonly lastDelta: number;
  /** Offsets of its records, each with its offset as text. @default all */
  readonly offsets?: readonly number[];
  /** Replaces the bytes of the records. */
  readonly body?: Uint8Array;
  readonly count?: number;
  readonly codec?: number;
  readonly magic?: number;
  readonly producerId?: number;
  readonly isTransactional?: boolean;
  /** A control batch that ends a transaction of `producerId`. */
  readonly marker?: "abort" | "commit";
  readonly attributes?: number;
}

export function batchBytes(made: BatchMade): Buffer {
  const { first, lastDelta, marker, magic = 2, codec = 0 } = made;
  const offsets = made.offsets ??
    Array.from({ length: lastDelta + 1 }, (_, i) => first + i);
  const key = Uint8Array.of(0, 0, 0, marker === "commit" ? 1 : 0);
  const body = made.body ?? Buffer.from(
    offsets.flatMap((offset) =>
      recordBytes({
        offsetDelta: offset - first,
        key: marker ? key : null,
        value: Buffer.from(String(offset)),
      })
    ),
  );
  const bytes = Buffer.alloc(61 + body.length);
  bytes.writeBigInt64BE(BigInt(first), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(magic, 16);
  bytes.writeInt16BE(
    codec | (marker ? 0x30 : 0) | (made.isTransactional ? 0x10 : 0) |
      (made.attributes ?? 0),
    21,
  );
  bytes.writeInt32BE(lastDelta, 23);
  bytes.writeBigInt64BE(1000n, 27);
  bytes.writeBigInt64BE(5000n, 35);
  bytes.writeBigInt64BE(BigInt(made.producerId ?? -1), 43);
  bytes.writeInt32BE(made.count ?? offsets.length, 57);
  bytes.set(body, 61);
  return bytes;
}

/** A topic of an answer. `aborted`: producer id and first offset of each transaction. */
export function rawTopic(
  batches: readonly Uint8Array[],
  more: Partial<RawTopic> = {},
  aborted: readonly (readonly [number, number])[] = [],
): RawTopic {
  const list = Buffer.alloc(16 * aborted.length);
  aborted.forEach(([producerId, first], i) => {
    list.writeBigInt64BE(BigInt(producerId), 16 * i);
    list.writeBigInt64BE(BigInt(first), 16 * i + 8);
  });
  return {
    topic: "t",
    errorCode: 0,
    highWatermark: 100,
    lastStableOffset: 100,
    aborted: list,
    batches: Buffer.concat(batches),
    ...more,
  };
}

/** Rounds of an event loop that are made one by one. */
export class Rounds {
  readonly #due: (() => void)[] = [];
  readonly slices = new LoopSlices({ later: (round) => this.#due.push(round) });
  made = 0;

  /** Runs one round: everything that is due, and the promises that follow from it. */
  async next(): Promise<void> {
    this.made++;
    for (const round of this.#due.splice(0)) round();
    await flushed();
  }

  /** Rounds until it has ended. Streams of zlib take real rounds between them. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = () => isDone = true;
    work.then(end, end);
    while (!isDone) await this.next();
    return await work;
  }
}

/** Resolved promises have continued, and so has zlib. */
export async function flushed(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}

/** Work whose rounds are the loop's own. */
export function newWork(): KafkaWork {
  return new KafkaWork();
}
