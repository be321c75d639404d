// Settings: how many clients there may be, and what each of them gets.
import { flag, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** Numbers of clients, and what each of them gets. */
export interface ClientSettings {
  /** Slab: memory for frames on their way to clients, divided among workers. [MiB] */
  readonly slabMb: number;
  /**
   * For debugging: overwrite the memory of each frame after its last write, so that a write that still reads it
   * shows
   */
  readonly poisonSlots: boolean;
  /** Streams open at one time. [clients] */
  readonly clientsMax: number;
  /** Streams of one client address, or of one owner; 0: no limit. [clients] */
  readonly clientsPerAddressMax: number;
  /**
   * Largest share of the free clients, histories, slab and connections that one owner or address may hold; 100: no
   * limit. [%]
   */
  readonly addressSharePercent: number;
  /** Channels in one selection. [channels] */
  readonly channelsMax: number;
  /** Unfinished writes of one client; further rows wait in the page ring. [frames] */
  readonly inFlightFrames: number;
  /** Rows encoded for clients that are behind, in one turn of the event loop. [rows] */
  readonly catchUpRowsMax: number;
  /** Longest gap that is filled with rows of nulls; 0: none is. [rows] */
  readonly gapFillRowsMax: number;
  /** Time without data after which a client gets a heartbeat. [ms] */
  readonly heartbeatMs: number;
  /** Time without a finished write after which a client is disconnected. [ms] */
  readonly writeStallMs: number;
  /** Longest time that one kind of work holds the event loop before others run. [ms] */
  readonly sliceMs: number;
  /** Wait before an EventSource client reconnects (sent to it as `retry:`). [ms] */
  readonly retryMs: number;
  /** Period over which clients reconnect after Qanat has ended their streams, beyond --retry-ms. [ms] */
  readonly retrySpreadMs: number;
  /** Age after which a stream is moved to another instance, a few streams at a time; 0: none is. [s] */
  readonly streamAgeMaxS: number;
}

/** The smallest slab of a thread, MiB. */
const SLAB_MIN_MB = 1;

/** What is wrong with settings that are valid one by one, or null. */
export function clientFault(
  { slabMb, workers }: Pick<ClientSettings, "slabMb"> & {
    readonly workers: number;
  },
): string | null {
  const least = SLAB_MIN_MB * workers;
  return slabMb >= least
    ? null
    : `--slab-mb ${slabMb} is divided among --workers ${workers}: each needs at least ${SLAB_MIN_MB} MiB; ` +
      `choose --slab-mb ${least} or more`;
}

export const CLIENT_SETTINGS = {
  slabMb: whole({
    unit: "MiB",
    preset: 512,
    min: SLAB_MIN_MB,
    max: 65_536,
    help:
      "slab: memory for frames on their way to clients, divided among workers",
  }),
  poisonSlots: flag(
    "for debugging: overwrite the memory of each frame after its last write, so that a write that still reads it shows",
  ),
  clientsMax: whole({
    unit: "clients",
    preset: 10_000,
    min: 1,
    max: 1e6,
    help: "streams open at one time",
  }),
  clientsPerAddressMax: whole({
    unit: "clients",
    preset: 0,
    min: 0,
    max: 1e6,
    help: "streams of one client address, or of one owner; 0: no limit",
  }),
  addressSharePercent: whole({
    unit: "%",
    preset: 90,
    min: 1,
    max: 100,
    help:
      "largest share of the free clients, histories, slab and connections that one owner or address may hold; 100: no limit",
  }),
  channelsMax: whole({
    unit: "channels",
    preset: 10_000,
    min: 1,
    max: 1e6,
    help: "channels in one selection",
  }),
  inFlightFrames: whole({
    unit: "frames",
    preset: 4,
    min: 1,
    max: 64,
    help: "unfinished writes of one client; further rows wait in the page ring",
  }),
  catchUpRowsMax: whole({
    unit: "rows",
    preset: 256,
    min: 1,
    max: 1e6,
    help:
      "rows encoded for clients that are behind, in one turn of the event loop",
  }),
  gapFillRowsMax: whole({
    unit: "rows",
    preset: 160,
    min: 0,
    max: 1e6,
    help: "longest gap that is filled with rows of nulls; 0: none is",
  }),
  heartbeatMs: whole({
    unit: "ms",
    preset: 15_000,
    min: 100,
    max: 3.6e6,
    help: "time without data after which a client gets a heartbeat",
  }),
  writeStallMs: whole({
    unit: "ms",
    preset: 60_000,
    min: 100,
    max: 8.64e7,
    help: "time without a finished write after which a client is disconnected",
  }),
  sliceMs: whole({
    unit: "ms",
    preset: 4,
    min: 1,
    max: 1000,
    help:
      "longest time that one kind of work holds the event loop before others run",
  }),
  retryMs: whole({
    unit: "ms",
    preset: 1000,
    min: 0,
    max: 3.6e6,
    help:
      "wait before an EventSource client reconnects (sent to it as `retry:`)",
  }),
  retrySpreadMs: whole({
    unit: "ms",
    preset: 2000,
    min: 0,
    max: 3.6e6,
    help:
      "period over which clients reconnect after Qanat has ended their streams, beyond --retry-ms",
  }),
  streamAgeMaxS: whole({
    unit: "s",
    preset: 0,
    min: 0,
    max: 3.1536e7,
    help:
      "age after which a stream is moved to another instance, a few streams at a time; 0: none is",
  }),
} satisfies SettingsOf<ClientSettings>;
