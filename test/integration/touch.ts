// Fingers on a page in Chromium, by DevTools.
// Invariant: every touch ends, so that the next one is a new gesture.
import type { BrowserPage } from "./browser_page.ts";

/** CSS pixels from the top left of the window. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const STEPS = 8;
const STEP_MS = 20;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Touch {
  readonly #page: BrowserPage;

  private constructor(page: BrowserPage) {
    this.#page = page;
  }

  /** Makes the page one that is touched: `pointer: coarse`. */
  static async on(page: BrowserPage): Promise<Touch> {
    await page.call("Emulation.setTouchEmulationEnabled", {
      enabled: true,
      maxTouchPoints: 5,
    });
    return new Touch(page);
  }

  /** Fingers move from some points to others, along straight lines. */
  async drag(from: readonly Point[], to: readonly Point[]): Promise<void> {
    // One finger after the other, as hands do it.
    for (let i = 1; i <= from.length; i++) {
      await this.#send("touchStart", from.slice(0, i));
    }
    for (let step = 1; step <= STEPS; step++) {
      await this.#send(
        "touchMove",
        from.map(({ x, y }, i) => ({
          x: x + (to[i]!.x - x) * step / STEPS,
          y: y + (to[i]!.y - y) * step / STEPS,
        })),
      );
      await wait(STEP_MS);
    }
    await this.#send("touchEnd", []);
  }

  /** A finger rests until the page has noticed it. */
  async hold(at: Point, noticed: () => Promise<unknown>): Promise<void> {
    await this.#send("touchStart", [at]);
    try {
      await noticed();
    } finally {
      await this.#send("touchEnd", []);
    }
  }

  tap(at: Point): Promise<void> {
    return this.hold(at, () => wait(STEP_MS));
  }

  /** Taps the middle of an element. */
  async tapOn(selector: string): Promise<void> {
    const at = await this.#page.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: "center" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`) as Point;
    await this.tap(at);
  }

  async #send(type: string, points: readonly Point[]): Promise<void> {
    await this.#page.call("Input.dispatchTouchEvent", {
      type,
      touchPoints: points.map(({ x, y }, id) => ({ x, y, id })),
    });
  }
}
