// The source of /v1/status, with the topics that are read.
import type { GpsClock } from "../../blocks/gps_clock.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { SourceStatus, TopicStatus } from "../../source/source.ts";
import { upstreamsStatus } from "./upstream_status.ts";

/** Topics whose status is made in one part, and the steps that it takes. */
const TOPICS_PER_PART = 100;
const STEPS_PER_PART = 50;

export interface SourceStatusOptions {
  readonly clock: Pick<GpsClock, "unixMs">;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/** In slices. */
export function* sourceStatus(
  status: SourceStatus,
  options: SourceStatusOptions,
): SlicedWork<Record<string, unknown>> {
  const { kind, ready, reachable, unreachable, counters, seconds } = status;
  const topics: Record<string, unknown>[] = [];
  for (const topic of status.topics) {
    if (topics.length % TOPICS_PER_PART === 0) yield STEPS_PER_PART;
    topics.push(topicStatus(topic));
  }
  return {
    kind,
    ready,
    reachable,
    last_contact_ms: lastContactMs(status, options),
    unreachable,
    ...upstreamsStatus(status, options),
    wide_topics: status.wideTopics,
    topics,
    counters,
    ...(seconds ? { seconds } : {}),
  };
}

function topicStatus(status: TopicStatus): Record<string, unknown> {
  const { topic, state, position, partitions } = status;
  return {
    topic,
    state,
    position,
    high_watermark: status.highWatermark,
    last_stable_offset: status.lastStableOffset,
    partitions,
  };
}

/** Unix ms, since other processes cannot read the monotonic clock; 0 before the first contact. */
function lastContactMs(
  { lastContactClockMs }: SourceStatus,
  { clock, clockMs }: SourceStatusOptions,
): number {
  const agoMs = clockMs() - lastContactClockMs;
  return Number.isFinite(agoMs) ? Math.round(clock.unixMs() - agoMs) : 0;
}
