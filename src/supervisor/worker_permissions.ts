// The permissions of the worker: those that the settings need, also where the process has more. All packages run in the
// worker, and none in the main thread. Why: docs/decisions/0039.
import { flightHostOf } from "../settings/flight_settings.ts";
import { isAddress } from "../settings/addresses.ts";
import type { Config } from "../config.ts";
import type { Permissions } from "./permissions.ts";

/** The modules that the worker loads. */
const PROGRAM = [
  new URL("../../deno.json", import.meta.url),
  new URL("../", import.meta.url),
];

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
