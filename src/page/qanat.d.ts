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

/**
 * The array of the channel's type. Where some samples are null: Float64Array with NaN, but of int64 an array of bigint
 * and null, since a double holds no integer beyond 2^53.
 */
export type Samples =
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | readonly (bigint | null)[];

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

/** Bins in the place of rows: how long each is. */
export type Trend = "1s" | "10s" | "60s";

/** What the samples of one bin were. Null: of no sample (`count` is 0), or infinite. */
export interface TrendBin {
  /** A sample: a bigint of int64 channels. */
  readonly min: number | bigint | null;
  readonly mean: number | null;
  readonly max: number | bigint | null;
  /** Samples that were counted: fewer than rate times length where some are missing or NaN. */
  readonly count: number;
}

/** One bin of the channels that were asked for. */
export interface TrendRow extends Omit<Row, "channels"> {
  /** Start of the bin, GPS ns; `strideNs` is its length. */
  readonly timeNs: bigint;
  /** Bins by channel; null where nothing came, and `missing` says why: `missing`, `not-recorded`, `retention`. */
  readonly channels: Readonly<Record<string, TrendBin | null>>;
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
  /** The stride of these channels as it was hinted, ns; empty where it was not. Of a trend, its bin. */
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

/** As OpenOptions, for bins: min, mean, max and count of each channel. */
export interface OpenTrendOptions extends Omit<OpenOptions, "onRow"> {
  /** Must be a whole multiple of each channel's stride. */
  readonly trend: Trend;
  /** A bin comes when its last block is settled. */
  readonly onRow?: (row: TrendRow) => void;
}

export interface LiveStream {
  /** Chooses other channels; goes on without loss for those that stay. */
  update(channels: readonly (string | ChannelHint)[]): void;
  close(): void;
}

/** Follows channels from now on: rows, or with `trend` bins. */
export function openStream(options: OpenOptions): LiveStream;
export function openStream(options: OpenTrendOptions): LiveStream;

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

/** As RangeOptions, for bins: those that overlap the range, as far as they were recorded. */
export interface TrendRangeOptions extends Omit<RangeOptions, "onRow"> {
  readonly trend: Trend;
  readonly onRow: (row: TrendRow) => void;
}

/** Reads a range; resolves at its end, to what became of it (`ended`, or `refused` with the problem). */
export function readRange(options: RangeOptions): Promise<StreamState>;
export function readRange(options: TrendRangeOptions): Promise<StreamState>;

/** The server's clock; asked for again every minute. */
export function serverClock(options?: ConnectOptions): ServerClock;
