// The bytes on the sockets of the node:http server: heads, chunks, ends. The date is masked; all else is as it comes.
import { describe, it } from "@std/testing/bdd";
import { serve } from "../../src/http/server.ts";
import { PROVEN_RUNTIMES } from "../../src/http/transport/proven_runtimes.ts";
import { A, B, GoldenWorld } from "./golden_world.ts";
import { round } from "../frozen_time.ts";
import { binaryBody, joined } from "./recorded_body.ts";

const EVENTS = `/v1/events?channels=${A},${B}`;
const ARROW = `/v1/arrow?channels=${A},${B}`;
const HEAD_END = "\r\n\r\n";

/** All but the first are runtimes on which only public API is used: their bytes are the same. */
const RUNTIMES = [
  ["on native handles", PROVEN_RUNTIMES.at(-1)!],
  ["by socket.write()", "deno 0.0.0"],
] as const;
const OPTIONS = { config: { port: 0 }, unlogged: ["runtime-not-proven"] };

/** A connection and all that has come on it. */
class WireClient {
  readonly #connection: Deno.TcpConn;
  readonly #parts: Uint8Array[] = [];
  readonly title: string;
  isOver = false;

  constructor(title: string, connection: Deno.TcpConn) {
    this.title = title;
    this.#connection = connection;
    this.#read();
  }

  /** Latin-1, one character a byte. */
  get text(): string {
    return new TextDecoder("latin1").decode(joined(this.#parts));
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        this.#parts.push(buffer.slice(0, count));
      }
    } finally {
      this.isOver = true;
      this.#connection.close();
    }
  }

  record(): string {
    const at = this.text.indexOf(HEAD_END);
    const head = this.text.slice(0, at).replace(/^date: .*$/mi, "date: …");
    const bytes = joined(this.#parts).subarray(at + HEAD_END.length);
    const isText = /^content-type: (text|application\/(json|problem))/mi
      .test(head) && !/^content-encoding/mi.test(head);
    const body = isText
      ? new TextDecoder().decode(bytes).replaceAll("\r", "␍")
      : binaryBody([bytes], /^content-encoding/mi.test(head));
    return `${this.title}\n${head.replaceAll("\r", "")}\n\n${body}`;
  }
}

/** Waits until something has come that does come. */
async function until(world: GoldenWorld, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    await world.settle();
    await round();
  }
}

describe("sockets, byte by byte", () => {
  for (const [how, runtime] of RUNTIMES) {
    it(`of streams in every format, of answers, and of a drain; written ${how}`, () =>
      GoldenWorld.play("wire/http", OPTIONS, async (world) => {
        const server = await serve(world.qanat, {
          runtime,
          newRequestId: () => "golden",
        });
        const { port } = server;
        const clients: WireClient[] = [];
        /** Sends a request, and waits for the head and the first chunk, or for the end. */
        const send = async (title: string, request: string) => {
          const connection = await Deno.connect({
            hostname: "127.0.0.1",
            port,
          });
          const bytes = new TextEncoder().encode(
            request.replaceAll("\n", "\r\n").replace("HOST", "Host: localhost"),
          );
          await connection.write(bytes);
          const line = request.split("\n")[0]!;
          const client = new WireClient(`${title}: ${line}`, connection);
          clients.push(client);
          const [, isStream] = /^\w+ \S*v1\/(events|arrow)/.exec(request) ?? [];
          await until(world, () => {
            const at = client.text.indexOf(HEAD_END);
            return client.isOver ||
              isStream !== undefined && at >= 0 &&
                client.text.length > at + HEAD_END.length;
          });
        };
        const close = "HOST\nConnection: close\n\n";
        await send("events", `GET ${EVENTS} HTTP/1.1\n${close}`);
        await send(
          "gzip",
          `GET ${EVENTS} HTTP/1.1\nAccept-Encoding: gzip, identity;q=0\n${close}`,
        );
        await send(
          "events of Arrow",
          `GET ${EVENTS}&encoding=arrow HTTP/1.1\n${close}`,
        );
        await send("Arrow", `GET ${ARROW} HTTP/1.1\n${close}`);
        await send("events, HTTP/1.0", `GET ${EVENTS} HTTP/1.0\nHOST\n\n`);
        await send(
          "four rows",
          `GET ${EVENTS}&duration=0.25 HTTP/1.1\n${close}`,
        );
        await send("gaps=fail", `GET ${ARROW}&gaps=fail HTTP/1.1\n${close}`);
        await send("health", `GET /healthz HTTP/1.1\n${close}`);
        await send("HEAD", `HEAD ${EVENTS} HTTP/1.1\n${close}`);
        await send("no path", `GET /nothing HTTP/1.1\n${close}`);
        await send("no request", "NONSENSE\n\n");
        await send(
          "another host",
          "GET /v1/channels HTTP/1.1\nHost: evil.test\nConnection: close\n\n",
        );
        await world.publish(4);
        world.lose(2);
        await world.publish(2);
        await world.pass(2);
        await world.publish(1);
        world.qanat.drain();
        await until(world, () => clients.every(({ isOver }) => isOver));
        await server.close(1000);
        for (const client of clients) world.note(client.record());
      }));
  }
});
