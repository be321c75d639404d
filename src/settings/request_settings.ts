// Settings: connections, and what one request may cost.
import { whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** HTTP connections and the cost of a request. */
export interface RequestSettings {
  /** HTTP connections open at one time; 0: --clients-max and a tenth more. [connections] */
  readonly connectionsMax: number;
  /** Time for a request's line and headers to arrive. [ms] */
  readonly requestHeadMs: number;
  /** Time for a whole request to arrive, with its body. [ms] */
  readonly requestMs: number;
  /** How long a connection stays open between two requests. [ms] */
  readonly keepAliveMs: number;
  /** Searches and lists at one time that take longer than a slice (--slice-ms). [requests] */
  readonly requestWorksMax: number;
  /** Computing time of one request. [ms] */
  readonly requestWorkMs: number;
  /** Time of one request, including its waits for other requests. [ms] */
  readonly requestWaitMs: number;
  /** Memory for the bodies of all requests together. [MiB] */
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
