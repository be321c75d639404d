// Connections that are not served, as there is no room for them: answers and closes them.
// Invariant: few are kept open at a time, each for a short time, so that its client can read the answer.
import type { Socket } from "node:net";
import type { PoolRefusal } from "../../shares/share_pool.ts";
import { responseText } from "./socket_problem.ts";

const RETRY_AFTER_SECONDS = 5;
/** Refused connections that are kept open at a time, so that their clients can read the answer. */
const REFUSED_MAX = 32;
/** After the answer, the server waits so long for the client to close the connection. */
const LINGER_MS = 2000;

export interface RefusalsOptions {
  readonly connectionsMax: number;
  readonly sharePercent: number;
  /** Whether settings have these limits: `--connections-max` and `--address-share-percent`. @default true */
  readonly hasSettings?: boolean | undefined;
  /** Whether clients expect TLS: their connections are closed without an answer. */
  readonly isTls?: boolean;
  /** Path before `/docs` in addresses that problems name. @default "" */
  readonly docsBase?: string | undefined;
  /** Monotonic clock. */
  readonly nowMs: () => number;
}

/** The refused connections of one server. */
export class ConnectionRefusals {
  readonly #options: RefusalsOptions;
  /** Refused connections that have not closed yet, with the time of the refusal. */
  readonly #open = new Map<Socket, number>();
  /** Whole HTTP answers, made once. */
  readonly #full: string;
  readonly #share: string;

  constructor(options: RefusalsOptions) {
    this.#options = options;
    const { connectionsMax, docsBase = "", sharePercent, hasSettings = true } =
      options;
    const [ofMax, ofShare] = hasSettings
      ? [
        " (--connections-max)",
        " (--address-share-percent, --connections-max)",
      ]
      : [" of this port", ""];
    this.#full = responseText({
      code: "too_many_connections",
      detail:
        `All ${connectionsMax} connections${ofMax} are in use; try again later`,
      retryAfter: RETRY_AFTER_SECONDS,
    }, docsBase);
    this.#share = responseText({
      code: "too_many_connections_of_address",
      detail:
        `One address may hold ${sharePercent} % of the connections that other addresses leave free, of ` +
        `${connectionsMax} in all${ofShare}; close some of yours`,
      retryAfter: RETRY_AFTER_SECONDS,
    }, docsBase);
  }

  refuse(socket: Socket, refusal: PoolRefusal): void {
    const { isTls, nowMs } = this.#options;
    socket.on("error", ignore);
    if (isTls) return void socket.destroy();
    socket.end(refusal === "full" ? this.#full : this.#share);
    if (this.#open.size >= REFUSED_MAX) return void socket.destroy();
    this.#open.set(socket, nowMs());
    socket.on("close", () => this.#open.delete(socket));
    // The request is read and dropped: closing with unread bytes would reset the connection and lose the answer.
    socket.resume();
  }

  /** Closes those whose clients have had the time to read the answer. */
  sweep(): void {
    const nowMs = this.#options.nowMs();
    for (const [socket, sinceMs] of this.#open) {
      if (nowMs - sinceMs > LINGER_MS) socket.destroy();
    }
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

function ignore(): void {}
