// What /metrics tells, read from the parts' own counters. No label per channel.
// Invariant: docs/operating.md names every figure (test/telemetry/metrics/metrics_test.ts).
import type { Qanat } from "../../app.ts";
import { buildOf } from "../build_info.ts";
import { Prometheus } from "./prometheus.ts";

/** Renders an instance's figures. */
export class Metrics {
  readonly #figures = new Prometheus();

  constructor(qanat: Qanat) {
    healthFigures(qanat, this.#figures);
    memoryFigures(qanat, this.#figures);
    blockFigures(qanat, this.#figures);
    connectionFigures(qanat, this.#figures);
    clientFigures(qanat, this.#figures);
    pastFigures(qanat, this.#figures);
    requestFigures(qanat, this.#figures);
    trendFigures(qanat, this.#figures);
    refusedNameFigures(qanat, this.#figures);
  }

  render(): Promise<{ text: string; contentType: string }> {
    return this.#figures.render();
  }
}

function healthFigures(qanat: Qanat, figures: Prometheus): void {
  const { source, catalog, logLines, missedProbes } = qanat;
  figures.info(
    "build_info",
    "Which Qanat this is",
    buildOf(qanat.config),
  );
  figures.gauge(
    "uptime_seconds",
    "Since this instance was made",
    () => qanat.uptimeSeconds,
  );
  if (missedProbes) {
    figures.counters(
      {
        name: "watchdog_missed_probes_total",
        help: "Probes of the watchdog that a part of the service missed",
        label: "part",
      },
      () => ({
        "event-loop": missedProbes("event-loop"),
        listener: missedProbes("listener"),
      }),
    );
  }
  figures.gauge(
    "ready",
    "1 when ready",
    () => qanat.notReady().length ? 0 : 1,
  );
  figures.gauge(
    "source_reachable",
    "1 when the source answers",
    () => source.status().reachable ? 1 : 0,
  );
  figures.gauges(
    { name: "source_counter", help: "Counters of the source", label: "name" },
    () => source.status().counters,
  );
  figures.gauge("channels", "Channels known", () => catalog.size);
  figures.counters(
    {
      name: "channels_refused_total",
      help: "Records of metadata that are not served",
      label: "reason",
    },
    () => catalog.refused.counts,
  );
  figures.gauge(
    "event_loop_delay_seconds",
    "Recent largest delay",
    () => qanat.loopDelayMs / 1000,
  );
  figures.counter(
    "clock_steps_total",
    "Steps of the wall clock",
    () => qanat.clock.counters.steps,
  );
  figures.gauge(
    "clock_wall_ahead_seconds",
    "Wall clock, beyond the time that blocks are judged by",
    () => qanat.clock.stepMs / 1000,
  );
  figures.gauge(
    "clock_behind_seconds",
    "How far all blocks that come lie in the future; 0 while any does not",
    () => qanat.store.behindMs / 1000,
  );
  figures.histogram(
    "event_loop_wait_seconds",
    "How long a timer that was due ten times a second had to wait",
    qanat.loopDelay,
  );
  if (logLines) {
    figures.counter(
      "log_lines_lost_total",
      "Lines of the log that found no room",
      () => logLines.lostLines,
    );
  }
}

function memoryFigures(qanat: Qanat, figures: Prometheus): void {
  const { gc, ring, slab, store, memoryUse } = qanat;
  const { growth } = slab;
  if (gc) {
    figures.counter(
      "gc_seconds_total",
      "Time spent collecting garbage",
      () => gc.seconds,
    );
    figures.counter(
      "gc_collections_total",
      "Garbage collections",
      () => gc.collections,
    );
    figures.counter(
      "heap_allocated_bytes_total",
      "Heap objects made",
      () => gc.allocatedBytes,
    );
  }
  figures.counter(
    "allocation_seconds_total",
    "Time spent making Qanat's own buffers",
    () => growth.seconds,
  );
  figures.counter(
    "allocated_bytes_total",
    "Qanat's own buffers made",
    () => growth.bytes,
  );
  figures.counter(
    "memory_management_seconds_total",
    "Garbage collection and allocation",
    () => (gc?.seconds ?? 0) + growth.seconds,
  );
  if (memoryUse) {
    for (
      const [field, name, help] of [
        ["rss", "rss_bytes", "Resident memory of the process"],
        ["heapTotal", "heap_bytes", "Heap of the process"],
        ["heapUsed", "heap_used_bytes", "Heap in use"],
        ["external", "external_bytes", "Buffers that the heap holds on to"],
      ] as const
    ) figures.gauge(name, help, () => memoryUse.read()[field]);
    figures.gauge(
      "memory_per_client_bytes",
      "Resident memory a client, beyond the budgets",
      () => memoryUse.perClientBytes,
    );
  }
  for (
    const [field, name, help] of [
      ["capacityBytes", "ring_capacity_bytes", "Page ring size"],
      ["occupiedBytes", "ring_occupied_bytes", "Page ring in use"],
      ["highWaterBytes", "ring_high_water_bytes", "Page ring ever in use"],
    ] as const
  ) figures.gauge(name, help, () => ring[field]);
  figures.gauge(
    "ring_held_seconds",
    "How far back the page ring reaches",
    () => store.ringHeldMs / 1000,
  );
  figures.counter(
    "ring_pages_reclaimed_total",
    "Pages taken back",
    () => ring.reclaimedPages,
  );
  for (
    const [field, name, help] of [
      ["budgetBytes", "slab_budget_bytes", "Slab budget"],
      ["committedBytes", "slab_committed_bytes", "Slab memory allocated"],
      ["usedBytes", "slab_used_bytes", "Slab memory in claimed slots"],
      ["usedSlots", "slab_used_slots", "Slots claimed"],
      ["highWaterBytes", "slab_high_water_bytes", "Most ever in use"],
      ["reservedBytes", "slab_reserved_bytes", "Promised to admitted clients"],
    ] as const
  ) figures.gauge(name, help, () => slab[field]);
  figures.counter(
    "slab_commits_total",
    "Chunks allocated",
    () => slab.committedChunks,
  );
  figures.counter(
    "slab_chunks_given_up_total",
    "Chunks that one size gave up for another",
    () => slab.givenUpChunks,
  );
}

function blockFigures(qanat: Qanat, figures: Prometheus): void {
  const { store, source } = qanat;
  for (
    const [field, name, help] of [
      ["blocks", "blocks_total", "Blocks stored"],
      ["bytes", "block_bytes_total", "Bytes of stored messages"],
      ["bad", "messages_bad_total", "Messages that could not be read"],
      ["late", "blocks_late_total", "Blocks that came after their row"],
      ["duplicate", "blocks_duplicate_total", "Blocks that came twice"],
      ["future", "blocks_future_total", "Blocks stamped in the future"],
      [
        "tooLarge",
        "blocks_too_large_total",
        "Blocks larger than the ring takes",
      ],
      ["missed", "blocks_missed_total", "Blocks given up"],
      ["resets", "time_resets_total", "Jumps back in time"],
      ["headerHits", "header_cache_hits_total", "Messages of a known layout"],
      [
        "headerMisses",
        "header_cache_misses_total",
        "Messages whose layout was read anew",
      ],
    ] as const
  ) {
    figures.counter(name, help, () => store.total(field));
  }
  figures.gauge(
    "partitions_silent",
    "Partitions that are read live and of which no block has come for 10 s longer than it should",
    () => store.partitionsSilent,
  );
  figures.gauge(
    "topics_missing",
    "Wanted topics that the cluster does not have",
    () =>
      source.status().topics.filter(({ state }) => state === "missing").length,
  );
  figures.gauge(
    "partitions_ahead",
    "Partitions whose last message was set aside as of the future",
    () => store.partitionsAhead,
  );
  figures.counter(
    "rows_late_total",
    "Rows sent without a partition",
    () => store.lateRows,
  );
  figures.counter(
    "offset_holes_total",
    "Offsets that were never read",
    () => store.counters.holes,
  );
  figures.counter(
    "topic_restarts_total",
    "Topics begun anew",
    () => store.counters.restarts,
  );
  figures.histogram(
    "kafka_lag_seconds",
    "From a message's production to its receipt",
    store.lag,
  );
  figures.gauge("kafka_behind_messages", "Messages not read yet", () => {
    let sum = 0;
    for (const { position, lastStableOffset } of source.status().topics) {
      if (position >= 0) sum += Math.max(0, lastStableOffset - position);
    }
    return sum;
  });
  figures.gauge(
    "kafka_uncommitted_messages",
    "Messages behind the start of an open transaction, which are not read",
    () => {
      let sum = 0;
      for (const topic of source.status().topics) {
        sum += Math.max(0, topic.highWatermark - topic.lastStableOffset);
      }
      return sum;
    },
  );
  figures.gauge(
    "topics_with_more_partitions",
    "Topics with more than one Kafka partition, of which only the first is read",
    () => source.status().wideTopics,
  );
  figures.gauge(
    "kafka_leaders_unreachable",
    "Addresses that the cluster names for brokers that are read from, and that cannot be reached",
    () => source.status().unreachable.length,
  );
  figures.counters(
    { name: "kafka_seconds_total", help: "Time on Kafka", label: "part" },
    () => {
      const { seconds } = source.status();
      if (!seconds) return {};
      // Rows that a message completes are handed out in the same call, and counted there.
      const deliver = (seconds["deliver"] ?? 0) - store.handedOutSeconds;
      return { ...seconds, deliver };
    },
  );
}

function connectionFigures({ connections }: Qanat, figures: Prometheus): void {
  figures.gauge("connections", "HTTP connections", () => connections.open);
  figures.gauge(
    "connection_held_bytes",
    "Requests that wait behind unfinished answers",
    () => connections.heldBytes,
  );
  figures.gauge(
    "connection_unread_bytes",
    "Long answers that wait for their clients",
    () => connections.unreadBytes,
  );
  for (
    const [field, name, help] of [
      ["accepted", "connections_accepted_total", "HTTP connections served"],
      [
        "refused",
        "connections_refused_total",
        "HTTP connections above --connections-max, or above their address's share",
      ],
      [
        "overrun",
        "connections_overrun_total",
        "HTTP connections that sent too much behind an unfinished answer",
      ],
      [
        "evicted",
        "connections_evicted_total",
        "HTTP connections closed because unread answers took too much memory",
      ],
    ] as const
  ) figures.counter(name, help, () => connections[field]);
  figures.counters(
    {
      name: "connections_timed_out_total",
      help: "HTTP connections closed for what did not come or leave in time",
      label: "phase",
    },
    () => connections.timedOut,
  );
  figures.counters(
    {
      name: "requests_malformed_total",
      help: "Requests refused before a route saw them",
      label: "status",
    },
    () => connections.malformed,
  );
}

function clientFigures({ hub }: Qanat, figures: Prometheus): void {
  figures.gauge("clients", "Clients connected", () => hub.clientCount);
  figures.gauge("selections", "Selections in use", () => hub.groups.size);
  figures.gauge(
    "client_addresses",
    "Addresses that clients come from",
    () => hub.admission.addresses.size,
  );
  figures.gauge(
    "openings_waiting",
    "Requests that wait to be let in",
    () => hub.admissionQueue.waiting,
  );
  figures.gauge(
    "fan_out_busy_seconds",
    "How long there have been rows to hand out without a pause",
    () => hub.liveQueue.busyMs / 1000,
  );
  const counters: Readonly<Record<string, number>> = hub.counters;
  for (
    const [field, name, help] of [
      ["framesEncoded", "frames_encoded_total", "Live frames made"],
      ["framesSent", "frames_sent_total", "Live frames handed to clients"],
      ["catchUpRows", "catch_up_rows_total", "Rows made for clients behind"],
      ["opened", "clients_opened_total", "Streams opened"],
      ["slabShort", "slab_short_total", "Frames that found no slot"],
      [
        "unchargedBytes",
        "uncharged_bytes_total",
        "Bytes for one client alone that found no slot",
      ],
    ] as const
  ) figures.counter(name, help, () => counters[field]!);
  for (
    const [field, name, help] of [
      ["encodeSeconds", "encode_seconds_total", "Time spent making frames"],
      ["writeSeconds", "write_seconds_total", "Time spent handing them out"],
      ["bytesSaved", "bytes_saved_total", "Bytes that compression spared"],
    ] as const
  ) if (field in counters) figures.counter(name, help, () => counters[field]!);
  figures.counter(
    "bytes_sent_total",
    "Bytes handed to clients",
    () => hub.bytesSent,
  );
  figures.counters(
    { name: "gaps_total", help: "Gaps told to clients", label: "reason" },
    () => hub.gapsReported,
  );
  figures.counters(
    { name: "clients_ended_total", help: "Streams ended", label: "reason" },
    () => hub.ends,
  );
  figures.counters(
    { name: "clients_refused_total", help: "Streams refused", label: "limit" },
    () => hub.admission.refusals,
  );
}

function requestFigures({ requests }: Qanat, figures: Prometheus): void {
  const { slices, bodies } = requests;
  figures.gauge(
    "request_works",
    "Requests that wait for their next slice of computing",
    () => slices.waiting,
  );
  figures.counter(
    "request_works_sliced_total",
    "Requests that needed more than a slice",
    () => slices.counters.sliced,
  );
  figures.counter(
    "request_steps_total",
    "Steps of computing for requests, about a microsecond each at most",
    () => slices.counters.steps,
  );
  figures.gauge(
    "request_steps_max",
    "Most steps for requests between two rounds of the event loop",
    () => slices.stepsMax,
  );
  figures.gauge(
    "request_bodies_bytes",
    "Bodies of requests in memory",
    () => bodies.usedBytes,
  );
  figures.counter(
    "requests_aborted_total",
    "Requests whose client had gone before the answer",
    () => requests.aborted,
  );
  figures.counters(
    {
      name: "requests_refused_total",
      help: "Requests refused for what they would cost",
      label: "limit",
    },
    () => requests.refusals,
  );
}

function pastFigures(
  { hub: { history }, store }: Qanat,
  figures: Prometheus,
): void {
  for (
    const [field, name, help] of [
      ["histories", "histories", "Histories read now"],
      ["resumes", "resumes", "Resumes read from the source now"],
      ["waiting", "resumes_waiting", "Resumes that wait"],
    ] as const
  ) figures.gauge(name, help, () => history[field]);
  for (
    const [field, name, help] of [
      ["rows", "past_rows_total", "Rows read from the source again"],
      ["reads", "past_reads_total", "Reads of the past"],
      ["failures", "past_failures_total", "Reads of the past that failed"],
      ["refused", "histories_refused_total", "Histories refused as full"],
      [
        "suspended",
        "past_suspended_total",
        "Readings of the past whose place went to another, as their reader stood still",
      ],
    ] as const
  ) figures.counter(name, help, () => history.counters[field]);
  figures.counters(
    {
      name: "past_set_aside_total",
      help:
        "Messages of the past that could not be read, or were stamped ahead",
      label: "reason",
    },
    () => ({ bad: store.pastCounters.bad, future: store.pastCounters.future }),
  );
}

function refusedNameFigures(qanat: Qanat, figures: Prometheus): void {
  figures.counter(
    "hosts_refused_total",
    "Requests refused by their Host",
    () => qanat.refusedHosts.count,
  );
  figures.counter(
    "origins_refused_total",
    "Requests refused by their Origin",
    () => qanat.refusedOrigins.count,
  );
}

function trendFigures({ trends }: Qanat, figures: Prometheus): void {
  figures.gauge(
    "trend_channels",
    "Channels whose trends are recorded",
    () => trends.channelCount,
  );
  figures.gauge("trend_bytes", "Trends", () => trends.usedBytes);
  figures.gauge(
    "trend_budget_bytes",
    "Trends, at most",
    () => trends.budgetBytes,
  );
  figures.counter(
    "trend_seconds_total",
    "Time spent recording trends",
    () => trends.counters.seconds,
  );
  figures.counter(
    "trend_channels_refused_total",
    "Matched channels that are not recorded for want of memory",
    () => trends.counters.refused,
  );
  figures.counter(
    "trend_blocks_lost_total",
    "Blocks that the page ring gave up before they were recorded",
    () => trends.lostBlocks,
  );
}
