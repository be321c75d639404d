// Every setting: a flag, an environment variable, a unit, a default and a check, in one table.
// Invariant: a Config is complete and valid; anything else is one clear line.
import { LOG_LEVELS, type LogLevel } from "./telemetry/log.ts";
import { helpOf, readSettings } from "./settings/read_settings.ts";
import {
  basePath,
  brokers,
  choice,
  file,
  flag,
  host,
  hosts,
  origins,
  proxies,
  revision,
  secret,
  type Setting,
  text,
  whole,
} from "./settings/readers.ts";

/** All settings of an instance. Names carry their unit. */
export interface Config {
  readonly port: number;
  readonly host: string;
  /** Broker addresses; empty for the embedded source. */
  readonly kafka: readonly string[];
  readonly kafkaTls: boolean;
  readonly kafkaCa: string;
  readonly kafkaCert: string;
  readonly kafkaKey: string;
  readonly kafkaSasl: "" | SaslMechanism;
  readonly kafkaUser: string;
  readonly kafkaPassword: string;
  readonly kafkaTokenFile: string;
  readonly retentionMb: number;
  readonly slabMb: number;
  readonly inFlightFrames: number;
  readonly clientsMax: number;
  readonly clientsPerAddressMax: number;
  readonly connectionsMax: number;
  readonly requestHeadMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly addressSharePercent: number;
  readonly channelsMax: number;
  readonly heartbeatMs: number;
  readonly lingerMs: number;
  readonly resumeWindowMs: number;
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
  readonly futureToleranceMs: number;
  readonly writeStallMs: number;
  readonly catchUpRowsMax: number;
  readonly sliceMs: number;
  readonly requestWorksMax: number;
  readonly requestWorkMs: number;
  readonly requestWaitMs: number;
  readonly bodiesMb: number;
  readonly historyReadersMax: number;
  readonly historyStallMs: number;
  readonly historyMb: number;
  readonly trendMatch: string;
  readonly trendMb: number;
  readonly trendHours: number;
  readonly gapFillRowsMax: number;
  readonly readyGraceMs: number;
  readonly eventLoopDelayMaxMs: number;
  readonly watchdogProbesMax: number;
  readonly drainMs: number;
  readonly retryMs: number;
  readonly drainSpreadMs: number;
  readonly revision: string;
  /** Origins whose pages may read; `*` alone: any. */
  readonly corsOrigin: readonly string[];
  /** Host names that are answered, in lower case. */
  readonly allowedHosts: readonly string[];
  readonly basePath: string;
  readonly trustedProxies: readonly string[];
  readonly logLevel: LogLevel;
}

export type SaslMechanism =
  | "plain"
  | "scram-sha-256"
  | "scram-sha-512"
  | "oauthbearer";

/** What a command line and an environment come to. */
export type Parsed =
  | {
    readonly kind: "config";
    readonly config: Config;
    /** Variables that Kubernetes has set for a Service, and that are no settings. */
    readonly passedOver: readonly string[];
  }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

const SASL = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

