// The settings of an instance that runs where there are no sockets, files and threads: from variables alone, with small
// defaults. Invariant: a variable that would have no effect is refused, and no value of a variable is shown.
import { type Config, parseConfig, SETTINGS } from "../config.ts";
import { FLIGHT_SETTINGS } from "../settings/flight_settings.ts";
import { KAFKA_SETTINGS } from "../settings/kafka_settings.ts";
import type { Setting } from "../settings/setting.ts";
import { variableOf } from "../settings/setting_names.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Instead of the defaults of a server: an isolate often has 128 MB for code, heap and buffers together. */
const PRESETS: Partial<Record<keyof Config, string>> = {
  retentionMb: "24",
  slabMb: "16",
  trendMb: "8",
  historyMb: "2",
  bodiesMb: "4",
  clientsMax: "1000",
  historyReadersMax: "4",
};

const NO_SOCKETS =
  "there are no raw sockets; QANAT_UPSTREAM reads from other instances";
const NO_PORT = "the runtime listens and ends connections, not Qanat";
const NO_FILES = "there are no files";
const ONE_THREAD = "one thread serves, and nothing watches it";

/** Why a setting of a server has no effect here. */
const ABSENT: Partial<Record<keyof Config, string>> = {
  ...reasonFor(Object.keys(KAFKA_SETTINGS), NO_SOCKETS),
  ...reasonFor(Object.keys(FLIGHT_SETTINGS), NO_SOCKETS),
  ...reasonFor([
    "port",
    "host",
    "tlsCert",
    "tlsKey",
    "trustedProxies",
    "operatorPort",
    "operatorHost",
    "connectionsMax",
    "requestHeadMs",
    "keepAliveMs",
    "drainMs",
    "drainSpreadS",
  ], NO_PORT),
  ...reasonFor(
    ["workers", "watchdogProbesMax", "printPermissions"],
    ONE_THREAD,
  ),
};

export type EdgeSettings =
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "error"; readonly message: string };

/** Reads the variables of an environment as `deno task start` does. */
export function edgeSettings(env: Environment): EdgeSettings {
  const parsed = parseConfig([], { ...presets(), ...definedIn(env) });
  if (parsed.kind === "error") return parsed;
  if (parsed.kind !== "config") throw new Error("No flag asks for a text");
  const { config, passedOver } = parsed;
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const variable = variableOf(name);
    if ((env[variable] ?? "") === "" || passedOver.includes(variable)) continue;
    const reason = ABSENT[name as keyof Config] ??
      (setting.path ? NO_FILES : null);
    if (reason === null) continue;
    const message = `${variable} has no effect at the edge: ${reason}`;
    return { kind: "error", message };
  }
  return { kind: "config", config };
}

/** An empty variable is unset. */
function definedIn(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([, value]) => (value ?? "") !== ""),
  );
}

function presets(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(PRESETS).map(([name, value]) => [variableOf(name), value]),
  );
}

function reasonFor(
  names: readonly string[],
  reason: string,
): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]));
}
