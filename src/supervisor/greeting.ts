// The text that a started service prints: its address, its source, and two commands to try.
// Invariant: the commands are safe to paste into a shell whatever the channels' names are; no line controls the terminal.
import { buildOf } from "../telemetry/build_info.ts";
import type { Config } from "../config.ts";
import { queryEncoded, shellQuoted } from "../page/quoting.js";
import { flightHostOf } from "../settings/flight_settings.ts";
import { urlHost } from "../settings/addresses.ts";
import { terminalText } from "../text/terminal.ts";

const FIRST_CHOICE = "H1:GWOSC-4KHZ_R1_WHITENED";

interface Named {
  readonly name: string;
}

export interface Greeted {
  readonly config: Pick<
    Config,
    | "auth"
    | "host"
    | "basePath"
    | "kafka"
    | "upstream"
    | "revision"
    | "flightHost"
    | "flightPort"
    | "operatorHost"
    | "operatorPort"
    | "tlsCert"
    | "workers"
  >;
  readonly catalog: {
    get(name: string, replayId: null): Named | undefined;
    find(filter: Record<never, never>): readonly Named[];
    readonly size: number;
  };
}

/** The lines for a service that listens on this port. */
export function greetingOf({ config, catalog }: Greeted, port: number): string {
  const scheme = config.tlsCert === "" ? "http" : "https";
  const url = `${scheme}://${urlHost(config.host)}:${port}${config.basePath}`;
  const from = config.upstream.length > 0
    ? `Qanat at ${config.upstream.join(", ")}`
    : config.kafka.length > 0
    ? `Kafka at ${config.kafka.join(", ")}`
    : "embedded: GW150914 strain (GWOSC, doi:10.7935/K5MW2F23, CC BY 4.0) and synthetic channels";
  const events = `${url}/v1/events?channels=`;
  const arrow = `${url}/v1/arrow?channels=`;
  const name = queryEncoded(nameOf(catalog));
  const { version, revision } = buildOf(config);
  const curl = config.auth.length === 0
    ? "curl -N"
    : 'curl -N -H "Authorization: Bearer $QANAT_TOKEN"';
  return `Qanat is serving on ${url}
version: ${version}, revision ${revision}
source: ${terminalText(from)}
channels: ${catalog.size}
${workersLine(config)}${operatorsLine(config)}${
    flightLine(config)
  }look: open ${url}/ in a browser
try:
  ${curl} ${shellQuoted(events + name)}
  ${curl} ${shellQuoted(`${arrow}${name}&duration=10`)} -o strain.arrows
`;
}

/** Without a word about the one worker that there is at least. */
function workersLine({ workers }: Greeted["config"]): string {
  return workers === 1
    ? ""
    : `workers: ${workers} threads that serve, and one that reads\n`;
}

function operatorsLine(
  { operatorHost, operatorPort, basePath }: Greeted["config"],
): string {
  if (operatorPort === 0) return "";
  return `operators: http://${
    urlHost(operatorHost)
  }:${operatorPort}${basePath}/\n`;
}

function flightLine(config: Greeted["config"]): string {
  const { flightPort, tlsCert } = config;
  if (flightPort === 0) return "";
  const scheme = tlsCert === "" ? "grpc" : "grpc+tls";
  return `flight: ${scheme}://${
    urlHost(flightHostOf(config))
  }:${flightPort} for clients of Arrakis\n`;
}

/** A channel to try, without a comma in its name: in a query a comma separates names. */
function nameOf(catalog: Greeted["catalog"]): string {
  return catalog.get(FIRST_CHOICE, null)?.name ??
    catalog.find({}).find(({ name }) => !name.includes(","))?.name ??
    "CHANNEL";
}
