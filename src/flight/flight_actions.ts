// The actions that Arrakis's client asks for, as JSON.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import { VERSION } from "../telemetry/build_info.ts";
import { SCHEMA_VERSION } from "./command.ts";
import { FlightError } from "./flight_error.ts";
import { writeActionType } from "./messages.ts";

/** The version of Arrakis whose answers these are. */
const ARRAKIS_VERSION = "0.21.0";
const REUSE_CONNECTION = "arrow-flight-reuse-connection://?";
/** Channels looked at in a part of the work, and its steps. */
const PART_CHANNELS = 1000;

/** Actions that need no credential: others show names of channels. */
export const OPEN_ACTIONS: ReadonlySet<string> = new Set(["server-info"]);

const DESCRIPTIONS = {
  "server-info": "Return server version and capability metadata.",
  "scope-map": "Return the full scope map.",
  "replays":
    "Return available named replay definitions with start/end times, in GPS seconds.",
} as const;

/** The messages of ListActions. */
export function actionTypes(): Uint8Array[] {
  return Object.entries(DESCRIPTIONS).map(([type, description]) =>
    writeActionType(type, description)
  );
}

export interface ActionOptions {
  readonly catalog: Catalog;
  readonly mayPublish: boolean;
  /** Kinds of credentials that are accepted; null: none is needed. */
  readonly authMethods: readonly string[] | null;
}

/** The result of an action. Throws {@linkcode FlightError}. */
export function* actionResult(
  type: string,
  options: ActionOptions,
): SlicedWork<unknown> {
  switch (type) {
    case "server-info":
      return serverInfo(yield* domainsOf(options.catalog), options);
    case "scope-map":
      return scopeMap(yield* domainsOf(options.catalog));
    case "replays":
      // Arrakis's replays have a start and an end; those of Qanat are what is being published.
      return {};
    default:
      throw new FlightError("flight", "action not valid");
  }
}

function serverInfo(
  domains: ReadonlyMap<string, ReadonlySet<string>>,
  { mayPublish, authMethods }: ActionOptions,
) {
  return {
    server_version: VERSION,
    arrakis_version: ARRAKIS_VERSION,
    arrakis_schema_version: SCHEMA_VERSION,
    backend: "qanat",
    backend_version: VERSION,
    capabilities: [
      "find",
      "count",
      "describe",
      "stream",
      ...(mayPublish ? ["publish"] : []),
    ],
    domains: [...domains.keys()].sort(),
    auth: authMethods !== null,
    auth_mode: authMethods === null ? null : "full",
    auth_methods: authMethods,
  };
}

function scopeMap(domains: ReadonlyMap<string, ReadonlySet<string>>) {
  const scopes = [...domains].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([domain, subsystems]) => [
      domain,
      [...subsystems].sort().map((subsystem) => ({ subsystem })),
    ]);
  return {
    endpoints: {
      [REUSE_CONNECTION]: {
        scopes: Object.fromEntries(scopes),
        retention: { newest: 0, oldest: "inf" },
      },
    },
    local_endpoint: REUSE_CONNECTION,
  };
}

/** The subsystems of each domain: a name is `DOMAIN:SUBSYSTEM-REST`. */
function* domainsOf(catalog: Catalog): SlicedWork<Map<string, Set<string>>> {
  const domains = new Map<string, Set<string>>();
  let left = 0;
  for (const channel of catalog.channels()) {
    if (left-- === 0) {
      yield PART_CHANNELS;
      left = PART_CHANNELS - 1;
    }
    const scope = scopeOf(channel);
    if (scope === null) continue;
    const known = domains.get(scope[0]) ?? new Set();
    domains.set(scope[0], known.add(scope[1]));
  }
  return domains;
}

/** Null for a name that is not of this form. */
function scopeOf(
  { name }: Channel,
): [domain: string, subsystem: string] | null {
  const colon = name.lastIndexOf(":");
  if (colon < 0) return null;
  const [subsystem] = name.slice(colon + 1).split(/[-_]/, 1);
  return [name.slice(0, colon), subsystem!];
}
