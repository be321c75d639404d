// Prometheus metrics, read from the parts' own counters when they are asked for. No label per channel.
import { Counter, Gauge, Registry } from "prom-client";
import type { Qanat } from "./app.ts";

/** Renders an instance's figures. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(qanat: Qanat) {
    const { broadcast, store, ring, slab, catalog, source } = qanat;
    const gauge = (name: string, help: string, read: () => number) =>
      this.#gauge(name, help, read);
    const counter = (name: string, help: string, read: () => number) =>
      this.#counter(name, help, read);
    gauge("clients", "Clients connected", () => broadcast.clientCount);
    gauge("selections", "Selections in use", () => broadcast.groupCount);
    gauge("channels", "Channels known", () => catalog.size);
    gauge(
      "event_loop_delay_seconds",
      "Recent largest delay",
      () => qanat.loopDelayMs / 1000,
    );
    const { gc, logLines } = qanat;
    if (logLines) {
      counter(
        "log_lines_lost_total",
        "Lines of the log that found no room",
        () => logLines.lostLines,
      );
    }
    if (gc) {
      counter(
        "gc_seconds_total",
        "Time spent collecting garbage",
        () => gc.seconds,
      );
      counter(
        "gc_collections_total",
        "Garbage collections",
        () => gc.collections,
      );
    }
    gauge("ready", "1 when ready", () => qanat.notReady().length ? 0 : 1);
    gauge(
      "source_reachable",
      "1 when the source answers",
      () => source.status().reachable ? 1 : 0,
    );
    gauge("ring_capacity_bytes", "Page ring size", () => ring.capacityBytes);
    gauge("ring_occupied_bytes", "Page ring in use", () => ring.occupiedBytes);
    counter(
      "ring_pages_reclaimed_total",
      "Pages taken back",
      () => ring.reclaimedPages,
    );
    gauge("slab_budget_bytes", "Slab budget", () => slab.budgetBytes);
    gauge(
      "slab_committed_bytes",
      "Slab memory allocated",
      () => slab.committedBytes,
    );
    gauge(
      "slab_used_bytes",
      "Slab memory in claimed slots",
      () => slab.usedBytes,
    );
    gauge("slab_used_slots", "Slots claimed", () => slab.usedSlots);
    gauge(
      "slab_high_water_bytes",
      "Most ever in use",
      () => slab.highWaterBytes,
    );
    gauge(
      "slab_reserved_bytes",
      "Promised to admitted clients",
      () => slab.reservedBytes,
    );
    const sums = () => {
      const total: Record<string, number> = { ...store.closedCounters };
      for (const { blocks } of store.partitions()) {
        for (const [name, count] of Object.entries(blocks.counters)) {
          total[name] = (total[name] ?? 0) + count;
        }
      }
      return total;
    };
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
      ] as const
    ) counter(name, help, () => sums()[field] ?? 0);
    counter(
      "rows_late_total",
      "Rows sent without a partition",
      () => store.lateRows,
    );
    counter(
      "offset_holes_total",
      "Offsets that were never read",
      () => store.counters.holes,
    );
    counter(
      "topic_restarts_total",
      "Topics begun anew",
      () => store.counters.restarts,
    );
    for (
      const [field, name, help] of [
        ["framesEncoded", "frames_encoded_total", "Live frames made"],
        ["framesSent", "frames_sent_total", "Live frames handed to clients"],
        ["catchUpRows", "catch_up_rows_total", "Rows made for clients behind"],
        ["opened", "clients_opened_total", "Streams opened"],
        ["slabShort", "slab_short_total", "Frames that found no slot"],
      ] as const
    ) counter(name, help, () => broadcast.counters[field]);
    const { past } = broadcast;
    gauge("histories", "Histories read now", () => past.histories);
    gauge("resumes", "Resumes read from the source now", () => past.resumes);
    gauge("resumes_waiting", "Resumes that wait", () => past.waiting);
    for (
      const [field, name, help] of [
        ["rows", "past_rows_total", "Rows read from the source again"],
        ["reads", "past_reads_total", "Reads of the past"],
        ["failures", "past_failures_total", "Reads of the past that failed"],
        ["refused", "histories_refused_total", "Histories refused as full"],
      ] as const
    ) counter(name, help, () => past.counters[field]);
    this.#labelled(
      { name: "gaps_total", help: "Gaps told to clients", label: "reason" },
      () => broadcast.gapsTold,
    );
    this.#labelled(
      { name: "clients_ended_total", help: "Streams ended", label: "reason" },
      () => broadcast.ends,
    );
    this.#labelled(
      { name: "clients_refused_total", help: "Refused", label: "limit" },
      () => broadcast.refusals,
    );
    gauge(
      "client_addresses",
      "Addresses that clients come from",
      () => broadcast.addresses.size,
    );
    new Gauge({
      name: "qanat_source_counter",
      help: "Counters of the source, by name",
      labelNames: ["name"],
      registers: [this.#registry],
      collect() {
        for (const [name, n] of Object.entries(source.status().counters)) {
          this.set({ name }, n);
        }
      },
    });
  }

  async render(): Promise<{ text: string; contentType: string }> {
    return {
      text: await this.#registry.metrics(),
      contentType: this.#registry.contentType,
    };
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `qanat_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A counter whose label's values are the keys of what is read. */
  #labelled(
    { name, help, label }: { name: string; help: string; label: string },
    read: () => Readonly<Partial<Record<string, number>>>,
  ): void {
    new Counter({
      name: `qanat_${name}`,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(read())) {
          this.inc({ [label]: value }, count);
        }
      },
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `qanat_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
