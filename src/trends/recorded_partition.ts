// One partition with recorded channels: reports when blocks of it can be recorded, and begins again with its publisher.
import type { Timeline } from "../blocks/timeline.ts";
import type { TimelineListener } from "../blocks/timeline_listener.ts";
import type { TrendRecord } from "./trend_record.ts";

/** One partition with recorded channels. */
export class RecordedPartition implements TimelineListener {
  readonly timeline: Timeline;
  readonly records = new Set<TrendRecord>();
  readonly #onSettled: (partition: RecordedPartition) => void;

  constructor(
    timeline: Timeline,
    onSettled: (partition: RecordedPartition) => void,
  ) {
    this.timeline = timeline;
    this.#onSettled = onSettled;
    timeline.listeners.add(this);
  }

  onRow(): void {
    this.#onSettled(this);
  }

  onGap(): void {}

  onReset(): void {
    for (const record of this.records) record.reset();
  }

  onReady(): void {
    this.#onSettled(this);
  }
}
