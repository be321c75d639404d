// Reads /v1/events: hello, rows, gaps, the end; goes on behind the last id.
// Invariant: lastId only comes from the server; a stream that says why it ended is believed.
import { createParser } from "eventsource-parser";
import type { Connection, Try } from "./retrying.ts";
import type { TailOptions } from "./options.ts";

/** The `hello` of a stream. */
export interface Hello {
  readonly stride_ns: number;
  readonly channels: readonly {
    readonly name: string;
    readonly data_type: string;
    readonly sample_rate: number;
  }[];
}

/** Samples as JSON carries them: 64-bit integers as text. */
export type JsonSamples = readonly (number | string | null)[] | null;

export interface Row {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly channels: Readonly<Record<string, JsonSamples>>;
  /** Why a channel is null. */
  readonly missing: Readonly<Record<string, string>>;
}

export interface Gap {
  readonly from: bigint | null;
  readonly to: bigint | null;
  readonly reason: string;
}

export interface EventHandler {
  onHello(hello: Hello): void;
  onRow(row: Row): void;
  onGap(gap: Gap): void;
}

/** Ends after which the same request makes sense; the rest are final. */
const GOES_ON = new Set(["drain", "changed", "time-reset", "error", "slow"]);
/** After these the old place in the stream means nothing. */
const FORGETS = new Set(["changed", "time-reset"]);

/** A connection to /v1/events for {@linkcode readRetrying}. */
export function eventConnection(
  options: TailOptions,
  handler: EventHandler,
): Connection {
  let lastId = "";
  return {
    request() {
      const url = new URL(`${options.url}/v1/events`);
      for (const [name, value] of Object.entries(options.query)) {
        url.searchParams.set(name, value);
      }
      const resume = lastId === "" ? {} : { "last-event-id": lastId };
      return { url: url.href, headers: { ...options.headers, ...resume } };
    },
    async read(body, brought): Promise<Try> {
      let end: string | null = null;
      const parser = createParser({
        onId: (id) => lastId = id,
        onEvent({ id, event, data }) {
          if (event === "end") end = JSON.parse(data).reason;
          else if (event === "hello") handler.onHello(JSON.parse(data));
          else if (event === "gap") handler.onGap(gapOf(data));
          else if (event === undefined && id !== undefined) {
            brought();
            handler.onRow(rowOf(data, id));
          }
        },
      });
      const texts = body.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      );
      for await (const text of texts) parser.feed(text);
      if (end === null) return { kind: "again", why: "the connection broke" };
      if (end === "complete") return { kind: "complete" };
      if (FORGETS.has(end)) lastId = "";
      const why = `the server ended the stream: ${end as string}`;
      return GOES_ON.has(end)
        ? { kind: "again", why }
        : { kind: "broken", detail: why };
    },
  };
}

function rowOf(data: string, id: string): Row {
  const { time, channels, missing } = JSON.parse(data);
  return {
    startNs: BigInt(time),
    // With `duration` and no `start`, an id says where that ends, too.
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
