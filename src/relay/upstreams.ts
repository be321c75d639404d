// The instances that a relay may read from: which one is used now, and when another one is tried.
// Invariant: no message or log line contains the token.
import type { Logger } from "../telemetry/log.ts";
import { BLOCKS_CONTENT_TYPE, BLOCKS_TYPE } from "./wire.ts";

export interface UpstreamsOptions {
  /** Without a slash at their end, the preferred one first. */
  readonly addresses: readonly string[];
  /** Read at each request; "" for none. */
  readonly token: () => Promise<string>;
  readonly fetch: typeof fetch;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  readonly log: Logger;
}

/** After all upstreams have failed, the next attempt comes so much later. */
const RETRY_MS = 1000;
const DETAIL_CHARS_MAX = 300;

/** The upstream has answered, and not with blocks. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
}

/** The upstreams of one relay. */
export class Upstreams {
  readonly counters = { upstream_failures: 0, upstream_switches: 0 };
  readonly #options: UpstreamsOptions;
  #current = 0;
  /** Failures since the last success. */
  #failures = 0;
  #retryClockMs = -Infinity;

  constructor(options: UpstreamsOptions) {
    this.#options = options;
  }

  /** Index of the one that is used. */
  get current(): number {
    return this.#current;
  }

  /** `HOST:PORT` of each. */
  get hosts(): readonly string[] {
    return this.#options.addresses.map((address) => new URL(address).host);
  }

  /** Whether a request may be sent now. */
  get mayTry(): boolean {
    return this.#options.clockMs() >= this.#retryClockMs;
  }

  /** All of them have failed since one of them answered. */
  get haveAllFailed(): boolean {
    return this.#failures >= this.#options.addresses.length;
  }

  /** Sends a request to the current one. Throws {@linkcode UpstreamError}, or what `fetch` throws. */
  async request(
    path: string,
    body: string | null,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { addresses, token, fetch } = this.#options;
    const address = addresses[this.#current]!;
    const secret = await token();
    const response = await fetch(`${address}${path}`, {
      method: body === null ? "GET" : "POST",
      headers: {
        accept: BLOCKS_CONTENT_TYPE,
        ...(body === null ? {} : { "content-type": "application/json" }),
        ...(secret === "" ? {} : { authorization: `Bearer ${secret}` }),
      },
      body,
      signal,
      // A token is for this address alone. workerd does not know "error".
      redirect: "manual",
    });
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && type.startsWith(BLOCKS_TYPE) && response.body) {
      return response.body;
    }
    throw new UpstreamError(await reasonOf(response, secret));
  }

  /** One of them has answered with frames. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** One of them has failed: if it is the current one, the next one is used from now on. */
  failed(index: number, reason: string): void {
    this.counters.upstream_failures++;
    if (index !== this.#current) return;
    const { addresses, clockMs, log } = this.#options;
    if (this.#failures < addresses.length) {
      const upstream = new URL(addresses[index]!).host;
      log.warn("upstream-failed", { upstream, reason });
    }
    this.#failures++;
    if (addresses.length > 1) {
      this.#current = (index + 1) % addresses.length;
      this.counters.upstream_switches++;
    }
    if (this.haveAllFailed) this.#retryClockMs = clockMs() + RETRY_MS;
  }
}

/** Why an answer is no stream of blocks. */
async function reasonOf(response: Response, secret: string): Promise<string> {
  const { status, type } = response;
  if (type === "opaqueredirect" || status >= 300 && status < 400) {
    await response.body?.cancel();
    return "it redirects, which is not followed: --upstream must be the address itself";
  }
  let detail = "it sent no blocks";
  try {
    const text = await response.text();
    if (!response.ok) detail = (JSON.parse(text) as { detail: string }).detail;
  } catch {
    // Not a problem of Qanat: the status says it.
  }
  const shown = String(detail).slice(0, DETAIL_CHARS_MAX);
  return `status ${status}: ${
    secret === "" ? shown : shown.replaceAll(secret, "***")
  }`;
}
