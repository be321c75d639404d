// Bins of trends as Server-Sent Events in JSON.
// Invariant: min and max read back to exactly the samples that they were.
import type { Channel } from "../channels/channel.ts";
import type { RecordedBins } from "../trends/recorded_trend.ts";
import { newSampleStats, type SampleStats } from "../trends/sample_stats.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import { trendRings } from "../trends/trend_timeline.ts";
import type { BinSelection } from "./bin_messages.ts";
import { eventTail } from "./event_tail.ts";
import type { MessageSource } from "./message_source.ts";
import {
  NUMBER_TEXT_MAX,
  writeAscii,
  writeFloat64,
  writeInteger,
  writeSample,
} from "./number_text.ts";
import { keyOf } from "./row_size.ts";

/** Most bytes of an event without its channels. */
const HEAD_BYTES = 160;
/** `,{"min":,"mean":,"max":,"count":}` with four numbers: at most, and in most bins. */
const VALUES_BYTES_MAX = 40 + 4 * NUMBER_TEXT_MAX;
const VALUES_BYTES = 90;
/** Most bytes of a channel's entry in `,"missing":{…}`, without its name. */
const REASON_BYTES = 20;
const COMMA = 44;

/** The events of one selection. */
export class BinTexts implements MessageSource {
  readonly template = null;
  readonly isFixedLength = false;
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  readonly #bin: TrendBin;
  readonly #channels: readonly Channel[];
  readonly #keys: readonly Uint8Array[];
  readonly #rings: readonly RecordedBins[];
  readonly #headOf: (bin: number) => string;
  readonly #stats = newSampleStats();

  /** `headOf`: the lines of a bin's event before its data. */
  constructor(
    { bin, records }: BinSelection,
    headOf: (bin: number) => string,
  ) {
    this.#bin = bin;
    this.#channels = records.map((record) => record.channel);
    this.#rings = trendRings(records, bin);
    this.#keys = this.#channels.map(keyOf);
    this.#headOf = headOf;
    let bytes = HEAD_BYTES;
    for (const { byteLength } of this.#keys) bytes += byteLength + VALUES_BYTES;
    this.messageBytes = bytes;
    this.messageBytesMax = binTextBytesMax(this.#channels);
  }

  fill(bin: number, target: Uint8Array, at: number, isFill: boolean): number {
    const { binNs } = this.#bin;
    const stats = this.#stats;
    const time = BigInt(bin) * binNs;
    at = writeAscii(
      target,
      at,
      `${
        this.#headOf(bin)
      }data: {"time":"${time}","bin_ns":${binNs},"channels":{`,
    );
    const missing: [string, string][] = [];
    for (let i = 0; i < this.#rings.length; i++) {
      const key = this.#keys[i]!;
      if (i > 0) target[at++] = COMMA;
      target.set(key, at);
      at += key.byteLength;
      const ring = this.#rings[i]!;
      if (!isFill && ring.read(bin, stats)) {
        at = writeStats(target, at, this.#channels[i]!, stats);
        continue;
      }
      at = writeAscii(target, at, "null");
      if (!isFill) {
        missing.push([this.#channels[i]!.name, whyNotRecorded(ring, bin)]);
      }
    }
    const tail = eventTail(missing);
    target.set(tail, at);
    return at + tail.byteLength;
  }
}

/** Most bytes of the event of one bin of these channels, before it is packed. */
export function binTextBytesMax(channels: readonly Channel[]): number {
  let bytes = HEAD_BYTES;
  for (const channel of channels) {
    bytes += 2 * keyOf(channel).byteLength + VALUES_BYTES_MAX + REASON_BYTES;
  }
  return bytes;
}

/** Why a trend has no such bin. */
export function whyNotRecorded(ring: RecordedBins, bin: number): string {
  if (ring.first < 0 || bin < ring.first) return "not-recorded";
  return bin < ring.oldest ? "retention" : "missing";
}

function writeStats(
  out: Uint8Array,
  at: number,
  { dataType }: Channel,
  { count, sum, min, max, minBig, maxBig }: SampleStats,
): number {
  if (count === 0) {
    const empty = `{"min":null,"mean":null,"max":null,"count":0}`;
    return writeAscii(out, at, empty);
  }
  at = writeAscii(out, at, `{"min":`);
  at = writeSample(out, at, dataType, min, minBig);
  at = writeAscii(out, at, `,"mean":`);
  at = writeFloat64(out, at, sum / count);
  at = writeAscii(out, at, `,"max":`);
  at = writeSample(out, at, dataType, max, maxBig);
  at = writeAscii(out, at, `,"count":`);
  at = writeInteger(out, at, count);
  return writeAscii(out, at, "}");
}
