// What this process may do with given settings, derived from their table: a setting that names a file or a peer brings its
// permission with it. Invariant: nothing is allowed that no setting needs.
import { type Config, SETTINGS } from "../config.ts";
import { flightHostOf } from "../settings/flight_settings.ts";
import { MEMORY_LIMIT_FILES } from "../settings/report_settings.ts";
import type { Setting } from "../settings/setting.ts";
import { reachableHost } from "./tcp_probe.ts";

/** Permissions that depend on the settings; those for variables and system information are in deno.json. */
export interface Permissions {
  /** `HOST:PORT`, or `HOST` for all of its ports. */
  readonly net: readonly string[];
  /** Why the process also connects to addresses that no setting names; empty when `net` is complete. */
  readonly netOthers: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Read by every instance; /dev/null is opened to count the descriptors that are left (descriptor_budget.ts). */
const SYSTEM_FILES = ["/dev/null", ...MEMORY_LIMIT_FILES];

/** What a thread does, where it does not do everything. */
export interface ThreadPart {
  /** The settings that it uses. @default all */
  readonly settings?: Readonly<Record<string, Setting<unknown>>>;
  /** @default true */
  readonly isListening?: boolean;
}

/**
 * The permissions that these settings need. `addressesOf`: the addresses of a name to listen on, since listening needs
 * both. @default those of `localhost`
 */
export function permissionsOf(
  config: Config,
  addressesOf: (name: string) => readonly string[] = localAddresses,
  { settings = SETTINGS, isListening = true }: ThreadPart = {},
): Permissions {
  const net = new Set<string>();
  const netOthers: string[] = [];
  const files = { read: [...SYSTEM_FILES], write: [] as string[] };
  const listeners = isListening ? listeningHosts(config) : [];
  for (const [listening, port] of listeners) {
    for (const host of [listening, ...addressesOf(listening)]) {
      net.add(withPort(host, port));
    }
  }
  for (const [name, setting] of Object.entries<Setting<unknown>>(settings)) {
    const value = config[name as keyof Config];
    if (setting.path && value !== "") files[setting.path].push(String(value));
    const connections = setting.connects?.(value);
    connections?.addresses.forEach((address) => net.add(address));
    if (connections?.others) netOthers.push(connections.others);
  }
  return { net: [...net], netOthers, ...files };
}

/** Where this process listens, and where its watchdog connects to. */
function listeningHosts(
  config: Config,
): readonly (readonly [host: string, port: number])[] {
  const { host, port, watchdogProbesMax } = config;
  const { operatorHost, operatorPort, flightPort } = config;
  const probed = reachableHost(host);
  const isProbed = watchdogProbesMax > 0 && probed !== host;
  return [
    [host, port],
    ...(isProbed ? [[probed, port] as const] : []),
    ...(operatorPort > 0 ? [[operatorHost, operatorPort] as const] : []),
    ...(flightPort > 0 ? [[flightHostOf(config), flightPort] as const] : []),
  ];
}

/** Port 0 means any free one. */
function withPort(host: string, port: number): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === 0 ? name : `${name}:${port}`;
}

function localAddresses(name: string): readonly string[] {
  return name === "localhost" ? ["127.0.0.1", "::1"] : [];
}
