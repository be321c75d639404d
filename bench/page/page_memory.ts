// What the page in Chromium holds, as far as DevTools and the kernel say.
// Invariant: figures of a heap are those after a collection.
import { processFigures } from "../../scripts/scale/process_figures.ts";
import type { BrowserPage } from "../../test/integration/browser_page.ts";
import type { Bound } from "./growth.ts";

const MB = 1e6;

/** In the order in which they are printed. */
export const BOUNDS = {
  heap: { title: "heap", unit: "MB", perHourMax: 3, noise: 1 },
  buffers: { title: "array buffers", unit: "MB", perHourMax: 3, noise: 1 },
  dom: { title: "DOM", unit: "MB", perHourMax: 3, noise: 1 },
  worker: { title: "worker", unit: "MB", perHourMax: 3, noise: 2 },
  nodes: { title: "nodes", unit: "", perHourMax: 50, noise: 20 },
  detached: { title: "detached", unit: "", perHourMax: 50, noise: 20 },
  listeners: { title: "listeners", unit: "", perHourMax: 50, noise: 20 },
  // The kernel's view: it has the slack of the allocators, too.
  rss: { title: "renderer", unit: "MB", perHourMax: 60, noise: 25 },
  gpu: { title: "GPU process", unit: "MB", perHourMax: 60, noise: 25 },
} as const satisfies Record<string, Bound>;

export type Held = Record<keyof typeof BOUNDS, number>;

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize?: number;
  readonly embedderHeapUsedSize?: number;
}

/** Reads them; a worker is attached to once. */
export class PageMemory {
  readonly #page: BrowserPage;
  #worker = "";

  constructor(page: BrowserPage) {
    this.#page = page;
  }

  async read(): Promise<Held> {
    const page = this.#page;
    const call = (method: string) => page.call(method, {});
    // What a first collection makes unreachable goes with the second.
    for (let i = 0; i < 2; i++) await call("HeapProfiler.collectGarbage");
    const heap = await call("Runtime.getHeapUsage") as unknown as HeapUsage;
    const counters = await call("Memory.getDOMCounters") as {
      nodes: number;
      jsEventListeners: number;
    };
    const { detachedNodes } = await call("DOM.getDetachedDomNodes") as {
      detachedNodes: { treeNode: unknown }[];
    };
    return {
      heap: heap.usedSize / MB,
      buffers: (heap.backingStorageSize ?? 0) / MB,
      dom: (heap.embedderHeapUsedSize ?? 0) / MB,
      worker: await this.#workerBytes() / MB,
      nodes: counters.nodes,
      detached: detachedNodes.length,
      listeners: counters.jsEventListeners,
      ...await this.#processes(),
    };
  }

  /** Heap and array buffers of the shared worker that holds the connections. */
  async #workerBytes(): Promise<number> {
    const page = this.#page;
    if (this.#worker === "") {
      const { targetInfos } = await page.callBrowser(
        "Target.getTargets",
        { filter: [{}] },
      ) as { targetInfos: { type: string; targetId: string }[] };
      const worker = targetInfos.find(({ type }) => type === "shared_worker");
      if (!worker) return NaN;
      const { sessionId } = await page.callBrowser("Target.attachToTarget", {
        targetId: worker.targetId,
        flatten: true,
      });
      this.#worker = sessionId as string;
    }
    const call = (method: string) => page.callBrowser(method, {}, this.#worker);
    await call("HeapProfiler.collectGarbage");
    const usage = await call("Runtime.getHeapUsage") as unknown as HeapUsage;
    return usage.usedSize + (usage.backingStorageSize ?? 0);
  }

  /** Resident memory of the renderers, and of the process that draws. */
  async #processes(): Promise<{ rss: number; gpu: number }> {
    const { processInfo } = await this.#page.callBrowser(
      "SystemInfo.getProcessInfo",
      {},
    ) as { processInfo: { type: string; id: number }[] };
    const of = (kind: string) =>
      processInfo.filter(({ type }) => type === kind)
        .reduce((sum, { id }) => sum + processFigures(id).rssBytes, 0) / MB;
    return { rss: of("renderer"), gpu: of("GPU") };
  }
}
