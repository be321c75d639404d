// Bins of trends as Arrow record batch messages.
// Invariant: the bins of a selection have one length; min and max are exactly the samples that they were.
import {
  COUNT,
  MAX,
  MEAN,
  MIN,
  setSample,
  TrendTemplate,
} from "../arrow/trend_template.ts";
import type { Timeline } from "../blocks/timeline.ts";
import type { Channel } from "../channels/channel.ts";
import type { ChannelNotes } from "../channels/channel_notes.ts";
import type { RecordedBins, RecordedTrend } from "../trends/recorded_trend.ts";
import { newSampleStats } from "../trends/sample_stats.ts";
import type { TrendBin } from "../trends/trend_bins.ts";
import { trendRings } from "../trends/trend_timeline.ts";
import type { MessageSource } from "./message_source.ts";
import { rateText } from "./row_plan.ts";

/** The bins of one selection. */
export interface BinSelection {
  readonly bin: TrendBin;
  /** The records of its channels, sorted by name. */
  readonly records: readonly RecordedTrend[];
}

/** The record batches of one selection: one row, four columns (min, mean, max, count) per channel. */
export class BinMessages implements MessageSource {
  readonly template: TrendTemplate;
  readonly isFixedLength = true;
  readonly messageBytes: number;
  readonly #timeline: Timeline;
  readonly #channels: readonly Channel[];
  readonly #rings: readonly RecordedBins[];
  readonly #stats = newSampleStats();

  constructor(
    timeline: Timeline,
    { records, bin }: BinSelection,
    notes: ChannelNotes,
  ) {
    this.#timeline = timeline;
    this.#channels = records.map((record) => record.channel);
    this.#rings = trendRings(records, bin);
    this.template = new TrendTemplate(
      this.#channels.map(({ name, dataType, sampleRate }) => ({
        name,
        dataType,
        rate: rateText(sampleRate),
      })),
      bin.name,
      notes.forChannels(this.#channels),
    );
    this.messageBytes = this.template.byteLength;
  }

  get messageBytesMax(): number {
    return this.messageBytes;
  }

  fill(row: number, target: Uint8Array, at: number, isFill: boolean): number {
    const { template } = this;
    const stats = this.#stats;
    const view = template.begin(target, at, this.#timeline.startNs(row));
    const end = at + this.messageBytes;
    if (isFill) return end;
    for (let i = 0; i < this.#rings.length; i++) {
      if (!this.#rings[i]!.read(row, stats)) continue;
      const count = BigInt(stats.count);
      view.setBigInt64(template.present(view, i, COUNT), count, true);
      if (stats.count === 0) continue;
      const mean = stats.sum / stats.count;
      view.setFloat64(template.present(view, i, MEAN), mean, true);
      const { dataType } = this.#channels[i]!;
      const { min, max, minBig, maxBig } = stats;
      const low = { dataType, value: min, big: minBig };
      const high = { dataType, value: max, big: maxBig };
      setSample(view, template.present(view, i, MIN), low);
      setSample(view, template.present(view, i, MAX), high);
    }
    return end;
  }
}
