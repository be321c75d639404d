// The source that the settings name.
import { Catalog } from "../channels/catalog.ts";
import { isEmbedded } from "../settings/is_embedded.ts";
import type { HealthSettings } from "../settings/health_settings.ts";
import type { KafkaSettings } from "../settings/kafka_settings.ts";
import type { RelaySettings } from "../settings/relay_settings.ts";
import type { Logger } from "../telemetry/log.ts";
import { EmbeddedSource } from "./embedded_source.ts";
import type { Source } from "./source.ts";

export interface SourceOptions {
  readonly log: Logger;
  /** GPS time, ns. */
  readonly nowGpsNs: () => bigint;
}

/** Why a source cannot be made, for people. */
export function sourceFault(
  { upstream }: Pick<RelaySettings, "upstream">,
  error: unknown,
): string {
  const what = upstream.length > 0 ? "the upstream" : "Kafka";
  return `Cannot set up ${what}: ${(error as Error).message}`;
}

/** A source with a catalog of its own. Throws when a file that it needs cannot be read. */
export async function sourceOf(
  config: KafkaSettings & RelaySettings & Pick<HealthSettings, "readyGraceMs">,
  { log, nowGpsNs }: SourceOptions,
): Promise<Source> {
  const catalog = new Catalog();
  if (isEmbedded(config)) return new EmbeddedSource({ catalog, nowGpsNs });
  if (config.upstream.length > 0) {
    const { upstreamSourceOf } = await import("./upstream_settings.ts");
    return await upstreamSourceOf(config, catalog, log);
  }
  // Imported only when needed, so that the embedded source does not load kafkajs.
  const { kafkaSourceOf } = await import("./kafka_settings.ts");
  return await kafkaSourceOf(config, catalog, log);
}
