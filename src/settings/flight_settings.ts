// Settings: whether clients of Arrakis are served over Arrow Flight, and where.
import { flag, host, whole } from "./readers.ts";
import type { SettingsOf } from "./setting.ts";

/** The Flight port. */
export interface FlightSettings {
  /** 0: off. */
  readonly flightPort: number;
  /** Empty: as `--host`. */
  readonly flightHost: string;
  /** Send the addresses of --kafka to publishers that ask over Arrow Flight */
  readonly flightPublish: boolean;
}

export const FLIGHT_SETTINGS = {
  flightPort: whole({
    unit: "",
    preset: 0,
    min: 0,
    max: 65_535,
    help: "TCP port for Arrow Flight; Arrakis's clients expect 31206; 0: off",
  }),
  flightHost: host("", "address to listen on for Arrow Flight; unset: --host"),
  flightPublish: flag(
    "send the addresses of --kafka to publishers that ask over Arrow Flight",
  ),
} satisfies SettingsOf<FlightSettings>;

/** The address to listen on. */
export function flightHostOf(
  { flightHost, host }: Pick<FlightSettings, "flightHost"> & {
    readonly host: string;
  },
): string {
  return flightHost === "" ? host : flightHost;
}

/** What is wrong with these settings together, or null. */
export function flightFault(
  { flightPort, flightHost, flightPublish, port, kafka }: FlightSettings & {
    readonly port: number;
    readonly kafka: readonly string[];
  },
): string | null {
  if (flightPort === 0) {
    if (flightHost !== "") return "--flight-host needs --flight-port";
    if (flightPublish) return "--flight-publish needs --flight-port";
    return null;
  }
  if (flightPort === port) {
    return "--flight-port and --port must be different ports";
  }
  if (flightPublish && kafka.length === 0) {
    return "--flight-publish needs --kafka";
  }
  return null;
}
