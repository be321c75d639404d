// Settings: where operators reach status, metrics and the list of clients, and who has read what.
import { isLoopback } from "./addresses.ts";
import { file, host, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** The port for operators, and the usage log. */
export interface OperatorSettings {
  /** 0: none. */
  readonly operatorPort: number;
  /** Address to listen on for operators. */
  readonly operatorHost: string;
  /** Path; empty for none. */
  readonly usageLog: string;
}

export const OPERATOR_SETTINGS = {
  operatorPort: whole({
    unit: "",
    preset: 0,
    min: 0,
    max: 65_535,
    help:
      "TCP port that serves only /metrics, /v1/status, /v1/clients and health; 0: these routes are on --port",
  }),
  operatorHost: host(
    "127.0.0.1",
    "address of --operator-port; on loopback it needs no credential",
  ),
  usageLog: file(
    "a JSON line is appended for each finished stream; SIGHUP opens it again",
    "write",
  ),
} satisfies SettingsOf<OperatorSettings>;

/** What is wrong with these settings together, or null. */
export function operatorFault(
  { operatorPort, operatorHost, auth, port }:
    & Pick<OperatorSettings, "operatorPort" | "operatorHost">
    & {
      readonly auth: readonly string[];
      readonly port: number;
    },
): string | null {
  if (operatorPort === 0) return null;
  if (operatorPort === port) {
    return "--operator-port must not be --port; leave it out to serve operators on --port";
  }
  if (auth.length > 0 || isLoopback(operatorHost)) return null;
  return "--operator-host must be 127.0.0.1, ::1 or localhost with --auth none: " +
    "elsewhere each client could end the streams of others";
}
