// All settings of an instance, by group, and how they are read from a command line and an environment.
// Invariant: a Config is complete and valid; anything else is one clear line.
import {
  AUTH_SETTINGS,
  authFault,
  type AuthSettings,
} from "./settings/auth_settings.ts";
import {
  BLOCK_SETTINGS,
  type BlockSettings,
} from "./settings/block_settings.ts";
import {
  CACHE_SETTINGS,
  type CacheSettings,
} from "./settings/cache_settings.ts";
import {
  CHANNEL_SETTINGS,
  type ChannelSettings,
} from "./settings/channel_settings.ts";
import {
  CLIENT_SETTINGS,
  clientFault,
  type ClientSettings,
} from "./settings/client_settings.ts";
import {
  FLIGHT_SETTINGS,
  flightFault,
  type FlightSettings,
} from "./settings/flight_settings.ts";
import {
  HEALTH_SETTINGS,
  type HealthSettings,
} from "./settings/health_settings.ts";
import {
  HISTORY_SETTINGS,
  type HistorySettings,
} from "./settings/history_settings.ts";
import {
  KAFKA_SETTINGS,
  type KafkaSettings,
} from "./settings/kafka_settings.ts";
import {
  OPERATOR_SETTINGS,
  operatorFault,
  type OperatorSettings,
} from "./settings/operator_settings.ts";
import {
  headOf,
  VERSION_MEANING,
  versionText,
} from "./settings/command_help.ts";
import { readSettings } from "./settings/read_settings.ts";
import {
  REQUEST_SETTINGS,
  type RequestSettings,
} from "./settings/request_settings.ts";
import {
  SERVER_SETTINGS,
  type ServerSettings,
} from "./settings/server_settings.ts";
import {
  RELAY_SETTINGS,
  relayFault,
  type RelaySettings,
} from "./settings/relay_settings.ts";
import type { SettingsOf } from "./settings/setting.ts";
import { settingsHelp } from "./settings/settings_help.ts";
import {
  TREND_SETTINGS,
  type TrendSettings,
} from "./settings/trend_settings.ts";

/** All settings of an instance. Names carry their unit. */
export interface Config
  extends
    ServerSettings,
    FlightSettings,
    AuthSettings,
    OperatorSettings,
    KafkaSettings,
    RelaySettings,
    ChannelSettings,
    BlockSettings,
    ClientSettings,
    HistorySettings,
    TrendSettings,
    CacheSettings,
    RequestSettings,
    HealthSettings {}

/** The outcome of reading a command line and an environment. */
export type Parsed =
  | {
    readonly kind: "config";
    readonly config: Config;
    /** The texts that flags gave, by flag. They may be secrets. */
    readonly flags: ReadonlyMap<string, string>;
    /** Variables that Kubernetes has set for a Service; they are not settings. */
    readonly passedOver: readonly string[];
  }
  /** To print: it ends with a line feed. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** In the order of `--help`. */
const GROUPS = {
  "Server": SERVER_SETTINGS,
  "Arrow Flight": FLIGHT_SETTINGS,
  "Who may read": AUTH_SETTINGS,
  "Operators": OPERATOR_SETTINGS,
  "Kafka": KAFKA_SETTINGS,
  "Relays": RELAY_SETTINGS,
  "Channels": CHANNEL_SETTINGS,
  "Blocks and rows": BLOCK_SETTINGS,
  "Clients": CLIENT_SETTINGS,
  "Histories": HISTORY_SETTINGS,
  "Trends": TREND_SETTINGS,
  "Caches": CACHE_SETTINGS,
  "Connections and requests": REQUEST_SETTINGS,
  "Health and shutdown": HEALTH_SETTINGS,
};

export const SETTINGS = {
  ...SERVER_SETTINGS,
  ...FLIGHT_SETTINGS,
  ...AUTH_SETTINGS,
  ...OPERATOR_SETTINGS,
  ...KAFKA_SETTINGS,
  ...RELAY_SETTINGS,
  ...CHANNEL_SETTINGS,
  ...BLOCK_SETTINGS,
  ...CLIENT_SETTINGS,
  ...HISTORY_SETTINGS,
  ...TREND_SETTINGS,
  ...CACHE_SETTINGS,
  ...REQUEST_SETTINGS,
  ...HEALTH_SETTINGS,
} satisfies SettingsOf<Config>;

/** Reads flags (`--name value`, `--name=value`), then environment variables, then defaults; the first one wins. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Parsed {
  const read = readSettings<Config>(SETTINGS, args, env);
  if (read.kind === "wrong") return error(read.message);
  if (read.kind !== "values") {
    const text = read.kind === "help" ? helpText() : versionText();
    return { kind: "text", text };
  }
  const wrong = combinationFault(read.values);
  if (wrong !== null) return error(wrong);
  const { values: config, flags, passedOver } = read;
  return { kind: "config", config, flags, passedOver };
}

/** What is wrong with settings that are valid one by one, or null. */
function combinationFault(config: Config): string | null {
  const { kafkaSasl, kafkaUser, kafkaTokenFile, kafkaCert, kafkaKey } = config;
  if ((config.tlsCert === "") !== (config.tlsKey === "")) {
    return "--tls-cert and --tls-key belong together";
  }
  if (kafkaSasl === "oauthbearer" && kafkaTokenFile === "") {
    return "--kafka-sasl oauthbearer needs --kafka-token-file";
  }
  if (kafkaSasl !== "" && kafkaSasl !== "oauthbearer" && kafkaUser === "") {
    return `--kafka-sasl ${kafkaSasl} needs --kafka-user`;
  }
  if ((kafkaCert === "") !== (kafkaKey === "")) {
    return "--kafka-cert and --kafka-key belong together";
  }
  if (config.topics !== "" && config.kafka.length === 0) {
    return "--topics needs --kafka: its topics are read from there";
  }
  if (config.upstream.length > 0 && config.kafka.length > 0) {
    return "--upstream and --kafka do not go together: blocks come from one of them";
  }
  return relayFault(config) ?? clientFault(config) ?? authFault(config) ??
    operatorFault(config) ??
    flightFault(config);
}

function helpText(): string {
  const head = headOf({
    task: "start",
    does:
      "Serve time series over HTTP: those in Kafka with --kafka HOST:PORT, else the included data",
    usage: ["[settings]"],
  });
  return `${head}

Each setting is a flag or an environment variable; the flag wins.

${settingsHelp(GROUPS)}

  ${"--version".padEnd(38)} ${VERSION_MEANING}
  ${"-h, --help".padEnd(38)} show this text
`;
}

function error(message: string): Parsed {
  return { kind: "error", message };
}
