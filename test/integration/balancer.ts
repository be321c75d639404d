// A small TCP balancer: each connection goes to the first instance that takes one. Loopback only.
// Invariant: close() ends every connection that goes through it.

/** Balances over ports of this machine; the first that answers gets the connection. */
export class Balancer {
  readonly port: number;
  /** Connections handed to each port. */
  readonly taken = new Map<number, number>();
  readonly #ports: number[];
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;

  constructor(ports: readonly number[]) {
    this.#ports = [...ports];
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#running = this.#accept();
  }

  /** Puts an instance first. */
  prefer(port: number): void {
    const place = this.#ports.indexOf(port);
    if (place >= 0) this.#ports.splice(place, 1);
    this.#ports.unshift(port);
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) shut(connection);
    await this.#running;
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#serve(client).catch(() => {});
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    const server = await this.#connect();
    if (server) {
      this.#open.add(server);
      await Promise.race([copy(client, server), copy(server, client)]);
      shut(server);
      this.#open.delete(server);
    }
    shut(client);
    this.#open.delete(client);
  }

  async #connect(): Promise<Deno.TcpConn | null> {
    for (const port of this.#ports) {
      try {
        const server = await Deno.connect({ hostname: "127.0.0.1", port });
        this.taken.set(port, (this.taken.get(port) ?? 0) + 1);
        return server;
      } catch {
        // Dead: the next one.
      }
    }
    return null;
  }
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    for (;;) {
      const count = await from.read(buffer);
      if (count === null) return;
      for (let at = 0; at < count;) {
        at += await to.write(buffer.subarray(at, count));
      }
    }
  } catch {
    // The other side has disconnected.
  }
}

function shut(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
