// Bins of trends as lines of text, one for each bin.
// Invariant: min and max are exactly the samples that they were.
import type { Timeline } from "../blocks/timeline.ts";
import type { Channel } from "../channels/channel.ts";
import type { RecordedBins } from "../trends/recorded_trend.ts";
import { newSampleStats, type SampleStats } from "../trends/sample_stats.ts";
import { trendRings } from "../trends/trend_timeline.ts";
import type { BinSelection } from "./bin_messages.ts";
import { whyNotRecorded } from "./bin_texts.ts";
import {
  CELL_TEXTS,
  type CellTexts,
  writeCell,
  writeDouble,
} from "./line_cells.ts";
import { leadsOf, type LineMiss, lineTail } from "./line_parts.ts";
import { LineTimes, putBytes } from "./line_times.ts";
import type { MessageSource } from "./message_source.ts";
import { NUMBER_TEXT_MAX, writeAscii, writeInteger } from "./number_text.ts";
import { LINE_BYTES_MAX, LINE_REASON_BYTES_MAX } from "./row_size.ts";
import type { LineFormat } from "./stream_format.ts";

/** `{"min":,"mean":,"max":,"count":}` with four numbers: at most, and in most bins. */
const VALUES_BYTES_MAX = 40 + 4 * NUMBER_TEXT_MAX;
const VALUES_BYTES = 90;

/** The lines of one selection. */
export class LineBins implements MessageSource {
  readonly template = null;
  readonly isFixedLength = false;
  readonly messageBytes: number;
  readonly messageBytesMax: number;
  readonly #timeline: Timeline;
  readonly #format: LineFormat;
  readonly #texts: CellTexts;
  readonly #times: LineTimes;
  readonly #channels: readonly Channel[];
  readonly #leads: readonly Uint8Array[];
  readonly #rings: readonly RecordedBins[];
  readonly #stats = newSampleStats();

  constructor(
    timeline: Timeline,
    { bin, records }: BinSelection,
    format: LineFormat,
  ) {
    this.#timeline = timeline;
    this.#format = format;
    this.#texts = CELL_TEXTS[format];
    this.#times = new LineTimes(format, bin.binNs);
    this.#channels = records.map(({ channel }) => channel);
    this.#leads = leadsOf(format, this.#channels);
    this.#rings = trendRings(records, bin);
    let bytes = LINE_BYTES_MAX[format];
    let bytesMax = bytes;
    for (const { byteLength } of this.#leads) {
      bytes += byteLength + VALUES_BYTES;
      bytesMax += 2 * byteLength + VALUES_BYTES_MAX + LINE_REASON_BYTES_MAX;
    }
    this.messageBytes = bytes;
    this.messageBytesMax = bytesMax;
  }

  fill(bin: number, target: Uint8Array, at: number, isFill: boolean): number {
    const missing: LineMiss[] = [];
    this.#times.begin(this.#timeline.startNs(bin));
    at = this.#times.write(target, at, 0);
    for (let i = 0; i < this.#rings.length; i++) {
      const channel = this.#channels[i]!;
      const ring = this.#rings[i]!;
      at = putBytes(target, at, this.#leads[i]!);
      if (!isFill && ring.read(bin, this.#stats)) {
        at = this.#writeStats(target, at, channel);
        continue;
      }
      at = this.#writeMissing(target, at);
      missing.push({
        channel,
        reason: isFill ? null : whyNotRecorded(ring, bin),
      });
    }
    return putBytes(target, at, lineTail(this.#format, missing, isFill));
  }

  #writeMissing(out: Uint8Array, at: number): number {
    if (this.#format === "csv") return writeAscii(out, at, ",,,");
    return writeAscii(out, at, this.#texts.missing);
  }

  #writeStats(out: Uint8Array, at: number, { dataType }: Channel): number {
    const texts = this.#texts;
    const { count, sum, min, max, minBig, maxBig }: SampleStats = this.#stats;
    const mean = (at: number) =>
      count === 0
        ? writeAscii(out, at, texts.missing)
        : writeDouble(out, at, sum / count, texts);
    const sample = (at: number, value: number, big: bigint) =>
      count === 0
        ? writeAscii(out, at, texts.missing)
        : writeCell(out, at, { dataType, value, big }, texts);
    if (this.#format === "gwpy") return mean(at);
    const [toMin, toMean, toMax, toCount, end] = this.#format === "csv"
      ? ["", ",", ",", ",", ""]
      : ['{"min":', ',"mean":', ',"max":', ',"count":', "}"];
    at = sample(writeAscii(out, at, toMin!), min, minBig);
    at = mean(writeAscii(out, at, toMean!));
    at = sample(writeAscii(out, at, toMax!), max, maxBig);
    at = writeInteger(out, writeAscii(out, at, toCount!), count);
    return writeAscii(out, at, end!);
  }
}
