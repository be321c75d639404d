// A client that sends raw bytes, and waits for what it receives instead of for a time.
import net from "node:net";

/** A test that waits longer than this fails. */
const WAIT_MAX_MS = 20_000;

export class RawClient {
  readonly socket: net.Socket;
  received = "";
  /** `end`: the server closed properly. Else an error's code. */
  readonly closed: Promise<string>;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.received += data.toString("latin1");
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      let how = "end";
      socket.on("error", (error: Error & { code?: string }) => {
        how = error.code ?? String(error);
      });
      socket.on("close", () => {
        this.#isClosed = true;
        resolve(how);
        this.#wake();
      });
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect(port, "127.0.0.1");
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.once("error", reject);
    });
    return client;
  }

  /** Resolves when the kernel has the bytes. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(
        typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes,
        () => resolve(),
      );
    });
  }

  /** Waits for bytes among the last 100,000; fails with what came when the connection is closed before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received.slice(-100_000))) {
      if (this.#isClosed) {
        throw new Error(`closed before ${pattern}: ${this.received}`);
      }
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`no ${pattern}: ${this.received.slice(0, 2000)}`));
        }, WAIT_MAX_MS);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.received;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Lets the event loop turn until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`never so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
