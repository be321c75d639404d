// The worker of Qanat, which the test can break.
import { Server } from "node:net";
import { breakOnWord } from "./control_port.ts";
import "../../src/worker.ts";

/** The last one that listened is that of the port for clients, as there is no other. */
let server: Server | undefined;
const listen = Server.prototype.listen;
// deno-lint-ignore no-explicit-any
Server.prototype.listen = function (this: Server, ...args: any[]) {
  server = this;
  return Reflect.apply(listen, this, args);
} as typeof listen;

/** From now on no connection is accepted; the kernel still takes them. */
function stopAccepting(): void {
  const { _handle } = server as unknown as {
    _handle: { onconnection: () => void };
  };
  _handle.onconnection = () => {};
}

await breakOnWord(import.meta.url, {
  "stop-accepting": stopAccepting,
  "close-listener": () => void server!.close(),
});
