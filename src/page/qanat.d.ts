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
 * A SharedWorker holds one connection for each stride, for all streams of all tabs of a browser. After an interruption
 * it resumes at its last id. Times are GPS nanoseconds.
 *
 * @module
 */

export type DataType =
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float32"
  | "float64";

/**
 * Samples in an array of the channel's type. Where some are null: a Float64Array with NaN; for int64 and uint64, an
 * array of bigint and null, since a double does not hold all integers beyond 2^53.
 */
export type Samples =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | readonly (bigint | null)[];

/** What `/v1/channels` says about a channel, in this module's names. */
export interface ChannelHint {
  readonly name: string;
  /** Channels of each stride have their own connection, so that slow ones do not delay fast ones. [ns] */
  readonly strideNs?: bigint | number;
  /** [Hz] Above 50,000 samples per second in all, the module requests Arrow instead of JSON. */
  readonly sampleRate?: number;
}

/** One stride of the channels of a stream. */
export interface Row {
  /** Start of the row, GPS ns. */
  readonly timeNs: bigint;
  readonly strideNs: bigint;
  /** Samples by channel; null where there are none. */
  readonly channels: Readonly<Record<string, Samples | null>>;
  /** Why a channel is null, where the server gives a reason (JSON only): `late`, `unreachable`, `missing`. */
  readonly missing: Readonly<Record<string, string>>;
  /** From the end of the row to its arrival, by the server's clock, ms. Undefined in a range, and before the clock is known. */
  readonly latencyMs?: number;
}

/** Length of the bins that a stream has instead of rows. */
export type Trend = "1s" | "10s" | "60s";

/** Statistics of the samples of one bin. Null: no sample (`count` is 0), or infinite. */
export interface TrendBin {
  /** The least sample: a bigint for int64 and uint64 channels. */
  readonly min: number | bigint | null;
  readonly mean: number | null;
  readonly max: number | bigint | null;
  /** Number of samples: fewer than rate times length where some are missing or NaN. */
  readonly count: number;
}

/** One bin of the channels of a stream. */
export interface TrendRow extends Omit<Row, "channels"> {
  /** Start of the bin, GPS ns; `strideNs` is its length. */
  readonly timeNs: bigint;
  /** Bins by channel; null where nothing came, and `missing` says why: `missing`, `not-recorded`, `retention`. */
  readonly channels: Readonly<Record<string, TrendBin | null>>;
}

/** A span whose rows will not come. */
export interface Gap {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  /** One of the server's reasons (docs/protocol.md), or `page-slow`: this page did not take its rows in time. */
  readonly reason: string;
  /** Channels of the stream that have the gap. */
  readonly channels?: readonly string[];
}

/** Problem details (RFC 9457) of a refusal. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The problem's stable name, such as `unknown_channel`. Absent, as are the next two, in an answer of a proxy. */
  readonly code?: string;
  /** Address of the problem's explanation, on the server. */
  readonly type?: string;
  /** Name of the parameter that was wrong. */
  readonly param?: string;
  readonly [name: string]: unknown;
}

export interface StreamState {
  /**
   * `waiting`: not connected, tries again, also while a token or a session is not accepted (`problem.status` is 401);
   * `refused`: does not try again; `ended`: complete.
   */
  readonly state: "connecting" | "live" | "waiting" | "refused" | "ended";
  /** The reason in a few words: that of an `end` event, a problem's title, `connection`, `cut`. */
  readonly reason?: string;
  readonly detail?: string;
  readonly problem?: Problem;
  /** Time until the next try, ms. */
  readonly retryInMs?: number;
  /** How often the stream has reconnected. */
  readonly reconnects: number;
  /** Channels of the stream that have this state: those of one stride, or one that the server does not know. */
  readonly channels?: readonly string[];
  /** The `strideNs` of these channels, empty where none was given; of a trend, the length of its bins. [ns] */
  readonly stride?: string;
}

/** The server's clock, compared with that of this browser. */
export interface ServerClock {
  /** GPS time minus this browser's `Date.now()`, ms. */
  readonly gpsMinusLocalMs: number;
  /** GPS time minus UTC, ms, as Unix time counts it. */
  readonly gpsMinusUnixMs: number;
  /** Largest error: half a round trip, ms. Infinity before the first reading. */
  readonly errorMs: number;
}

export interface ConnectOptions {
  /** Where Qanat is served. @default the address that this module was loaded from */
  readonly base?: string | URL;
  /** False: the page has a connection of its own. @default true */
  readonly share?: boolean;
  /** @default Arrow for fast selections, else JSON */
  readonly encoding?: "json" | "arrow" | undefined;
  /**
   * Gives the token that is sent as `Authorization: Bearer`, for an instance that asks for one. It is called again before
   * each request. When a token has expired or is not accepted, the stream asks for another one and continues after its
   * last row; it waits longer after each refusal, up to 15 s. Streams with the same function share their connections, in
   * this page only. Without it, a page of the server's own origin uses the session cookie of `POST /v1/session`.
   */
  readonly token?: (() => string | Promise<string>) | undefined;
}

export interface OpenOptions extends ConnectOptions {
  readonly channels: readonly (string | ChannelHint)[];
  /**
   * True: begins with the newest row that the server has, at once, instead of the next one. Where another stream of the
   * browser already follows channels of the same stride, the stream begins with the next row. @default false
   */
  readonly latest?: boolean;
  readonly onRow?: (row: Row) => void;
  readonly onGap?: (gap: Gap) => void;
  readonly onState?: (state: StreamState) => void;
}

/** Like OpenOptions, for bins: min, mean, max and count of each channel. */
export interface OpenTrendOptions extends Omit<OpenOptions, "onRow"> {
  /** Must be a whole multiple of each channel's stride. */
  readonly trend: Trend;
  /** Called when the last block of a bin is settled. */
  readonly onRow?: (row: TrendRow) => void;
}

export interface LiveStream {
  /** Subscribes to these channels instead; those that stay lose no row. */
  update(channels: readonly (string | ChannelHint)[]): void;
  close(): void;
}

/** Follows channels live: rows, or bins with `trend`. Errors are reported to `onState`. */
export function openStream(options: OpenOptions): LiveStream;
export function openStream(options: OpenTrendOptions): LiveStream;

export interface RangeOptions extends ConnectOptions {
  readonly channels: readonly (string | ChannelHint)[];
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly onRow: (row: Row) => void;
  readonly onGap?: (gap: Gap) => void;
  /** Also called while the range waits for admission or reconnects. */
  readonly onState?: (state: StreamState) => void;
  readonly signal?: AbortSignal;
}

/** Like RangeOptions, for the recorded bins that overlap the range. */
export interface TrendRangeOptions extends Omit<RangeOptions, "onRow"> {
  readonly trend: Trend;
  readonly onRow: (row: TrendRow) => void;
}

/**
 * Reads a range. Resolves at its end to `ended`, or to `refused` with the problem; does not reject. A range that is wholly
 * older than all data is one gap of the reason `retention`, and `ended` has the problem `range_not_available`.
 */
export function readRange(options: RangeOptions): Promise<StreamState>;
export function readRange(options: TrendRangeOptions): Promise<StreamState>;

/** The server's clock; read again every minute. */
export function serverClock(options?: ConnectOptions): ServerClock;

/** Streams that wait try again now, for example because the user has signed in. */
export function retryNow(options?: ConnectOptions): void;
