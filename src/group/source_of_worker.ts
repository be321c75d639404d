// Where the blocks of a worker come from: from its own source, or from the thread that reads for several.
import { nowGpsNs } from "../blocks/gps_time.ts";
import type { Config } from "../config.ts";
import { joinReading } from "../ingest/join_reading.ts";
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../ingest/messages.ts";
import type { Ring } from "../memory/ring.ts";
import { isEmbedded } from "../settings/is_embedded.ts";
import { EMBEDDED_BACKLOG_MAX_MS } from "../source/embedded_source.ts";
import type { Source } from "../source/source.ts";
import { sourceFault, sourceOf } from "../source/source_of.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Trends } from "../trends/recorded_trend.ts";

/** What the reading of an instance is made of; all but the source only where another thread reads for several. */
export interface Reading {
  readonly source: Source;
  /** Of its blocks. */
  readonly ring?: Ring;
  readonly trendsOf?: (onRecorded: () => void) => Trends;
}

/** `group`: where several threads serve. */
export async function sourceOfWorker(
  config: Config,
  log: Logger,
  group: { readonly source: Port<ServingMessage, ReadingMessage> } | undefined,
): Promise<Reading> {
  if (group === undefined) {
    const nowNs = () => nowGpsNs();
    try {
      return { source: await sourceOf(config, { log, nowGpsNs: nowNs }) };
    } catch (error) {
      throw new Error(sourceFault(config, error));
    }
  }
  return await joinReading(group.source, {
    trendMb: config.trendMb,
    ...isEmbedded(config) ? { backlogMs: EMBEDDED_BACKLOG_MAX_MS } : {},
  });
}
