// Finds the offset at which the reading of a topic begins, or continues after its position fell out of the log.
// Invariant: no message that was written between two questions to the broker is skipped.
import { findStarts } from "./find_starts.ts";
import type { LogAccess, OffsetLookup } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";
import type { ReadingListener, TopicReading } from "./topic_reading.ts";

const UNKNOWN_SERVER_ERROR = -1;
const OFFSET_OUT_OF_RANGE = 1;

export interface PositionFinderOptions {
  readonly listener: ReadingListener;
  readonly work: KafkaWork;
  /** Kafka refused what was asked of a topic: it is asked again later. */
  readonly onRefused: (reading: TopicReading, errorCode: number) => void;
}

export class PositionFinder {
  readonly #options: PositionFinderOptions;

  constructor(options: PositionFinderOptions) {
    this.#options = options;
  }

  /** Sets the first position of some readings. Throws when the connection fails. */
  async find(
    log: LogAccess,
    readings: readonly TopicReading[],
  ): Promise<void> {
    const searched = readings.filter((r) => typeof r.options.from === "object");
    const others = readings.filter((r) => typeof r.options.from !== "object");
    if (others.length > 0) await this.#lookUp(log, others);
    if (searched.length > 0) await this.#search(log, searched);
  }

  /** By the times of the blocks in the log. */
  async #search(
    log: LogAccess,
    readings: readonly TopicReading[],
  ): Promise<void> {
    const { work, listener, onRefused } = this.#options;
    const asked = readings.flatMap(({ topic, options: { from } }) =>
      typeof from === "object"
        ? [{ topic, fromMs: from.blockMs, blockTime: from.blockTime }]
        : []
    );
    const found = await findStarts(log, asked, work);
    for (const reading of readings) {
      const start = found.get(reading.topic)!;
      if (reading.isCancelled) continue;
      if (start.kind === "refused") onRefused(reading, start.errorCode);
      else reading.begin(start.offset, start.end, listener);
    }
  }

  /** By Kafka's time, or at an end of the log. */
  async #lookUp(
    lookup: OffsetLookup,
    readings: readonly TopicReading[],
  ): Promise<void> {
    const { listener, onRefused } = this.#options;
    // The end first: messages that are written between the two questions lie after it, and are read.
    const ends = await lookup.listOffsets(
      readings.map(({ topic }) => ({ topic, at: "latest" })),
    );
    const begins = await lookup.listOffsets(
      readings.flatMap(({ topic, options: { from } }) =>
        typeof from === "object" ? [] : [{ topic, at: from }]
      ),
    );
    for (const reading of readings) {
      if (reading.isCancelled) continue;
      const begin = begins.get(reading.topic);
      const end = ends.get(reading.topic);
      if (!begin || !end || begin.errorCode || end.errorCode) {
        const errorCode = begin?.errorCode || end?.errorCode;
        onRefused(reading, errorCode || UNKNOWN_SERVER_ERROR);
        continue;
      }
      const offset = begin.offset < 0 ? end.offset : begin.offset;
      reading.begin(offset, end.offset, listener);
    }
  }

  /**
   * Moves a reading whose position is out of range to where it continues. The broker's answer to the fetch does not state
   * the ends of the log (Kafka 4.1), so both are looked up.
   */
  async findAgain(lookup: OffsetLookup, reading: TopicReading): Promise<void> {
    const { listener, onRefused } = this.#options;
    const { topic } = reading;
    const ask = async (at: "earliest" | "latest") =>
      (await lookup.listOffsets([{ topic, at }])).get(topic);
    const first = await ask("earliest");
    const end = await ask("latest");
    if (reading.isCancelled) return;
    if (!first || !end || first.errorCode || end.errorCode) {
      const errorCode = first?.errorCode || end?.errorCode;
      onRefused(reading, errorCode || UNKNOWN_SERVER_ERROR);
    } else if (reading.position < first.offset) {
      reading.passTo(first.offset, listener);
    } else {
      reading.isBeyondEnd = reading.position > end.offset;
      onRefused(reading, OFFSET_OUT_OF_RANGE);
    }
  }
}
