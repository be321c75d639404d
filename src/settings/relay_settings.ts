// Settings: reading from other instances, and serving instances that do so.
import { file, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";
import { upstreams } from "./upstream_reader.ts";

/** Relays: on both sides. */
export interface RelaySettings {
  /** Addresses of instances to read from; empty for another source. */
  readonly upstream: readonly string[];
  readonly upstreamTokenFile: string;
  readonly relayStreamsMax: number;
}

export const RELAY_SETTINGS = {
  upstream: upstreams(
    "other Qanats to read from instead of Kafka; the first one that answers is used",
  ),
  upstreamTokenFile: file("token for them, read at each request"),
  relayStreamsMax: whole({
    unit: "streams",
    preset: 0,
    min: 0,
    max: 10_000,
    help:
      "streams of blocks to relays at one time; a relay uses about 4, and one for each history; 0: none",
  }),
} satisfies SettingsOf<RelaySettings>;
