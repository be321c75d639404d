// The permissions of each thread: those that the settings need, also where the process has more. All packages run in
// these threads, and none in the main thread. Why: docs/decisions/0039.
import { flightHostOf } from "../settings/flight_settings.ts";
import { isAddress } from "../settings/addresses.ts";
import { KAFKA_SETTINGS } from "../settings/kafka_settings.ts";
import { type Config, SETTINGS } from "../config.ts";
import { type Permissions, permissionsOf } from "./permissions.ts";

/** The modules that each thread loads. */
const PROGRAM = [
  new URL("../../deno.json", import.meta.url),
  new URL("../", import.meta.url),
];

/** Settings of the thread that reads for others: of its source, and of the one usage log. */
const READING_SETTINGS = {
  ...KAFKA_SETTINGS,
  upstream: SETTINGS.upstream,
  upstreamTokenFile: SETTINGS.upstreamTokenFile,
  upstreamCa: SETTINGS.upstreamCa,
  usageLog: SETTINGS.usageLog,
};

/** Whether this thread has a permission; a worker cannot have more than the thread that starts it. */
export type IsGranted = (permission: Deno.PermissionDescriptor) => boolean;

/** What the worker may do. */
export function workerPermissions(
  config: Pick<
    Config,
    "host" | "operatorHost" | "operatorPort" | "flightHost" | "flightPort"
  >,
  { net, netOthers, read, write }: Permissions,
  isGranted: IsGranted = isGrantedHere,
): Deno.PermissionOptionsObject {
  // The addresses of a name can change, and listening needs permission for name and address.
  const { host, operatorHost, operatorPort, flightPort } = config;
  const isNetKnown = netOthers.length === 0 && isKnown(host) &&
    (operatorPort === 0 || isKnown(operatorHost)) &&
    (flightPort === 0 || isKnown(flightHostOf(config)));
  return granted({ net, isNetKnown, read, write }, isGranted);
}

/** Of a thread that serves while another one reads: it cannot reach a broker, nor read what signs in there, nor write the usage log. */
export function servingPermissions(
  config: Config,
  isGranted: IsGranted = isGrantedHere,
): Deno.PermissionOptionsObject {
  const settings = Object.fromEntries(
    Object.entries(SETTINGS).filter(([name]) => !(name in READING_SETTINGS)),
  );
  const permissions = permissionsOf(config, undefined, { settings });
  return workerPermissions(config, permissions, isGranted);
}

/**
 * Of the thread that reads for others: it uses no file and no address but those of Kafka, and writes the usage log. Where the addresses of brokers
 * are not known it can connect to all that the process can, and Deno has no permission to connect without listening.
 */
export function readingPermissions(
  config: Config,
  isGranted: IsGranted = isGrantedHere,
): Deno.PermissionOptionsObject {
  const { net, netOthers, read, write } = permissionsOf(config, undefined, {
    settings: READING_SETTINGS,
    isListening: false,
  });
  const isNetKnown = netOthers.length === 0;
  return granted({ net, isNetKnown, read, write }, isGranted);
}

function granted(
  { net, isNetKnown, read, write }:
    & Pick<Permissions, "net" | "read" | "write">
    & { readonly isNetKnown: boolean },
  isGranted: IsGranted,
): Deno.PermissionOptionsObject {
  return {
    net: isNetKnown
      ? net.filter((host) => isGranted({ name: "net", host }))
      : "inherit",
    read: [...PROGRAM, ...read].filter((path) =>
      isGranted({ name: "read", path })
    ),
    write: write.filter((path) => isGranted({ name: "write", path })),
    env: "inherit",
    sys: false,
    run: false,
    ffi: false,
    import: false,
  };
}

function isKnown(host: string): boolean {
  return isAddress(host) || host === "localhost";
}

function isGrantedHere(permission: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(permission).state === "granted";
}
