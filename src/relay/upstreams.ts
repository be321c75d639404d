// The instances that a relay may read from: which one is used now, and when another one is tried.
// Invariant: no message or log line contains the token.
import type { UpstreamStatus } from "../source/source.ts";
import type { Logger } from "../telemetry/log.ts";
import {
  beginning,
  errorOfAnswer,
  refuseCompressed,
  UPSTREAM_FAILURES,
  type UpstreamError,
  upstreamError,
  type UpstreamFailure,
} from "./upstream_error.ts";
import { UpstreamRecord } from "./upstream_record.ts";
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

/** The upstreams of one relay. */
export class Upstreams {
  readonly counters = {
    upstream_failures: 0,
    upstream_switches: 0,
    upstream_histories_refused: 0,
    upstream_bytes: 0,
  };
  readonly failures = Object.fromEntries(
    UPSTREAM_FAILURES.map((kind) => [kind, 0]),
  ) as Record<UpstreamFailure, number>;
  readonly #options: UpstreamsOptions;
  readonly #records: readonly UpstreamRecord[];
  #current = 0;
  /** Failures since the last success. */
  #failuresInARow = 0;
  #retryClockMs = -Infinity;

  constructor(options: UpstreamsOptions) {
    const { addresses, log, clockMs } = this.#options = options;
    this.#records = addresses.map((each) =>
      new UpstreamRecord(each, log, clockMs)
    );
  }

  /** Index of the one that is used. */
  get current(): number {
    return this.#current;
  }

  /** Whether a request may be sent now. */
  get mayTry(): boolean {
    return this.#options.clockMs() >= this.#retryClockMs;
  }

  /** All of them have failed since one of them answered. */
  get haveAllFailed(): boolean {
    return this.#failuresInARow >= this.#records.length;
  }

  /** `delayMs`: of the one that is used. */
  status(delayMs: number): readonly UpstreamStatus[] {
    return this.#records.map((record, index) =>
      record.status(index === this.#current, delayMs)
    );
  }

  /** Sends a request to the current one. Throws {@linkcode UpstreamError}. */
  async request(
    path: string,
    body: string | null,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { body: stream } = await this.#answer(path, {
      body,
      signal,
      accept: BLOCKS_CONTENT_TYPE,
      type: BLOCKS_TYPE,
    });
    return stream!;
  }

  /** A short JSON document of the current one. Throws {@linkcode UpstreamError}. */
  async json(path: string, signal: AbortSignal): Promise<unknown> {
    const type = "application/json";
    const answer = await this.#answer(path, {
      body: null,
      signal,
      accept: type,
      type,
    });
    try {
      return JSON.parse(await beginning(answer));
    } catch (error) {
      throw upstreamError(error);
    }
  }

  /** An answer of a type. Throws {@linkcode UpstreamError} for any other. */
  async #answer(
    path: string,
    { body, signal, accept, type }: {
      readonly body: string | null;
      readonly signal: AbortSignal;
      readonly accept: string;
      readonly type: string;
    },
  ): Promise<Response> {
    const { addresses, token, fetch } = this.#options;
    const address = addresses[this.#current]!;
    let secret = "";
    try {
      secret = await token();
      const response = await fetch(`${address}${path}`, {
        method: body === null ? "GET" : "POST",
        headers: {
          accept,
          // Compressed, an upstream could send more than a relay can unpack.
          "accept-encoding": "identity",
          ...(body === null ? {} : { "content-type": "application/json" }),
          ...(secret === "" ? {} : { authorization: `Bearer ${secret}` }),
        },
        body,
        signal,
        // A token is for this address alone. workerd does not know "error".
        redirect: "manual",
      });
      const given = response.headers.get("content-type") ?? "";
      await refuseCompressed(response);
      if (response.ok && given.startsWith(type) && response.body) {
        return response;
      }
      throw await errorOfAnswer(response, secret);
    } catch (error) {
      throw upstreamError(error, secret);
    }
  }

  /** One of them has answered with frames. */
  succeeded(index: number): void {
    if (index !== this.#current) return;
    this.#failuresInARow = 0;
    this.#records[index]!.connected();
  }

  /** One of them has failed: if it is the current one, the next one is used from now on. */
  failed(index: number, error: UpstreamError): void {
    this.counters.upstream_failures++;
    this.failures[error.kind]++;
    if (index !== this.#current) return;
    const { clockMs } = this.#options;
    this.#records[index]!.failed(error);
    this.#failuresInARow++;
    if (this.#records.length > 1) {
      this.#current = (index + 1) % this.#records.length;
      this.counters.upstream_switches++;
    }
    if (this.haveAllFailed) this.#retryClockMs = clockMs() + RETRY_MS;
  }

  /** It cannot give another history now; null: it has given one. */
  historyRefused(error: UpstreamError | null): void {
    if (error !== null) this.counters.upstream_histories_refused++;
    this.#records[this.#current]!.refused(error);
  }
}
