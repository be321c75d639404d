// Decompresses record batches in all of Kafka's codecs, in slices and up to a limit, without native addons.
// Invariant: content beyond the limit is refused before memory is taken for it, whatever its bytes claim.
import { Buffer } from "node:buffer";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";
import type { KafkaTask } from "./kafka_work.ts";
import { unlz4 } from "./lz4_frame.ts";
import { unsnappy } from "./snappy_blocks.ts";

/** How a batch is compressed: bits 0 to 2 of its attributes. */
export const CODEC_NONE = 0;
const CODEC_GZIP = 1;
const CODEC_SNAPPY = 2;
const CODEC_LZ4 = 3;
const CODEC_ZSTD = 4;

/** The most bytes that one compressed byte can expand to; zstd has no such limit. */
const RATIO_MAX: Readonly<Record<number, number>> = {
  [CODEC_GZIP]: 1032,
  [CODEC_SNAPPY]: 22,
  [CODEC_LZ4]: 255,
  [CODEC_ZSTD]: Infinity,
};

/** zlib works in steps of this many bytes. A step holds the event loop, even of asynchronous calls (Deno 2.9). */
const CHUNK_BYTES_MIN = 16 * 1024;
const CHUNK_BYTES_MAX = 128 * 1024;
/** A frame states the size of its window, which the decoder allocates at once: at most the size of a batch. */
const ZSTD_WINDOW_LOG_MAX = 26;
const ZSTD_OPTIONS = {
  params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
};
/** ns for each byte that zlib writes, and for each byte that is copied afterwards. */
const COST_INFLATED = 6;
const COST_COPIED = 1;

/** The most bytes that a batch can have when it is decompressed. */
export function expandedBytesMax(
  codec: number,
  byteLength: number,
  limitBytes: number,
): number {
  const ratio = RATIO_MAX[codec] ?? 1;
  return Math.min(limitBytes, Math.ceil(byteLength * ratio));
}

/** Decompresses a batch's records. Throws where they would exceed `limitBytes`. */
export async function expand(
  codec: number,
  bytes: Uint8Array,
  limitBytes: number,
  task: KafkaTask,
): Promise<Buffer> {
  switch (codec) {
    case CODEC_GZIP:
      return await inflate(createGunzip, {}, bytes, limitBytes, task);
    case CODEC_SNAPPY:
      return bufferOf(await unsnappy(bytes, limitBytes, task));
    case CODEC_LZ4:
      return bufferOf(await unlz4(bytes, limitBytes, task));
    case CODEC_ZSTD:
      return await inflate(
        createZstdDecompress,
        ZSTD_OPTIONS,
        bytes,
        limitBytes,
        task,
      );
    default:
      throw new RangeError(`compression ${codec} is unknown`);
  }
}

async function inflate(
  create: typeof createGunzip | typeof createZstdDecompress,
  options: { params?: Record<number, number> },
  bytes: Uint8Array,
  limitBytes: number,
  task: KafkaTask,
): Promise<Buffer> {
  const chunkSize = Math.min(
    CHUNK_BYTES_MAX,
    Math.max(CHUNK_BYTES_MIN, 4 * bytes.byteLength),
  );
  const stream = create({ chunkSize, ...options });
  const chunks: Buffer[] = [];
  let contentBytes = 0;
  task.stop();
  try {
    stream.end(bytes);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      contentBytes += chunk.byteLength;
      if (contentBytes > limitBytes) {
        throw new RangeError(`content exceeds ${limitBytes} bytes`);
      }
      chunks.push(chunk);
      task.spend(COST_INFLATED * chunk.byteLength);
      // Meanwhile the stream is not read, and so it pauses.
      if (task.isSpent) await task.turn();
      task.stop();
    }
  } finally {
    stream.destroy();
    task.start();
  }
  if (chunks.length === 1) return chunks[0]!;
  const content = Buffer.allocUnsafe(contentBytes);
  let at = 0;
  for (const chunk of chunks) {
    content.set(chunk, at);
    at += chunk.byteLength;
    task.spend(COST_COPIED * chunk.byteLength);
    if (task.isSpent) await task.turn();
  }
  return content;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
