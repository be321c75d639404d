// Checks this process's own listener as a client with TLS would: connects, shakes hands, requests /healthz, and accepts
// any answer. Invariant: at most one connection, which is closed with the probe.
import { connect, type TLSSocket } from "node:tls";
import {
  type ListenerAddress,
  probeRequest,
  reachableHost,
} from "./tcp_probe.ts";
import type { ListenerProbe } from "./watchdog.ts";

/** One attempt, from its construction to close(). */
export class TlsProbe implements ListenerProbe {
  #state: ListenerProbe["state"] = "waiting";
  #error = "";
  readonly #socket: TLSSocket;

  constructor(address: ListenerAddress) {
    const socket = this.#socket = connect({
      host: reachableHost(address.host),
      port: address.port,
      // The probe is for loopback, and the certificate for the name that clients use. It sends and reads nothing secret.
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    let isConnected = false;
    socket.once("connect", () => isConnected = true);
    socket.once("secureConnect", () => socket.write(probeRequest(address)));
    // Bytes, an end, a reset or an error of TLS prove that the listener accepted the connection.
    socket.once("data", () => this.#ended(null));
    socket.once("end", () => this.#ended(null));
    socket.once("close", () => this.#ended(null));
    socket.on("error", (error) => this.#ended(isConnected ? null : error));
  }

  get state(): ListenerProbe["state"] {
    return this.#state;
  }

  get error(): string {
    return this.#error;
  }

  close(): void {
    this.#socket.removeAllListeners();
    this.#socket.on("error", () => {});
    this.#socket.destroy();
  }

  #ended(error: Error | null): void {
    if (this.#state !== "waiting") return;
    this.#state = error === null ? "answered" : "failed";
    this.#error = error?.message ?? "";
    this.close();
  }
}
