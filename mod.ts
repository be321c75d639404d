/**
 * Qanat as a library: the HTTP application of one instance as a fetch handler, for Deno, Node and workers.
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
import { accessOf } from "./src/auth/access_of.ts";
import { nowGpsNs } from "./src/blocks/gps_time.ts";
import { Catalog } from "./src/channels/catalog.ts";
import { type Config, parseConfig } from "./src/config.ts";
import { honoApp } from "./src/http/routes/hono_app.ts";
import { UpstreamSource } from "./src/relay/upstream_source.ts";
import { plainAddress } from "./src/shares/client_address.ts";
import { jsonLogger, type Logger } from "./src/telemetry/log.ts";
import type { Source } from "./src/source/source.ts";

export {
  type Channel,
  DATA_TYPES,
  type DataType,
} from "./src/channels/channel.ts";
export {
  Catalog,
  type CatalogListener,
  type ChannelFilter,
  type Found,
  type Page,
} from "./src/channels/catalog.ts";
export {
  ChannelAdmission,
  type ChannelAdmissionOptions,
} from "./src/channels/channel_admission.ts";
export {
  CHANNEL_REFUSALS,
  type ChannelFault,
  type ChannelRefusal,
} from "./src/channels/channel_fault.ts";
export type { ChannelNote } from "./src/channels/channel_note.ts";
export type {
  ChannelNotes,
  Noted,
  NoteList,
  NotesByName,
} from "./src/channels/channel_notes.ts";
export type {
  FaultNow,
  RefusedChannel,
  RefusedChannels,
} from "./src/channels/refused_channels.ts";
export type { SlicedWork } from "./src/channels/sliced_work.ts";
export type { Config } from "./src/config.ts";
export {
  UpstreamSource,
  type UpstreamSourceOptions,
} from "./src/relay/upstream_source.ts";
export type { AuthMode, AuthSettings } from "./src/settings/auth_settings.ts";
export type { BlockSettings } from "./src/settings/block_settings.ts";
export type { CacheSettings } from "./src/settings/cache_settings.ts";
export type { ChannelSettings } from "./src/settings/channel_settings.ts";
export type { ClientSettings } from "./src/settings/client_settings.ts";
export type { FlightSettings } from "./src/settings/flight_settings.ts";
export type { HealthSettings } from "./src/settings/health_settings.ts";
export type { HistorySettings } from "./src/settings/history_settings.ts";
export type {
  KafkaSettings,
  SaslMechanism,
} from "./src/settings/kafka_settings.ts";
export type { OperatorSettings } from "./src/settings/operator_settings.ts";
export type { RelaySettings } from "./src/settings/relay_settings.ts";
export type { RequestSettings } from "./src/settings/request_settings.ts";
export type { ServerSettings } from "./src/settings/server_settings.ts";
export type { TrendSettings } from "./src/settings/trend_settings.ts";
export { LOG_LEVELS, type Logger, type LogLevel } from "./src/telemetry/log.ts";
export type {
  BlockSink,
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  SharedFindings,
  Source,
  SourceStatus,
  TopicStatus,
  UpstreamStatus,
} from "./src/source/source.ts";

/** Options of {@linkcode createApp}; all have defaults. */
export interface CreateAppOptions {
  /** The source of blocks. @default the instances of `config.upstream`; without them, the embedded source */
  readonly source?: Source;
  /** Settings that differ from the defaults; `deno task start --help` lists them. */
  readonly config?: Partial<Config>;
  /** Gets what operators should know. @default silent */
  readonly log?: Logger;
}

/**
 * Where a request comes from, as the second argument of a fetch handler has it in Deno (`remoteAddr`) and under
 * `@hono/node-server` (`incoming`). Limits by address need it.
 */
export interface RequestOrigin {
  /** Of the client, where the caller knows it: behind a proxy, for example. */
  readonly address?: string;
  /** Aborts when the client disconnects, where the runtime does not cancel the body then: in workers. */
  readonly signal?: AbortSignal;
  /** What Deno.serve() gives: an object with `hostname`. */
  readonly remoteAddr?: unknown;
  /** What `@hono/node-server` gives: the request of node:http. */
  readonly incoming?: unknown;
}

/** A running instance behind a fetch handler. */
export interface App extends AsyncDisposable {
  /** Answers a request; bodies of stream routes continue until they are cancelled. */
  readonly fetch: (
    request: Request,
    from?: RequestOrigin,
  ) => Response | Promise<Response>;
  /** Ends all streams and frees everything. Throws when a buffer was not released. */
  close(): Promise<void>;
}

/** Starts an instance. Needs no permission with the embedded source. Rejects where a setting names a file that is wrong. */
export async function createApp(options: CreateAppOptions = {}): Promise<App> {
  const parsed = parseConfig([], {});
  if (parsed.kind !== "config") throw new Error("The defaults do not parse");
  const config = { ...parsed.config, ...options.config };
  const log = options.log ?? jsonLogger(() => {}, "error");
  const source = options.source ?? await sourceOf(config, log);
  const access = await accessOf(config, source.catalog, log);
  const qanat = new Qanat({ config, source, log, access });
  await qanat.start();
  const app = honoApp(qanat, {
    addressOf: ({ env }) => addressOf(env as RequestOrigin),
    leftSignalOf: ({ env }) => (env as RequestOrigin).signal,
    alreadySent: null,
  });
  const close = () => qanat.close();
  return {
    fetch: (request, from = {}) => app.fetch(request, from),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Neither Kafka nor files: edge runtimes have none. */
async function sourceOf(config: Config, log: Logger): Promise<Source> {
  const catalog = new Catalog();
  const { upstream, upstreamToken, readyGraceMs } = config;
  if (upstream.length === 0) {
    // Imported only when needed: its data take 4 MB of a heap, which may be small.
    const { EmbeddedSource } = await import("./src/source/embedded_source.ts");
    return new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() });
  }
  return new UpstreamSource({
    addresses: upstream,
    token: () => Promise.resolve(upstreamToken),
    catalog,
    log,
    readyGraceMs,
  });
}

/** In one spelling; "" where it is not known. */
function addressOf({ address, remoteAddr, incoming }: RequestOrigin): string {
  const { hostname } = (remoteAddr ?? {}) as { hostname?: string };
  const { socket } = (incoming ?? {}) as {
    socket?: { readonly remoteAddress?: string };
  };
  return plainAddress(address ?? hostname ?? socket?.remoteAddress ?? "");
}
