// A cluster's metadata: its brokers, its topics, and their leaders. Encodes and decodes version 12 of Kafka's Metadata
// request, as kafkajs implements only up to version 6, which has no topic ids.
// Invariant: a topic that was deleted and made again under its name has another id.
import type { KafkaTask } from "./kafka_work.ts";

export interface TopicLeader {
  readonly topic: string;
  /** 32 hexadecimal digits; empty where the broker does not state it. */
  readonly topicId: string;
  readonly errorCode: number;
  /** Node that leads partition 0; −1 when there is none. */
  readonly leader: number;
  readonly partitionCount: number;
}

export interface ClusterMetadata {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[];
  readonly topics: readonly TopicLeader[];
}

/** Kafka 3.1 and later. */
export const METADATA_VERSION = 12;

/** Tags of the header, all topics, no creation, no authorized operations, tags. */
export const METADATA_REQUEST = Uint8Array.of(0, 0, 0, 0, 0);

const TOPIC_ID_BYTES = 16;
const text = new TextDecoder();

/** Topics between two looks at the slice, and ns that one topic takes. */
const STEP_TOPICS = 64;
const COST_TOPIC = 3500;

/** Reads an answer, its header's tags included, in slices. Throws where it is cut short. */
export async function decodeMetadata(
  bytes: Uint8Array,
  task: KafkaTask,
): Promise<ClusterMetadata> {
  const from = new CompactReader(bytes);
  from.skipTags();
  from.skip(4); // throttle time
  const brokers = from.array(() => {
    const nodeId = from.int32();
    const host = from.text();
    const port = from.int32();
    from.text(); // rack
    from.skipTags();
    return { nodeId, host, port };
  });
  from.text(); // cluster id
  from.skip(4); // controller
  const topics: TopicLeader[] = [];
  for (let count = from.varint(); count > 1; count--) {
    topics.push(topicFrom(from));
    if (topics.length % STEP_TOPICS !== 0) continue;
    task.spend(COST_TOPIC * STEP_TOPICS);
    if (task.isSpent) await task.turn();
  }
  from.skipTags();
  return { brokers, topics };
}

function topicFrom(from: CompactReader): TopicLeader {
  const errorCode = from.int16();
  const topic = from.text();
  const topicId = from.hex(TOPIC_ID_BYTES);
  from.skip(1); // is internal
  let leader = -1;
  const { length: partitionCount } = from.array(() => {
    from.skip(2); // error
    const partition = from.int32();
    const partitionLeader = from.int32();
    if (partition === 0) leader = partitionLeader;
    from.skip(4); // leader epoch
    for (let list = 0; list < 3; list++) { // replicas, in sync, offline
      from.array(() => from.skip(4));
    }
    from.skipTags();
  });
  from.skip(4); // authorized operations
  from.skipTags();
  return { topic, topicId, errorCode, leader, partitionCount };
}

/** Reads Kafka's flexible encoding: lengths are varints, plus one; 0 is null. */
class CompactReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
  }

  int16(): number {
    this.#at += 2;
    return this.#view.getInt16(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#view.getInt32(this.#at - 4);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.#at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("Metadata answer: a varint has at most 5 bytes");
  }

  text(): string {
    const length = this.varint() - 1;
    return length <= 0 ? "" : text.decode(this.#take(length));
  }

  hex(byteLength: number): string {
    return this.#take(byteLength).toHex();
  }

  array<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let count = this.varint(); count > 1; count--) items.push(item());
    return items;
  }

  skip(byteLength: number): void {
    this.#take(byteLength);
  }

  skipTags(): void {
    for (let count = this.varint(); count > 0; count--) {
      this.varint();
      this.skip(this.varint());
    }
  }

  #take(byteLength: number): Uint8Array {
    const end = this.#at + byteLength;
    if (end > this.#bytes.byteLength) {
      throw new RangeError(
        `Metadata answer: ${this.#bytes.byteLength} bytes, ${end} needed`,
      );
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
