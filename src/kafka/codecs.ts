// Compression codecs that kafkajs lacks. gzip is built in. All work without native addons.
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import lz4 from "lz4js";
import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import snappy from "snappyjs";

// Java's snappy framing (xerial): 8 bytes magic, int32 version, int32 compatible version,
// then blocks of int32 length (big-endian) and raw snappy.
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];
const XERIAL_HEAD_BYTES = 16;

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
    return snappy.uncompress(bytes);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  for (let at = XERIAL_HEAD_BYTES; at < bytes.byteLength;) {
    const length = view.getInt32(at);
    if (length < 0 || at + 4 + length > bytes.byteLength) {
      throw new RangeError(`snappy block of ${length} bytes is cut short`);
    }
    parts.push(snappy.uncompress(bytes.subarray(at + 4, at + 4 + length)));
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
    promisify(zstdDecompress),
  );
}
