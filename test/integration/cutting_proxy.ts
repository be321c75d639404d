// A TCP proxy that breaks connections in the middle of event streams, as an outage would. Loopback only.
// Invariant: each cut falls once, behind so many bytes of a stream's body, wherever that is in an event.

interface Answered {
  readonly method: string;
  readonly status: number;
}

const decoder = new TextDecoder("latin1");

/** Passes everything on, and cuts the first streams that go through it. */
export class CuttingProxy {
  readonly port: number;
  /** Every answer that went through, in the order in which they began. */
  readonly answers: Answered[] = [];
  readonly #target: number;
  /** Bytes of body after which the next streams break. */
  readonly #cuts: number[];
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;

  constructor(target: number, cuts: readonly number[]) {
    this.#target = target;
    this.#cuts = [...cuts];
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#running = this.#accept();
  }

  get cutsLeft(): number {
    return this.#cuts.length;
  }

  /** Statuses of what was asked by GET. */
  get statuses(): number[] {
    return this.answers.filter(({ method }) => method === "GET")
      .map(({ status }) => status);
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
    const server = await Deno.connect({
      hostname: "127.0.0.1",
      port: this.#target,
    });
    for (const end of [client, server]) this.#open.add(end);
    const methods: string[] = [];
    await Promise.race([
      this.#up(client, server, methods),
      this.#down(server, client, methods),
    ]).catch(() => {});
    for (const end of [client, server]) {
      shut(end);
      this.#open.delete(end);
    }
  }

  /** A request's head comes in one piece from all clients that are tested here. */
  async #up(
    client: Deno.TcpConn,
    server: Deno.TcpConn,
    methods: string[],
  ): Promise<void> {
    for await (const chunk of client.readable) {
      const [, method] = /^([A-Z]+) \//.exec(decoder.decode(chunk)) ?? [];
      if (method !== undefined) methods.push(method);
      await writeAll(server, chunk);
    }
  }

  async #down(
    server: Deno.TcpConn,
    client: Deno.TcpConn,
    methods: string[],
  ): Promise<void> {
    let left = Infinity;
    for await (const chunk of server.readable) {
      const text = decoder.decode(chunk);
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? [];
      if (status !== undefined) {
        const method = methods.shift() ?? "";
        this.answers.push({ method, status: Number(status) });
        const isStream = /\r\ncontent-type: text\/event-stream/i.test(text);
        if (isStream && this.#cuts.length > 0) {
          left = this.#cuts[0]! + text.indexOf("\r\n\r\n");
        }
      }
      await writeAll(client, chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left > 0) continue;
      this.#cuts.shift();
      return;
    }
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.byteLength) at += await to.write(bytes.subarray(at));
}

function shut(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Its readable has closed it.
  }
}
