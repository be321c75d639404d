/**
 * Qanat as a library: the HTTP application of one instance as a fetch handler.
 *
 * ```ts
 * import { createApp } from "@qanat/qanat";
 * await using app = await createApp();
 * const response = await app.fetch(new Request("http://localhost/v1/channels"));
 * ```
 *
 * @module
 */
import { Qanat } from "./src/app.ts";
import { nowGpsNs } from "./src/blocks/gps_time.ts";
import { Catalog } from "./src/channels/catalog.ts";
import { type Config, parseConfig } from "./src/config.ts";
import { honoApp } from "./src/http/routes/hono_app.ts";
import { jsonLogger, type Logger } from "./src/telemetry/log.ts";
import { EmbeddedSource } from "./src/source/embedded_source.ts";
import type { Source } from "./src/source/source.ts";

export type { Channel, DataType } from "./src/channels/channel.ts";
export { Catalog } from "./src/channels/catalog.ts";
export { ChannelAdmission } from "./src/channels/channel_admission.ts";
export type { Config } from "./src/config.ts";
export type { BlockSettings } from "./src/settings/block_settings.ts";
export type { ClientSettings } from "./src/settings/client_settings.ts";
export type { HealthSettings } from "./src/settings/health_settings.ts";
export type { HistorySettings } from "./src/settings/history_settings.ts";
export type {
  KafkaSettings,
  SaslMechanism,
} from "./src/settings/kafka_settings.ts";
export type { OperatorSettings } from "./src/settings/operator_settings.ts";
export type { RequestSettings } from "./src/settings/request_settings.ts";
export type { ServerSettings } from "./src/settings/server_settings.ts";
export type { TrendSettings } from "./src/settings/trend_settings.ts";
export type { Logger, LogLevel } from "./src/telemetry/log.ts";
export type {
  BlockSink,
  ReadFrom,
  Source,
  SourceStatus,
  TopicStatus,
} from "./src/source/source.ts";

/** Options of {@linkcode createApp}; all have defaults. */
export interface CreateAppOptions {
  /** The source of blocks. @default the embedded source */
  readonly source?: Source;
  /** Settings that differ from the defaults; `deno task start --help` lists them. */
  readonly config?: Partial<Config>;
  /** @default silent */
  readonly log?: Logger;
}

/** A running instance behind a fetch handler. */
export interface App extends AsyncDisposable {
  /** Answers a request; bodies of stream routes continue until they are cancelled. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Ends all streams and frees everything. Throws when a buffer was not released. */
  close(): Promise<void>;
}

/** Starts an instance. Needs no permission with the embedded source. */
export async function createApp(options: CreateAppOptions = {}): Promise<App> {
  const parsed = parseConfig([], {});
  if (parsed.kind !== "config") throw new Error("The defaults do not parse");
  const source = options.source ??
    new EmbeddedSource({ catalog: new Catalog(), nowGpsNs: () => nowGpsNs() });
  const qanat = new Qanat({
    config: { ...parsed.config, ...options.config },
    source,
    log: options.log ?? jsonLogger(() => {}, "error"),
  });
  await qanat.start();
  const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
  const close = () => qanat.close();
  return {
    fetch: (request) => app.fetch(request),
    close,
    [Symbol.asyncDispose]: close,
  };
}
