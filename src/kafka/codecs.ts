// Compression codecs that kafkajs lacks, and gzip with a limit. All work without native addons.
// Invariant: a batch that would grow beyond BATCH_BYTES_MAX is refused, whatever its bytes claim.
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import lz4 from "lz4js";
import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import snappy from "snappyjs";

// Java's snappy framing (xerial): 8 bytes magic, int32 version, int32 compatible version,
// then blocks of int32 length (big-endian) and raw snappy.
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEAD_BYTES = 16;

/** Publishers write messages up to 10 MB; a few hundred bytes of zstd can claim gigabytes. */
export const BATCH_BYTES_MAX = 256 * 1024 * 1024;

interface Encoded {
  readonly buffer: Uint8Array;
}

interface Codec {
  compress(encoder: Encoded): Promise<Buffer>;
  decompress(bytes: Uint8Array): Promise<Buffer>;
}

/** Undoes snappy with or without Java's framing. */
export function unsnappy(bytes: Uint8Array): Uint8Array {
  if (!XERIAL_MAGIC.every((byte, i) => bytes[i] === byte)) {
    return snappy.uncompress(bytes, BATCH_BYTES_MAX);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let room = BATCH_BYTES_MAX;
  for (let at = XERIAL_HEAD_BYTES; at < bytes.byteLength;) {
    const length = view.getInt32(at);
    if (length < 0 || at + 4 + length > bytes.byteLength) {
      throw new RangeError(`snappy block of ${length} bytes is cut short`);
    }
    const block = bytes.subarray(at + 4, at + 4 + length);
    const part = snappy.uncompress(block, room);
    room -= part.byteLength;
    parts.push(part);
    at += 4 + length;
  }
  return Buffer.concat(parts);
}

function codec(
  pack: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
  unpack: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): () => Codec {
  const buffer = (bytes: Uint8Array) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return () => ({
    compress: async (encoder) => buffer(await pack(encoder.buffer)),
    decompress: async (bytes) => buffer(await unpack(bytes)),
  });
}

/** Teaches kafkajs snappy, zstd, and to read lz4. Idempotent. */
export function registerCodecs(): void {
  const codecs = CompressionCodecs as unknown as Record<number, () => Codec>;
  const limit = { maxOutputLength: BATCH_BYTES_MAX };
  codecs[CompressionTypes.GZIP] = codec(
    promisify(gzip),
    (bytes) => promisify(gunzip)(bytes, limit),
  );
  codecs[CompressionTypes.Snappy] = codec(
    (bytes) => snappy.compress(bytes),
    unsnappy,
  );
  codecs[CompressionTypes.LZ4] = codec(
    // Brokers refuse the frames that lz4js writes; what Java and librdkafka write, it reads.
    () => {
      throw new Error("lz4 can be read, not written: choose zstd or snappy");
    },
    (bytes) => lz4.decompress(bytes),
  );
  codecs[CompressionTypes.ZSTD] = codec(
    promisify(zstdCompress),
    (bytes) => promisify(zstdDecompress)(bytes, limit),
  );
}
