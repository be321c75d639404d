// What the benches of the page have in common: a server with noise, a browser, and what the page says of its frames.
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "../../test/integration/browser_page.ts";
import { PARTS } from "../../test/integration/chain.ts";
import {
  type PageServer,
  servePage,
} from "../../test/integration/page_server.ts";

/** Fewer frames are not smooth. */
export const FRAMES_MIN = 30;
const SOON_MS = 30_000;
const WIDTH_PX = 1400;

/** What the page has counted since it was opened. */
export interface PageCounts {
  /** Monotonic, ms. */
  readonly atMs: number;
  readonly frames: number;
  readonly rows: number;
  /** Drawing, all frames together. */
  readonly drawMs: number;
  /** CPU time of all work on the page's main thread. */
  readonly cpuMs: number;
}

/** A browser and the server of its pages. `heightPx`: of the window. */
export class Bench {
  readonly server: PageServer;
  readonly page: BrowserPage;
  readonly #heightPx: number;

  private constructor(server: PageServer, page: BrowserPage, heightPx: number) {
    this.server = server;
    this.page = page;
    this.#heightPx = heightPx;
  }

  /** Throws where there is no Chromium. `channels`: of noise, each with `rate` samples a second. */
  static async open(
    options: {
      readonly channels: number;
      readonly rate: number;
      readonly heightPx: number;
    },
  ): Promise<Bench> {
    if (!canRun([PARTS.chromium])) {
      throw new Error(
        "There is no Chromium: CONTRIBUTING.md says how to get it",
      );
    }
    const { channels, rate, heightPx } = options;
    const server = await servePage({
      extraChannels: channels,
      extraRate: rate,
    });
    try {
      const page = await BrowserPage.open(PARTS.chromium.program!);
      return new Bench(server, page, heightPx);
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Shows this view in the browser's first tab; resolves when each channel has data. */
  async show(view: string, plots: number, names: readonly string[]) {
    const { page } = this;
    await page.setViewport({ width: WIDTH_PX, height: this.#heightPx });
    // CPU time: what other processes take from the page does not count.
    await page.call("Performance.enable", { timeDomain: "threadTicks" });
    await page.goto(`${this.server.url}/#${view}`);
    await page.until(
      `document.querySelectorAll(".plot").length === ${plots}`,
      SOON_MS,
    );
    for (const name of names) {
      const text = JSON.stringify(name);
      await page.until(`qanatPage.series(${text})?.ring.end > 0`, SOON_MS);
    }
  }

  async counts(): Promise<PageCounts> {
    const { page } = this;
    const own = await page.evaluate("qanatPage.figures()") as PageCounts;
    const atMs = performance.now();
    const { metrics } = await page.call("Performance.getMetrics", {}) as {
      metrics: { name: string; value: number }[];
    };
    const task = metrics.find(({ name }) => name === "TaskDuration");
    return { ...own, atMs, cpuMs: 1000 * (task?.value ?? NaN) };
  }

  async close(): Promise<void> {
    await this.page.close();
    await this.server.close();
  }
}

/** The channel of noise with this number. */
export function noise(i: number): string {
  return `H1:LOAD-NOISE_F32_${String(i).padStart(5, "0")}`;
}

/** What the page did between two moments. */
export function between(a: PageCounts, b: PageCounts) {
  const seconds = (b.atMs - a.atMs) / 1000;
  const frames = b.frames - a.frames;
  return {
    framesPerS: frames / seconds,
    rowsPerS: (b.rows - a.rows) / seconds,
    drawMs: (b.drawMs - a.drawMs) / frames,
    cpuMs: (b.cpuMs - a.cpuMs) / frames,
  };
}
