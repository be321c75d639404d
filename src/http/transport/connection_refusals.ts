// What a connection gets that is not served, as there is no room for it.
import type { PoolRefusal } from "../../clients/share_pool.ts";
import { responseText } from "./socket_problem.ts";

const RETRY_AFTER_SECONDS = 5;

/** Whole HTTP answers, made once. */
export class ConnectionRefusals {
  readonly #full: string;
  readonly #share: string;

  constructor(
    { connectionsMax, sharePercent }: {
      readonly connectionsMax: number;
      readonly sharePercent: number;
    },
  ) {
    this.#full = responseText({
      status: 503,
      title: "Too many connections",
      detail:
        `All ${connectionsMax} connections (--connections-max) are in use; try again later`,
      retryAfter: RETRY_AFTER_SECONDS,
    });
    this.#share = responseText({
      status: 429,
      title: "Too many connections from your address",
      detail:
        `One address may hold ${sharePercent} % of the connections that other addresses leave free, of ` +
        `${connectionsMax} in all (--address-share-percent, --connections-max); close some of yours`,
      retryAfter: RETRY_AFTER_SECONDS,
    });
  }

  of(refusal: PoolRefusal): string {
    return refusal === "full" ? this.#full : this.#share;
  }
}
