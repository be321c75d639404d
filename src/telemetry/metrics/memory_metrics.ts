// Metrics of memory: garbage collection, buffers, the heap, the page ring and the slab.
import type { BlockStore } from "../../blocks/block_store.ts";
import type { Ring } from "../../memory/ring.ts";
import type { Slab } from "../../memory/slab.ts";
import type { GcTime } from "../gc_time.ts";
import type { MemoryFigures, MemoryUse } from "../memory_use.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

/** Undefined where the runtime does not report garbage collection. */
export type GcCounters =
  | Pick<GcTime, "allocatedBytes" | "collections" | "seconds">
  | undefined;

export interface MemoryParts {
  readonly gc: GcCounters;
  /** Null where the runtime does not report memory. */
  readonly memoryUse: Pick<MemoryUse, "perClientBytes" | "read"> | null;
  readonly ring: Pick<Ring, keyof typeof RING | "reclaimedPages">;
  readonly slab: Pick<
    Slab,
    keyof typeof SLAB | keyof typeof SLAB_COUNTERS | "allocations"
  >;
  readonly store: Pick<BlockStore, "ringHeldMs">;
}

const HEAP = {
  rss: ["process_resident_memory_bytes", "Resident memory of the process"],
  heapTotal: ["heap_bytes", "Heap of the serving thread"],
  heapUsed: ["heap_used_bytes", "Heap in use"],
  external: ["external_bytes", "Buffers outside the heap"],
} satisfies Record<keyof MemoryFigures, NameAndHelp>;

const RING = {
  capacityBytes: ["ring_capacity_bytes", "Size of the page ring"],
  occupiedBytes: ["ring_occupied_bytes", "Page ring: bytes held now"],
  highWaterBytes: ["ring_high_water_bytes", "Page ring: most bytes ever held"],
} as const;

const SLAB = {
  budgetBytes: ["slab_budget_bytes", "Slab: largest size"],
  committedBytes: ["slab_committed_bytes", "Slab: allocated memory"],
  usedBytes: ["slab_used_bytes", "Slab: memory of slots in use"],
  usedSlots: ["slab_used_slots", "Slab: slots in use"],
  highWaterBytes: ["slab_high_water_bytes", "Slab: most bytes ever in use"],
  reservedBytes: ["slab_reserved_bytes", "Slab: reserved for admitted clients"],
} as const;

const SLAB_COUNTERS = {
  committedChunks: ["slab_commits_total", "Slab: chunks allocated"],
  givenUpChunks: [
    "slab_chunks_given_up_total",
    "Slab: chunks that one slot size gave up for another",
  ],
} as const;

export function memoryMetrics(metrics: Prometheus, parts: MemoryParts): void {
  const { gc, memoryUse, ring, slab, store } = parts;
  allocationMetrics(metrics, gc, slab);
  if (memoryUse) heapMetrics(metrics, memoryUse);
  metrics.gaugeTable(RING, (field) => ring[field]);
  metrics.gauge(
    "ring_held_seconds",
    "How far back the page ring reaches",
    () => store.ringHeldMs / 1000,
  );
  metrics.counter(
    "ring_pages_reclaimed_total",
    "Pages reused for newer blocks",
    () => ring.reclaimedPages,
  );
  metrics.gaugeTable(SLAB, (field) => slab[field]);
  metrics.counterTable(SLAB_COUNTERS, (field) => slab[field]);
}

/** The memory of the process, and the heap of this thread. */
export function heapMetrics(
  metrics: Prometheus,
  memoryUse: NonNullable<MemoryParts["memoryUse"]>,
): void {
  metrics.gaugeTable(HEAP, (field) => memoryUse.read()[field]);
  metrics.gauge(
    "memory_per_client_bytes",
    "Resident memory per client, without the ring and the slab",
    () => memoryUse.perClientBytes,
  );
}

export function allocationMetrics(
  metrics: Prometheus,
  gc: GcCounters,
  { allocations }: {
    readonly allocations: Pick<Slab["allocations"], "bytes" | "seconds">;
  },
): void {
  if (gc) {
    metrics.counter(
      "gc_seconds_total",
      "Time spent collecting garbage",
      () => gc.seconds,
    );
    metrics.counter(
      "gc_collections_total",
      "Garbage collections",
      () => gc.collections,
    );
    metrics.counter(
      "heap_allocated_bytes_total",
      "Bytes of objects allocated on the heap",
      () => gc.allocatedBytes,
    );
  }
  metrics.counter(
    "allocation_seconds_total",
    "Time spent allocating Qanat's own buffers",
    () => allocations.seconds,
  );
  metrics.counter(
    "allocated_bytes_total",
    "Bytes of Qanat's own buffers that were allocated",
    () => allocations.bytes,
  );
  metrics.counter(
    "memory_management_seconds_total",
    "Time spent on garbage collection and allocation",
    () => (gc?.seconds ?? 0) + allocations.seconds,
  );
}
