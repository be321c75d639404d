// Reads /v1/events (hello, rows, gaps, the end), and continues after the last id.
// Invariant: only the server sets the last id; the reason that it gives for an end decides whether to reconnect.
import { createParser } from "eventsource-parser";
import { type Attempt, type Connection, isRenewedAfter } from "./retrying.ts";
import type { TailOptions } from "./options.ts";

/** The `hello` of a stream. */
export interface Hello {
  readonly stride_ns: number;
  readonly channels: readonly {
    readonly name: string;
    readonly data_type: string;
    readonly sample_rate: number;
    readonly unit?: string;
  }[];
}

/** Samples as they are in JSON: 64-bit integers are text, null is a sample that is not finite. */
export type JsonSamples = readonly (number | string | null)[] | null;

/** One row; times in GPS ns, the end exclusive. */
export interface Row {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly channels: Readonly<Record<string, JsonSamples>>;
  /** By channel: why it is null. */
  readonly missing: Readonly<Record<string, string>>;
}

/** A span without rows, GPS ns; null where the server does not know. */
export interface Gap {
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly reason: string;
}

/** Receives the events of a stream. */
export interface EventHandler {
  onHello(hello: Hello): void;
  onRow(row: Row): void;
  onGap(gap: Gap): void;
}

/** Reasons of an end after which the client reconnects; all others are final. */
const RETRIED_ENDS: ReadonlySet<string> = new Set([
  "drain",
  "age",
  "changed",
  "time-reset",
  "error",
  "slow",
]);
/** Reasons of an end after which the last id is no longer valid. */
const ENDS_WITHOUT_ID: ReadonlySet<string> = new Set([
  "changed",
  "time-reset",
]);

/** A connection to /v1/events for {@linkcode readRetrying}. */
export function eventConnection(
  options: TailOptions,
  handler: EventHandler,
): Connection {
  const { credential } = options;
  let lastId = "";
  return {
    credential,
    request() {
      const url = new URL(`${options.url}/v1/events`);
      for (const [name, value] of Object.entries(options.query)) {
        url.searchParams.set(name, value);
      }
      const headers = lastId === "" ? {} : { "last-event-id": lastId };
      return { url: url.href, headers, client: options.client };
    },
    async read(body, onProgress): Promise<Attempt> {
      let end: string | null = null;
      let retryMs: number | undefined;
      const parser = createParser({
        onId: (id) => lastId = id,
        onRetry: (ms) => retryMs = ms,
        onEvent({ id, event, data }) {
          if (event === "end") end = JSON.parse(data).reason;
          else if (event === "hello") handler.onHello(JSON.parse(data));
          else if (event === "gap") handler.onGap(gapOf(data));
          else if (event === undefined && id !== undefined) {
            onProgress();
            handler.onRow(rowOf(data, id));
          }
        },
      });
      const texts = body.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      );
      for await (const text of texts) parser.feed(text);
      if (end === null) {
        return { kind: "again", reason: "the connection broke", retryMs };
      }
      if (end === "complete") return { kind: "complete" };
      if (ENDS_WITHOUT_ID.has(end)) lastId = "";
      const detail = `the server ended the stream: ${end as string}`;
      return RETRIED_ENDS.has(end) || isRenewedAfter(end, credential)
        ? { kind: "again", reason: detail, retryMs }
        : { kind: "broken", detail };
    },
  };
}

function rowOf(data: string, id: string): Row {
  const { time, channels, missing } = JSON.parse(data);
  return {
    startNs: BigInt(time),
    // With `duration` and no `start`, an id also contains the end of the range, after a `~`.
    endNs: BigInt(id.split("~", 1)[0]!),
    channels,
    missing: missing ?? {},
  };
}

function gapOf(data: string): Gap {
  const { from, to, reason } = JSON.parse(data);
  return { from: timeOf(from), to: timeOf(to), reason };
}

function timeOf(text: unknown): bigint | null {
  return typeof text === "string" && /^\d+$/.test(text) ? BigInt(text) : null;
}
