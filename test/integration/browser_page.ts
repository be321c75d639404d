// Tabs of a headless Chromium, driven over its DevTools protocol.
// Invariant: close() of the first page ends the browser and removes its profile. (playwright-core reads /proc, for
// which Deno needs all permissions; the tests run with a named set. See docs/decisions/0020.)
import { BrowserProcess, type Json } from "./browser_process.ts";

const LOAD_MS = 120_000;
const POLL_MS = 50;

export interface Viewport {
  readonly width: number;
  readonly height: number;
  /** A phone: touch, and a page as wide as it says. */
  readonly mobile?: boolean;
  readonly scale?: number;
}

/** One tab. */
export class BrowserPage {
  /** What the console of a user would show in red or yellow. */
  readonly troubles: string[] = [];
  readonly #browser: BrowserProcess;
  readonly #isFirst: boolean;
  #session = "";
  #target = "";
  #onLoad: (() => void) | null = null;

  private constructor(browser: BrowserProcess, isFirst: boolean) {
    this.#browser = browser;
    this.#isFirst = isFirst;
  }

  /** Starts a browser with a blank page. `flags`: more of Chromium's. */
  static async open(
    program: string,
    flags: readonly string[] = [],
  ): Promise<BrowserPage> {
    const page = new BrowserPage(
      await BrowserProcess.open(program, flags),
      true,
    );
    await page.#attach();
    return page;
  }

