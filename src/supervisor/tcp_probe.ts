// Checks this process's own listener as a client would: connects, requests /healthz, and accepts any answer.
// Invariant: at most one connection, which is closed with the probe.
import type { ListenerProbe } from "./watchdog.ts";

/** The address on which a process listens. */
export interface ListenerAddress {
  readonly host: string;
  readonly port: number;
  readonly basePath: string;
}

/** The address to connect to: loopback for a listener on all addresses. */
export function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::" || host === "[::]") return "::1";
  return host;
}

/** The request of a probe. */
export function probeRequest({ host, port, basePath }: ListenerAddress) {
  const name = reachableHost(host);
  const bracketed = name.includes(":") ? `[${name}]` : name;
  return `GET ${basePath}/healthz HTTP/1.1\r\nhost: ${bracketed}:${port}\r\n` +
    "connection: close\r\n\r\n";
}

/** One attempt, from its construction to close(). */
export class TcpProbe implements ListenerProbe {
  #state: ListenerProbe["state"] = "waiting";
  #error = "";
  #isClosed = false;
  #connection: Deno.Conn | null = null;
  readonly #abort = new AbortController();

  constructor(address: ListenerAddress) {
    this.#run(address);
  }

  get state(): ListenerProbe["state"] {
    return this.#state;
  }

  get error(): string {
    return this.#error;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#abort.abort();
    this.#release();
  }

  async #run(address: ListenerAddress): Promise<void> {
    try {
      const connection = await Deno.connect({
        hostname: reachableHost(address.host),
        port: address.port,
        signal: this.#abort.signal,
      });
      this.#connection = connection;
      if (this.#isClosed) return;
      await connection.write(new TextEncoder().encode(probeRequest(address)));
      // The kernel completes a connection even if the listener never accepts it. Bytes, an end or a reset prove that it did.
      await connection.read(new Uint8Array(1024)).catch((error: Error) => {
        if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      });
      if (!this.#isClosed) this.#state = "answered";
    } catch (error) {
      if (this.#isClosed) return;
      this.#state = "failed";
      this.#error = (error as Error).message;
    } finally {
      this.#release();
    }
  }

  #release(): void {
    try {
      this.#connection?.close();
    } catch { /* The runtime has closed it already. */ }
    this.#connection = null;
  }
}
