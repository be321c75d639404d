// How a thread that serves begins to follow the one that reads.
import { nowGpsNs, unixMsOfGpsMs } from "../blocks/gps_time.ts";
import { Catalog } from "../channels/catalog.ts";
import type { SharedRingReader } from "../memory/shared_ring.ts";
import { SharedTrends } from "../trends/shared_trends.ts";
import { LogSource } from "./log_source.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";

/** What the instance of a serving thread is made of. */
export interface JoinedReading {
  /** It has a catalog of its own. */
  readonly source: LogSource;
  readonly ring: SharedRingReader;
  readonly trendsOf: (onRecorded: () => void) => SharedTrends;
}

/** Resolves when the reading thread has answered. */
export async function joinReading(
  port: Port<ServingMessage, ReadingMessage>,
  options: {
    /** As LogSourceOptions.backlogMs. */
    readonly backlogMs?: number;
    /** As in the reading thread. */
    readonly trendMb: number;
  },
): Promise<JoinedReading> {
  const source = new LogSource({
    ...options,
    port,
    catalog: new Catalog(),
    now: () => {
      const gpsMs = Number(nowGpsNs()) / 1e6;
      return { gpsMs, unixMs: unixMsOfGpsMs(gpsMs) };
    },
  });
  const { trendMb } = options;
  const clockMs = () => performance.now();
  return {
    source,
    ring: await source.join(),
    trendsOf: (onRecorded) =>
      new SharedTrends({ port: source.trends, trendMb, clockMs, onRecorded }),
  };
}
