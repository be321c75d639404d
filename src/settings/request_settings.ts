// Settings: connections, and what one request may cost.
import { whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** HTTP connections and the cost of a request. */
export interface RequestSettings {
  readonly connectionsMax: number;
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly requestWorksMax: number;
  readonly requestWorkMs: number;
  readonly requestWaitMs: number;
  readonly bodiesMb: number;
}

export const REQUEST_SETTINGS = {
  connectionsMax: whole({
    unit: "connections",
    preset: 0,
    min: 0,
    max: 1e6,
    help:
      "HTTP connections open at one time; 0: --clients-max and a tenth more",
  }),
  requestHeadMs: whole({
    unit: "ms",
    preset: 10_000,
    min: 100,
    max: 600_000,
    help: "time for a request's line and headers to arrive",
  }),
  requestMs: whole({
    unit: "ms",
    preset: 30_000,
    min: 100,
    max: 600_000,
    help: "time for a whole request to arrive, with its body",
  }),
  keepAliveMs: whole({
    unit: "ms",
    preset: 5000,
    min: 100,
    max: 600_000,
    help: "how long a connection stays open between two requests",
  }),
  requestWorksMax: whole({
    unit: "requests",
    preset: 64,
    min: 0,
    max: 10_000,
    help:
      "searches and lists at one time that take longer than a slice (--slice-ms)",
  }),
  requestWorkMs: whole({
    unit: "ms",
    preset: 3000,
    min: 1,
    max: 600_000,
    help: "computing time of one request",
  }),
  requestWaitMs: whole({
    unit: "ms",
    preset: 10_000,
    min: 1,
    max: 600_000,
    help: "time of one request, including its waits for other requests",
  }),
  bodiesMb: whole({
    unit: "MiB",
    preset: 64,
    min: 1,
    max: 65_536,
    help: "memory for the bodies of all requests together",
  }),
} satisfies SettingsOf<RequestSettings>;
