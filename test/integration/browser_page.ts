// One headless Chromium with one page, driven over its DevTools protocol.
// Invariant: close() ends the browser and removes its profile. (playwright-core reads /proc, for which Deno
// wants all permissions at once; the tests run with a named set.)

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--remote-debugging-port=0",
];
const START_MS = 30_000;
const CALL_MS = 60_000;

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { message: string };
}

export class BrowserPage {
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  #socket!: WebSocket;
  #session = "";
  #lastId = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #onLoad: (() => void) | null = null;

  private constructor(child: Deno.ChildProcess, profile: string) {
    this.#child = child;
    this.#profile = profile;
  }

  /** Starts the browser with a blank page. */
  static async open(program: string): Promise<BrowserPage> {
    const profile = await Deno.makeTempDir({ prefix: "qanat-chromium-" });
    const child = new Deno.Command(program, {
      args: [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const page = new BrowserPage(child, profile);
    try {
      await page.#connect(await page.#address());
      return page;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  async goto(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#onLoad = resolve);
    const { errorText } = await this.#call("Page.navigate", { url });
    if (errorText) throw new Error(`Chromium cannot open ${url}: ${errorText}`);
    await loaded;
  }

  /** Value of an expression (or of the promise that it is) in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) {
      throw new Error(`in the page: ${JSON.stringify(exceptionDetails)}`);
    }
    return (result as { value: unknown }).value;
  }

  async close(): Promise<void> {
    this.#socket?.close();
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.#child.status;
    clearTimeout(timer);
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }

  /** The address that Chromium prints; goes on reading what it prints later, so that it never waits for us. */
  #address(): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const timer = setTimeout(
        () =>
          reject(new Error(`Chromium is not up after ${START_MS} ms: ${text}`)),
        START_MS,
      );
      const read = async () => {
        for await (const chunk of this.#child.stderr) {
          text = (text + new TextDecoder().decode(chunk)).slice(-4000);
          const match = text.match(/DevTools listening on (ws:\S+)/);
          if (match === null) continue;
          clearTimeout(timer);
          resolve(match[1]!);
        }
        clearTimeout(timer);
        reject(new Error(`Chromium ended: ${text}`));
      };
      read();
    });
  }

  async #connect(address: string): Promise<void> {
    this.#socket = new WebSocket(address);
    this.#socket.onmessage = (event) => {
      const answer = JSON.parse(event.data as string) as Answer;
      if (answer.method === "Page.loadEventFired") this.#onLoad?.();
      if (answer.id === undefined) return;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    };
    await new Promise<void>((resolve, reject) => {
      this.#socket.onopen = () => resolve();
      this.#socket.onerror = () =>
        reject(new Error(`cannot connect to ${address}`));
    });
    const { targetId } = await this.#call("Target.createTarget", {
      url: "about:blank",
    });
    const { sessionId } = await this.#call("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    this.#session = sessionId as string;
    await this.#call("Page.enable", {});
  }

  #call(
    method: string,
    params: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const session = this.#session === "" ? {} : { sessionId: this.#session };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new Error(`Chromium did not answer ${method} within ${CALL_MS} ms`),
          ),
        CALL_MS,
      );
      this.#waiting.set(id, ({ error, result }) => {
        clearTimeout(timer);
        if (error) reject(new Error(`Chromium: ${method}: ${error.message}`));
        else resolve(result ?? {});
      });
      this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    });
  }
}
