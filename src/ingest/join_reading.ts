// How a thread that serves begins to follow the one that reads.
import { nowGpsNs, unixMsOfGpsMs } from "../blocks/gps_time.ts";
import { Catalog } from "../channels/catalog.ts";
import type { SharedRingReader } from "../memory/shared_ring.ts";
import { LogSource } from "./log_source.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";

/** Resolves with the source, with a catalog of its own, and the ring for the instance that is made of it. */
export async function joinReading(
  port: Port<ServingMessage, ReadingMessage>,
  options: {
    /** As LogSourceOptions.backlogMs. */
    readonly backlogMs?: number;
  },
): Promise<{ readonly source: LogSource; readonly ring: SharedRingReader }> {
  const source = new LogSource({
    ...options,
    port,
    catalog: new Catalog(),
    now: () => {
      const gpsMs = Number(nowGpsNs()) / 1e6;
      return { gpsMs, unixMs: unixMsOfGpsMs(gpsMs) };
    },
  });
  return { source, ring: await source.join() };
}
