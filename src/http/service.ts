// What the HTTP layer needs of the instance that it serves. The wiring (app.ts, mod.ts) hands in an object that has all
// of it, so that nothing below src/http imports app.ts.
import type { AccessControl } from "../auth/access_control.ts";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { ClientsQuery } from "../clients/client_search.ts";
import type { ClientHub } from "../clients/client_hub.ts";
import type { BlockFeeds } from "../relay/block_feeds.ts";
import type { Logger } from "../telemetry/log.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { RequestLimits } from "./limits/request_limits.ts";
import type { RefusedNames } from "./limits/refused_names.ts";
import type { ConnectionFigures } from "./transport/connection_figures.ts";
import type { BudgetSettings } from "../net/descriptor_budget.ts";

/** Settings that the routes read. */
export interface RouteSettings {
  /** `--revision`; "" for none. */
  readonly revision: string;
  /** `--allowed-hosts` */
  readonly allowedHosts: readonly string[];
  /** `--cors-origin` */
  readonly corsOrigin: readonly string[];
  /** Path below which all routes lie, without a slash at its end; "" for none. */
  readonly basePath: string;
  /** `--public-url`; "" for none. */
  readonly publicUrl: string;
  /** Most channels of one selection. */
  readonly channelsMax: number;
  /** Port that has the routes for operators; 0: they are here. */
  readonly operatorPort: number;
  /** How long caches may keep a settled answer; 0: not at all. */
  readonly cacheMaxAgeS: number;
  readonly cacheKey: string;
  readonly retryMs: number;
}

/** Settings that the server reads. */
export interface ServerSettings extends BudgetSettings {
  readonly host: string;
  readonly port: number;
  readonly trustedProxies: readonly string[];
  readonly addressSharePercent: number;
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly writeStallMs: number;
  readonly operatorHost: string;
}

/** Where several threads of a process serve: answers for all of them. What is asked of the others takes at most a second. */
export interface ProcessAnswers {
  /** Why clients should be sent to another instance. */
  notReady(): string[];
  status(): Promise<SlicedWork<Record<string, unknown>>>;
  clients(query: ClientsQuery): Promise<Record<string, unknown>>;
  /** Ends the stream with this id in another thread. `by`: who does, for the log. */
  endClient(
    id: string,
    by: Readonly<Record<string, unknown>>,
  ): Promise<
    | { readonly kind: "ended" }
    | { readonly kind: "unknown" }
    /** None of those that answered has it. */
    | { readonly kind: "uncertain"; readonly missing: readonly string[] }
  >;
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** What is known of channels now. */
export interface ChannelStates {
  /** Whether a channel's partition is read now and has delivered within its latency. */
  isLive(channel: Channel): boolean;
  /** GPS ns of the oldest block that a range of a channel can have now; null where that is not known. */
  availableFromNs(channel: Channel): Promise<bigint | null>;
  /** GPS ns of the oldest bin of each length of trends, shortest first; null where none is recorded. */
  trendsFromNs(channel: Channel): Promise<readonly (bigint | null)[]>;
}

/** What the routes read of an instance. */
export interface RoutedService {
  readonly config: RouteSettings;
  readonly log: Logger;
  /** Who sends a request, and which channels it may find. */
  readonly access: AccessControl;
  readonly hub: ClientHub;
  /** Streams to relays. */
  readonly feeds: BlockFeeds;
  /** Limits of what one request may cost. */
  readonly requests: RequestLimits;
  readonly refusedHosts: RefusedNames;
  readonly refusedOrigins: RefusedNames;
  /** Undefined where one thread serves. */
  readonly process?: ProcessAnswers | undefined;
  readonly channelStates: ChannelStates;
  /** Why clients should be sent to another instance; empty when this one is ready. */
  notReady(): string[];
  /** GPS time in ns, and Unix time in ms. */
  now(): { readonly timeNs: bigint; readonly unixMs: number };
  /** What `/v1/clients` answers. */
  clientsInSlices(
    query: ClientsQuery,
  ): SlicedWork<Record<string, unknown>>;
  /** What `/v1/status` answers. */
  statusInSlices(): SlicedWork<Record<string, unknown>>;
  /** What `/metrics` answers. */
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
}

/** What a listening server reads of an instance. */
export interface HttpService extends RoutedService {
  readonly config: RouteSettings & ServerSettings;
  readonly connections: ConnectionFigures;
  readonly sharePools: SharePools;
}