  /** Another tab of the same browser. */
  async openTab(): Promise<BrowserPage> {
    const page = new BrowserPage(this.#browser, false);
    await page.#attach();
    return page;
  }

  /** Opens an address. Another hash of the shown page loads nothing, so there is nothing to wait for. */
  async goto(url: string): Promise<void> {
    const { promise: loaded, resolve, reject } = Promise.withResolvers<void>();
    this.#onLoad = resolve;
    const { errorText, loaderId } = await this.call("Page.navigate", { url });
    if (errorText) throw new Error(`Chromium cannot open ${url}: ${errorText}`);
    if (loaderId === undefined) return;
    const timer = setTimeout(
      () => reject(new Error(`${url} has not loaded within ${LOAD_MS} ms`)),
      LOAD_MS,
    );
    await loaded.finally(() => clearTimeout(timer));
  }

  /** Value of an expression (or of the promise that it is) in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    }
    return (result as { value: unknown }).value;
  }

  /** Waits until an expression is true (or anything like it) in the page; returns it. */
  async until(expression: string, timeoutMs: number): Promise<unknown> {
    const giveUpMs = performance.now() + timeoutMs;
    for (;;) {
      const value = await this.evaluate(expression);
      if (value) return value;
      if (performance.now() > giveUpMs) {
        throw new Error(`not so within ${timeoutMs} ms: ${expression}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Presses a key as a user would: `a`, `?`, `Enter`, ` `, `ArrowLeft`. */
  async press(key: string): Promise<void> {
    const text = key.length === 1 ? key : key === "Enter" ? "\r" : undefined;
    await this.call("Input.dispatchKeyEvent", {
      type: "keyDown",
      key,
      ...(text === undefined ? {} : { text }),
    });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** Types into what has the focus. */
  async type(text: string): Promise<void> {
    for (const letter of text) await this.press(letter);
  }

  /** Clicks the middle of the first element that a CSS selector finds. */
  async click(selector: string): Promise<void> {
    const at = await this.#middleOf(selector);
    await this.#mouse("mouseMoved", at);
    await this.#mouse("mousePressed", at, { button: "left", clickCount: 1 });
    await this.#mouse("mouseReleased", at, { button: "left", clickCount: 1 });
  }

  /** Moves the mouse there; `dx`, `dy` in CSS pixels from the middle. */
  async hover(selector: string, dx = 0, dy = 0): Promise<void> {
    const { x, y } = await this.#middleOf(selector);
    await this.#mouse("mouseMoved", { x: x + dx, y: y + dy });
  }

  /** Drags over an element, from and to in CSS pixels from its middle; calls `before` the mouse button is released. */
  async drag(
    selector: string,
    fromX: number,
    toX: number,
    before?: () => Promise<void>,
  ): Promise<void> {
    const { x, y } = await this.#middleOf(selector);
    await this.#mouse("mouseMoved", { x: x + fromX, y });
    await this.#mouse("mousePressed", { x: x + fromX, y }, { button: "left" });
    for (let i = 1; i <= 5; i++) {
      await this.#mouse("mouseMoved", {
        x: x + fromX + (toX - fromX) * i / 5,
        y,
      }, { button: "left" });
    }
    await before?.();
    await this.#mouse("mouseReleased", { x: x + toX, y }, { button: "left" });
  }

  /** Downloads go into a folder, without a question. */
  async downloadTo(folder: string): Promise<void> {
    await this.call("Page.setDownloadBehavior", {
      behavior: "allow",
      downloadPath: folder,
    });
  }

  async setViewport(
    { width, height, mobile = false, scale = 1 }: Viewport,
  ): Promise<void> {
    await this.call("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      mobile,
      deviceScaleFactor: scale,
    });
  }

  /** `prefers-color-scheme`. */
  async setTheme(theme: "dark" | "light"): Promise<void> {
    await this.call("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: theme }],
    });
  }

  async screenshot(format: "png" | "jpeg" = "png"): Promise<Uint8Array> {
    await this.call("Page.bringToFront", {});
    const { data } = await this.call("Page.captureScreenshot", {
      format,
      ...(format === "jpeg" ? { quality: 80 } : {}),
    });
    return Uint8Array.fromBase64(data as string);
  }

  /** Bytes that JavaScript uses after a collection, array buffers among them. */
  async heapBytes(): Promise<number> {
    await this.call("HeapProfiler.collectGarbage", {});
    const { usedSize, backingStorageSize } = await this.call(
      "Runtime.getHeapUsage",
      {},
    ) as { usedSize: number; backingStorageSize?: number };
    return usedSize + (backingStorageSize ?? 0);
  }

  async bringToFront(): Promise<void> {
    await this.call("Page.bringToFront", {});
  }

  /** A command of the DevTools protocol, to this tab. */
  call(method: string, params: Json): Promise<Json> {
    return this.#browser.call(method, params, this.#session);
  }

  /** A command to the browser itself, or to another session of it, such as that of a worker. */
  callBrowser(method: string, params: Json, session = ""): Promise<Json> {
    return this.#browser.call(method, params, session);
  }

  async close(): Promise<void> {
    if (this.#isFirst) return await this.#browser.close();
    await this.#browser.call("Target.closeTarget", { targetId: this.#target });
  }

  async #attach(): Promise<void> {
    const browser = this.#browser;
    const { targetId } = await browser.call("Target.createTarget", {
      url: "about:blank",
    });
    this.#target = targetId as string;
    const { sessionId } = await browser.call("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    this.#session = sessionId as string;
    browser.sessions.set(
      this.#session,
      (method, params) => this.#event(method, params),
    );
    await this.call("Page.enable", {});
    await this.call("Runtime.enable", {});
    await this.call("Log.enable", {});
  }

  #event(method: string, params: Json): void {
    if (method === "Page.loadEventFired") this.#onLoad?.();
    else if (method === "Runtime.exceptionThrown") {
      this.troubles.push(JSON.stringify(params.exceptionDetails));
    } else if (method === "Runtime.consoleAPICalled") {
      const { type, args } = params as { type: string; args: unknown };
      if (type === "error" || type === "warning") {
        this.troubles.push(JSON.stringify(args));
      }
    } else if (method === "Log.entryAdded") {
      const { entry } = params as {
        entry: { level: string; text: string; url?: string };
      };
      if (entry.level === "error" || entry.level === "warning") {
        this.troubles.push(`${entry.text} ${entry.url ?? ""}`);
      }
    }
  }

  async #middleOf(selector: string): Promise<{ x: number; y: number }> {
    const box = await this.evaluate(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)});
      if (!element) return null;
      element.scrollIntoView({ block: "nearest" });
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    })()`);
    if (box === null) throw new Error(`There is no '${selector}' in the page`);
    return box as { x: number; y: number };
  }

  async #mouse(
    type: string,
    { x, y }: { x: number; y: number },
    more: Json = {},
  ): Promise<void> {
    await this.call("Input.dispatchMouseEvent", { type, x, y, ...more });
  }
}
