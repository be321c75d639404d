// What the Flight port needs of the instance that it serves. worker.ts hands in an object that has all of it.
import type { AccessControl } from "../auth/access_control.ts";
import type { Catalog } from "../channels/catalog.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { ClientRights } from "../clients/client_options.ts";
import type { ClientHub } from "../clients/client_hub.ts";
import type { Logger } from "../telemetry/log.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { FlightFigures } from "./flight_figures.ts";

/** Settings that the Flight port reads. */
export interface FlightSettings {
  readonly flightPort: number;
  /** Whether publishers get the addresses of `kafka`. */
  readonly flightPublish: boolean;
  readonly kafka: readonly string[];
  readonly channelsMax: number;
  readonly clientsMax: number;
  readonly addressSharePercent: number;
  readonly trustedProxies: readonly string[];
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly writeStallMs: number;
}

/** Runs work in slices of the event loop. */
export interface WorkRunner {
  run<T>(work: SlicedWork<T>, isGone: () => boolean): T | Promise<T>;
  /** The same without the limits of one request. */
  runShared<T>(work: SlicedWork<T>, isGone: () => boolean): T | Promise<T>;
}

export interface FlightInstance {
  readonly config: FlightSettings;
  readonly log: Logger;
  readonly access: AccessControl;
  readonly hub: ClientHub;
  readonly requests: { readonly slices: WorkRunner };
  readonly flight: FlightFigures;
  readonly sharePools: SharePools;
  /** GPS time now. */
  now(): { readonly timeNs: bigint };
}

/** What the sender of a call may find and read. */
export interface Access {
  readonly catalog: Catalog;
  /** Undefined where everyone may read everything. */
  readonly rights: ClientRights | undefined;
}
