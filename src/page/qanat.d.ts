/**
 * Live time series of a Qanat server in a browser: `import { openStream } from "http://HOST:8080/qanat.js"`.
 *
 * ```js
 * const stream = openStream({
 *   channels: ["H1:GWOSC-4KHZ_R1_WHITENED"],
 *   onRow: (row) => console.log(row.timeNs, row.channels),
 *   onGap: (gap) => console.log("nothing from", gap.fromNs, "to", gap.toNs, gap.reason),
 * });
 * stream.close();
 * ```
 *
 * All streams of all tabs of a browser share one connection a stride, held by a SharedWorker. It comes back by
 * its last id. Times are GPS nanoseconds.
 *
 * @module
 */

export type DataType =
  | "int16"
  | "int32"
  | "int64"
  | "uint32"
  | "float32"
  | "float64";

export type Samples =
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** What `/v1/channels` tells of a channel, in this module's names. */
export interface ChannelHint {
  readonly name: string;
  /** Channels of different strides get connections of their own, so that slow ones hold up no fast ones. */
  readonly strideNs?: bigint | number;
  /** From some 50,000 samples a second on, Arrow is asked for instead of JSON. */
  readonly sampleRate?: number;
}

/** One stride of the channels that were asked for. */
export interface Row {
  /** Start of the row, GPS ns. */
  readonly timeNs: bigint;
  readonly strideNs: bigint;
  /** Samples by channel; null where there are none. */
  readonly channels: Readonly<Record<string, Samples | null>>;
  /** Why a channel is null, where the server tells (JSON only): `late`, `unreachable`, `missing`. */
  readonly missing: Readonly<Record<string, string>>;
  /** From the end of the row to its arrival, ms, by the server's clock; undefined before the clock is known, or of a range. */
  readonly latencyMs?: number;
}

/** A span that will not come. */
export interface Gap {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** The server's reasons of docs/protocol.md, or `page-slow`: this page did not take its rows in time. */
  readonly reason: string;
  /** Which of the stream's channels it is about. */
  readonly channels?: readonly string[];
}

/** RFC 9457: what the server says when it refuses. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly [name: string]: unknown;
}

export interface StreamState {
  /** `waiting`: not connected, tries again; `refused`: will not try again by itself; `ended`: all is there. */
  readonly state: "connecting" | "live" | "waiting" | "refused" | "ended";
  /** Why, in one word or two: an end reason, a problem's title, `connection`, `cut`. */
  readonly reason?: string;
  readonly detail?: string;
  readonly problem?: Problem;
  readonly retryInMs?: number;
  /** How often it came back. */
  readonly reconnects: number;
  /** Which of the stream's channels it is about: those of one stride, or one that the server does not know. */
  readonly channels?: readonly string[];
  /** The stride of these channels as it was hinted, ns; empty where it was not. */
  readonly stride?: string;
}

/** The server's clock, as this browser sees it. */
export interface ServerClock {
  /** GPS time minus this browser's `Date.now()`, ms. */
  readonly gpsMinusLocalMs: number;
  /** GPS time minus UTC, ms, as Unix time counts it. */
  readonly gpsMinusUnixMs: number;
  /** How wrong it can be: half a round trip, ms. Infinity: the server's clock was never read. */
  readonly errorMs: number;
}

export interface ConnectOptions {
  /** Where Qanat is served. @default where this module came from */
  readonly base?: string | URL;
  /** False: this page's own connection, in the page. @default true */
  readonly share?: boolean;
  /** @default Arrow for fast selections, else JSON */
  readonly encoding?: "json" | "arrow";
}

export interface OpenOptions extends ConnectOptions {
  readonly channels: readonly (string | ChannelHint)[];
  readonly onRow?: (row: Row) => void;
  readonly onGap?: (gap: Gap) => void;
  readonly onState?: (state: StreamState) => void;
}

export interface LiveStream {
  /** Chooses other channels; goes on without loss for those that stay. */
  update(channels: readonly (string | ChannelHint)[]): void;
  close(): void;
}

/** Follows channels from now on. */
export function openStream(options: OpenOptions): LiveStream;

export interface RangeOptions extends ConnectOptions {
  readonly channels: readonly (string | ChannelHint)[];
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly onRow: (row: Row) => void;
  readonly onGap?: (gap: Gap) => void;
  /** Told while it waits for its turn or comes back, too. */
  readonly onState?: (state: StreamState) => void;
  readonly signal?: AbortSignal;
}

/** Reads a range; resolves at its end, to what became of it (`ended`, or `refused` with the problem). */
export function readRange(options: RangeOptions): Promise<StreamState>;

/** The server's clock; asked for again every minute. */
export function serverClock(options?: ConnectOptions): ServerClock;
