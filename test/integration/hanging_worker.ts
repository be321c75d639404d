// The worker of Qanat, and a port on which the test says how it is to break. Each connection sends one word.
import { Server } from "node:net";
import "../../src/worker.ts";

/** A pause that a service must survive, such as a long collection. */
const PAUSE_MS = 3000;

let server: Server | undefined;
const listen = Server.prototype.listen;
// deno-lint-ignore no-explicit-any
Server.prototype.listen = function (this: Server, ...args: any[]) {
  server = this;
  return Reflect.apply(listen, this, args);
} as typeof listen;

function hang(): never {
  for (;;);
}

function pause(): void {
  const endMs = performance.now() + PAUSE_MS;
  while (performance.now() < endMs);
}

/** From now on no connection is accepted; the kernel still takes them. */
function stopAccepting(): void {
  const { _handle } = server as unknown as {
    _handle: { onconnection: () => void };
  };
  _handle.onconnection = () => {};
}

const BREAKS: Readonly<Record<string, () => void>> = {
  hang,
  pause,
  "stop-accepting": stopAccepting,
  "close-listener": () => void server!.close(),
  throw: () =>
    void setTimeout(() => {
      throw new Error("thrown by the test");
    }),
  reject: () => void Promise.reject(new Error("rejected by the test")),
};

const port = Number(new URL(import.meta.url).searchParams.get("port"));
for await (const connection of Deno.listen({ hostname: "127.0.0.1", port })) {
  const bytes = new Uint8Array(100);
  const count = await connection.read(bytes);
  connection.close();
  BREAKS[new TextDecoder().decode(bytes.subarray(0, count ?? 0))]!();
}