const SETTINGS: readonly Setting[] = [
  whole("port", 8080, 0, 65535, "", "TCP port; 0 takes a free one"),
  host("host", "127.0.0.1", "address to listen on"),
  brokers("kafka", "HOST:PORT,…", "brokers; none: the embedded source"),
  flag("kafkaTls", "speak TLS to the brokers"),
  file("kafkaCa", "PEM certificates of the authority to trust"),
  file("kafkaCert", "PEM certificate of this client"),
  file("kafkaKey", "PEM key of this client"),
  choice("kafkaSasl", "", ["", ...SASL], "SASL mechanism"),
  text("kafkaUser", "", "", "SASL user"),
  secret("kafkaPassword", "SASL password (better by environment)"),
  file("kafkaTokenFile", "token for oauthbearer, read at each use"),
  whole(
    "retentionMb",
    256,
    1,
    65536,
    "MiB",
    "page ring: blocks kept in memory",
  ),
  whole("slabMb", 512, 1, 65536, "MiB", "slab: frames on their way to clients"),
  whole("inFlightFrames", 4, 1, 64, "frames", "unfinished writes a client"),
  whole("clientsMax", 10_000, 1, 1e6, "clients", "streams at once"),
  whole(
    "clientsPerAddressMax",
    0,
    0,
    1e6,
    "clients",
    "streams of one address; 0: any number, since proxies share one",
  ),
  whole(
    "connectionsMax",
    0,
    0,
    1e6,
    "connections",
    "HTTP connections at once; 0: as many as streams and a tenth more",
  ),
  whole(
    "requestHeadMs",
    10_000,
    100,
    600_000,
    "ms",
    "time for a request's line and headers",
  ),
  whole("requestMs", 30_000, 100, 600_000, "ms", "time for a whole request"),
  whole(
    "keepAliveMs",
    5000,
    100,
    600_000,
    "ms",
    "a connection stays open between two requests",
  ),
  whole(
    "addressSharePercent",
    90,
    1,
    100,
    "%",
    "of the clients, histories and slab that others leave, to one address at most",
  ),
  whole("channelsMax", 10_000, 1, 1e6, "channels", "in one selection"),
  whole("heartbeatMs", 15_000, 100, 3.6e6, "ms", "silence before a heartbeat"),
  whole(
    "lingerMs",
    30_000,
    0,
    8.64e7,
    "ms",
    "a partition is read on without clients",
  ),
  whole(
    "resumeWindowMs",
    60_000,
    0,
    8.64e7,
    "ms",
    "read back on a partition's first lease",
  ),
  whole(
    "outageWaitMs",
    300_000,
    0,
    8.64e7,
    "ms",
    "rows wait for a partition that cannot be read",
  ),
  whole(
    "outageGraceMs",
    15_000,
    0,
    600_000,
    "ms",
    "nothing is called late after an outage",
  ),
  whole(
    "futureToleranceMs",
    0,
    0,
    8.64e7,
    "ms",
    "a block may lie ahead; 0: two strides",
  ),
  whole(
    "writeStallMs",
    60_000,
    100,
    8.64e7,
    "ms",
    "no write finishes before a client is dropped",
  ),
  whole(
    "catchUpRowsMax",
    256,
    1,
    1e6,
    "rows",
    "made for clients behind in one turn",
  ),
  whole(
    "sliceMs",
    4,
    1,
    1000,
    "ms",
    "longest work of one kind before Kafka and requests have their turn",
  ),
  whole(
    "requestWorksMax",
    64,
    0,
    10_000,
    "requests",
    "searches and lists at once that need more than a slice",
  ),
  whole(
    "requestWorkMs",
    3000,
    1,
    600_000,
    "ms",
    "computing time of one request",
  ),
  whole(
    "requestWaitMs",
    10_000,
    1,
    600_000,
    "ms",
    "time that a request may take among others that compute",
  ),
  whole("bodiesMb", 64, 1, 65536, "MiB", "bodies of all requests together"),
  whole(
    "historyReadersMax",
    4,
    0,
    1000,
    "streams",
    "that read the past from the source at once",
  ),
  whole(
    "historyStallMs",
    5000,
    100,
    600_000,
    "ms",
    "a reader of the past stands still before others may have its place",
  ),
  whole("historyMb", 32, 1, 4096, "MiB", "memory of one reader of the past"),
  text(
    "trendMatch",
    "",
    "EXPRESSION",
    "names of channels whose trends are recorded always; unset: all of the embedded source, none of Kafka",
  ),
  whole("trendMb", 128, 1, 65536, "MiB", "trends: bins kept in memory"),
  whole(
    "trendHours",
    2,
    1,
    168,
    "h",
    "how far back bins of 1 s reach; 10 s: 6 times as far, 60 s: 24 times",
  ),
  whole(
    "gapFillRowsMax",
    160,
    0,
    1e6,
    "rows",
    "longest gap that is filled with nulls",
  ),
  whole(
    "readyGraceMs",
    10_000,
    0,
    8.64e7,
    "ms",
    "the source may be away before /readyz fails",
  ),
  whole(
    "eventLoopDelayMaxMs",
    1000,
    10,
    60_000,
    "ms",
    "delay at which /readyz fails",
  ),
  whole(
    "watchdogProbesMax",
    12,
    0,
    3600,
    "probes",
    "missed in a row, one a second, before a hung process ends itself; 0: never",
  ),
  whole("drainMs", 3000, 0, 4000, "ms", "clients are given at a stop"),
  whole("retryMs", 1000, 0, 3.6e6, "ms", "`retry:` told to EventSource"),
  whole(
    "drainSpreadMs",
    2000,
    0,
    3.6e6,
    "ms",
    "over which clients of a stopping instance come back, after --retry-ms",
  ),
  origins("corsOrigin", "other origins whose pages may read; *: any page"),
  hosts("allowedHosts", "names to answer to; loopback names always are"),
  basePath("basePath", "path in front of every route, e.g. /qanat"),
  proxies(
    "trustedProxies",
    "ADDRESS[/BITS],…",
    "whose X-Forwarded-For is believed",
  ),
  revision(
    "revision",
    "source revision of this build, shown in the status and metrics; unset: unknown",
  ),
  choice("logLevel", "info", LOG_LEVELS, "least level that is logged"),
];

/** Reads flags (`--name value`, `--name=value`) over environment variables over defaults. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Parsed {
  const read = readSettings(SETTINGS, args, env);
  if (read.kind === "help") return { kind: "help", text: helpText() };
  if (read.kind === "wrong") return error(read.message);
  return checked(read.values as unknown as Config, read.passedOver);
}

function checked(config: Config, passedOver: readonly string[]): Parsed {
  const { kafkaSasl, kafkaUser, kafkaTokenFile } = config;
  if (kafkaSasl === "oauthbearer" && kafkaTokenFile === "") {
    return error("--kafka-sasl oauthbearer needs --kafka-token-file");
  }
  if (kafkaSasl !== "" && kafkaSasl !== "oauthbearer" && kafkaUser === "") {
    return error(`--kafka-sasl ${kafkaSasl} needs --kafka-user`);
  }
  if ((config.kafkaCert === "") !== (config.kafkaKey === "")) {
    return error("--kafka-cert and --kafka-key belong together");
  }
  return { kind: "config", config, passedOver };
}

function helpText(): string {
  return `Qanat: live time series over HTTP.

deno task start [settings]

Each setting is a flag or an environment variable; the flag wins.

${helpOf(SETTINGS)}
  ${"--help".padEnd(38)} this text`;
}

function error(message: string): Parsed {
  return { kind: "error", message };
}
