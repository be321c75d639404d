// The process of a headless Chromium, and the one connection to it.
// Invariant: close() ends the process and removes its profile.

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
const START_MS = 120_000;
const CALL_MS = 120_000;

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { message: string };
}

export type Json = Record<string, unknown>;

export class BrowserProcess {
  readonly sessions = new Map<string, (method: string, params: Json) => void>();
  readonly #child: Deno.ChildProcess;
  readonly #profile: string;
  #socket!: WebSocket;
  #lastId = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  private constructor(child: Deno.ChildProcess, profile: string) {
    this.#child = child;
    this.#profile = profile;
  }

  static async open(
    program: string,
    flags: readonly string[],
  ): Promise<BrowserProcess> {
    const profile = await Deno.makeTempDir({ prefix: "qanat-chromium-" });
    const child = new Deno.Command(program, {
      args: [...FLAGS, ...flags, `--user-data-dir=${profile}`, "about:blank"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const browser = new BrowserProcess(child, profile);
    try {
      await browser.#connect(await browser.#address());
      return browser;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  call(method: string, params: Json, session = ""): Promise<Json> {
    const id = ++this.#lastId;
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
      const to = session === "" ? {} : { sessionId: session };
      this.#socket.send(JSON.stringify({ id, method, params, ...to }));
    });
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

  /** The address that Chromium prints; continues to read what it prints later, so that it never waits for us. */
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
      if (answer.id === undefined) {
        this.sessions.get(answer.sessionId ?? "")?.(
          answer.method ?? "",
          answer.params ?? {},
        );
        return;
      }
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    };
    await new Promise<void>((resolve, reject) => {
      this.#socket.onopen = () => resolve();
      this.#socket.onerror = () =>
        reject(new Error(`cannot connect to ${address}`));
    });
  }
}
