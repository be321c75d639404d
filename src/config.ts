// Every setting: a flag, an environment variable, a unit, a default and a check, in one table.
// Invariant: a Config is complete and valid; anything else is one clear line.
import { LOG_LEVELS, type LogLevel } from "./log.ts";

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
  readonly historyReadersMax: number;
  readonly historyMb: number;
  readonly trendMatch: string;
  readonly trendMb: number;
  readonly trendHours: number;
  readonly gapFillRowsMax: number;
  readonly readyGraceMs: number;
  readonly eventLoopDelayMaxMs: number;
  readonly drainMs: number;
  readonly retryMs: number;
  readonly corsOrigin: string;
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
  | { readonly kind: "config"; readonly config: Config }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

/** A setting that cannot be taken; its message says what would be right. */
class SettingError extends Error {}

interface Setting {
  readonly key: keyof Config;
  readonly fallback: string;
  readonly unit: string;
  readonly help: string;
  readonly read: (text: string) => Config[keyof Config];
}

const SASL = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];
const ADDRESS = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/;
const PROXY = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;

const SETTINGS: readonly Setting[] = [
  whole("port", 8080, 0, 65535, "", "TCP port; 0 takes a free one"),
  text("host", "127.0.0.1", "", "address to listen on"),
  list("kafka", "HOST:PORT,…", "brokers; none: the embedded source", ADDRESS),
  flag("kafkaTls", "speak TLS to the brokers"),
  text("kafkaCa", "", "file", "PEM certificates of the authority to trust"),
  text("kafkaCert", "", "file", "PEM certificate of this client"),
  text("kafkaKey", "", "file", "PEM key of this client"),
  choice("kafkaSasl", "", ["", ...SASL], "SASL mechanism"),
  text("kafkaUser", "", "", "SASL user"),
  text("kafkaPassword", "", "", "SASL password (better by environment)"),
  text("kafkaTokenFile", "", "file", "token for oauthbearer, read at each use"),
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
    "historyReadersMax",
    4,
    0,
    1000,
    "streams",
    "that read the past from the source at once",
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
  whole("drainMs", 3000, 0, 4000, "ms", "clients are given at a stop"),
  whole("retryMs", 1000, 0, 3.6e6, "ms", "`retry:` told to EventSource"),
  text("corsOrigin", "*", "", "origin that browsers may come from"),
  text("basePath", "", "", "path in front of every route, e.g. /qanat"),
  list(
    "trustedProxies",
    "ADDRESS[/BITS],…",
    "whose X-Forwarded-For is believed",
    PROXY,
  ),
  choice("logLevel", "info", LOG_LEVELS, "least level that is logged"),
];

/** Reads flags (`--name value`, `--name=value`) over environment variables over defaults. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Parsed {
  const given = new Map<keyof Config, { text: string; from: string }>();
  for (const { key } of SETTINGS) {
    const name = variableOf(key);
    const value = env[name];
    if (value !== undefined && value !== "") {
      given.set(key, { text: value, from: name });
    }
  }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") continue; // `deno task start -- --port 81` passes it on
    if (arg === "--help" || arg === "-h") {
      return { kind: "help", text: helpText() };
    }
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const setting = SETTINGS.find(({ key }) => flagOf(key) === name);
    if (!setting) {
      return error(`Unknown setting '${arg}'; --help lists what there is`);
    }
    let value = equals < 0 ? args[i + 1] : arg.slice(equals + 1);
    if (equals < 0 && setting.unit === "flag") value = "true";
    else if (equals < 0) i++;
    if (value === undefined) return error(`${name} needs a value`);
    given.set(setting.key, { text: value, from: name });
  }
  const config: Partial<Record<keyof Config, Config[keyof Config]>> = {};
  for (const setting of SETTINGS) {
    const { text, from } = given.get(setting.key) ??
      { text: setting.fallback, from: flagOf(setting.key) };
    try {
      config[setting.key] = setting.read(text);
    } catch (wrong) {
      if (!(wrong instanceof SettingError)) throw wrong;
      return error(`${from} must be ${wrong.message}, not '${text}'`);
    }
  }
  return checked(config as unknown as Config);
}

function checked(config: Config): Parsed {
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
  return { kind: "config", config };
}

function helpText(): string {
  const rows = SETTINGS.map(({ key, unit, fallback, help }) => {
    const value = unit === "flag" ? "" : ` ${unit === "" ? "TEXT" : unit}`;
    const preset = fallback === "" || unit === "flag"
      ? ""
      : ` (default ${fallback})`;
    return `  ${(flagOf(key) + value).padEnd(38)} ${help}${preset}\n` +
      `  ${"".padEnd(38)} ${variableOf(key)}`;
  });
  return `Qanat: live time series over HTTP.

deno task start [settings]

Each setting is a flag or an environment variable; the flag wins.

${rows.join("\n")}
  ${"--help".padEnd(38)} this text`;
}

function error(message: string): Parsed {
  return { kind: "error", message };
}

/** `retentionMb` → `retention-mb`. */
function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
}

function flagOf(key: string): string {
  return "--" + dashed(key);
}

function variableOf(key: string): string {
  return "QANAT_" + dashed(key).replaceAll("-", "_").toUpperCase();
}

function whole(
  key: keyof Config,
  fallback: number,
  min: number,
  max: number,
  unit: string,
  help: string,
): Setting {
  const read = (text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new SettingError(
      `a whole number from ${min} to ${max}${unit === "" ? "" : " " + unit}`,
    );
  };
  return {
    key,
    fallback: String(fallback),
    unit: unit || "NUMBER",
    help,
    read,
  };
}

function text(
  key: keyof Config,
  fallback: string,
  unit: string,
  help: string,
): Setting {
  const read = (value: string) => {
    if (key === "basePath" && value !== "" && !/^(\/[\w.~-]+)+$/.test(value)) {
      throw new SettingError(
        "a path such as /qanat, without a slash at its end",
      );
    }
    return value;
  };
  return { key, fallback, unit, help, read };
}

function flag(key: keyof Config, help: string): Setting {
  const read = (value: string) => {
    if (value === "true" || value === "1") return true;
    if (value === "false" || value === "0") return false;
    throw new SettingError("true or false");
  };
  return { key, fallback: "false", unit: "flag", help, read };
}

function list(
  key: keyof Config,
  unit: string,
  help: string,
  item: RegExp,
): Setting {
  const read = (value: string) => {
    const items = value.split(",").map((i) => i.trim()).filter((i) => i !== "");
    if (items.every((i) => item.test(i))) return items;
    throw new SettingError(unit);
  };
  return { key, fallback: "", unit, help, read };
}

function choice(
  key: keyof Config,
  fallback: string,
  values: readonly string[],
  help: string,
): Setting {
  const named = values.filter((v) => v !== "").join("|");
  const read = (value: string) => {
    if (values.includes(value)) return value as Config[keyof Config];
    throw new SettingError(`one of ${named}`);
  };
  return { key, fallback, unit: named, help, read };
}
