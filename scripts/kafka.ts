// `deno task kafka`: a real Kafka broker for trials, with Java and Maven, or as a container.
// Invariant: the command stops what it has started, by process id or container name.
import {
  optionsOrExit,
  type Parsed,
  parsedBy,
} from "../src/settings/command.ts";
import { type CommandHelp, HELP_FLAG } from "../src/settings/command_help.ts";
import { FlagError, readFlags, wholeOf } from "../src/settings/flags.ts";
import { startKafka, untilAnswers } from "./kafka/broker.ts";
import { KAFKA_VERSION } from "./kafka/jars.ts";
import { type BrokerPort, portFault } from "./kafka/ports.ts";
import { containerEngine, hasJava, run } from "./kafka/programs.ts";

interface KafkaSettings {
  readonly port: number;
  readonly dir: string | undefined;
  readonly jmxPort: number | undefined;
}

const FLAGS = {
  port: {
    type: "string",
    unit: "PORT",
    help:
      "port for clients; with Java, the broker's controller takes the next one",
    default: "9092",
  },
  dir: {
    type: "string",
    unit: "DIR",
    help: "where the messages are kept; needs Java and Maven",
    preset: "a temporary folder, which is removed at the end",
  },
  "jmx-port": {
    type: "string",
    unit: "PORT",
    help: "port for JMX, the broker's own figures; needs Java and Maven",
    preset: "none",
  },
  ...HELP_FLAG,
} as const;

const HELP: CommandHelp = {
  task: "kafka",
  does:
    "Start a Kafka broker for trials, with Java and Maven or a container engine; Ctrl-C stops it",
  usage: ["[flags]"],
  flags: FLAGS,
  more:
    `All ports are of 127.0.0.1: 9092 and 9093, unless --port says otherwise, and that of --jmx-port, with which Java opens
one more, of its own choice, for tools of this machine. If one of the first three is taken, the command says which one,
and ends before it downloads or starts anything. The first start downloads Kafka ${KAFKA_VERSION} from Maven Central, or its image.`,
};

/** Reads the command line. */
export function parseKafka(args: readonly string[]): Parsed<KafkaSettings> {
  return parsedBy(() => {
    const { values } = readFlags(args, FLAGS);
    if (values.help) return "help";
    // The controller uses the next port.
    const port = wholeOf("--port", values.port, 1, 65_534);
    const jmxPort = values["jmx-port"] === undefined
      ? undefined
      : wholeOf("--jmx-port", values["jmx-port"], 1, 65_535);
    if (jmxPort === port || jmxPort === port + 1) {
      throw new FlagError(
        `--jmx-port must be none of ${port} and ${
          port + 1
        }, which the broker takes`,
      );
    }
    return { port, dir: values.dir, jmxPort };
  });
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function fail(message: string): never {
  Deno.stderr.writeSync(new TextEncoder().encode(message + "\n"));
  Deno.exit(1);
}

/** Ends the command if one of these ports cannot be opened. */
function checkPorts(ports: readonly BrokerPort[]): void {
  const fault = portFault(ports);
  if (fault !== null) fail(fault);
}

async function main(): Promise<void> {
  const settings = optionsOrExit(HELP, parseKafka(Deno.args));
  const { port, dir, jmxPort } = settings;
  checkPorts([{ port, use: "clients", flag: "--port" }]);
  // Before anything is started: a signal in the meantime must not leave a broker running.
  const stopped = untilStopped();
  if (await hasJava()) return await withJava(settings, stopped);
  const engine = await containerEngine();
  if (engine === null) {
    fail(
      "A broker needs Java 17 and Maven, or a container engine: none was found",
    );
  }
  if (dir !== undefined || jmxPort !== undefined) {
    fail("--dir and --jmx-port need Java 17 and Maven, which were not found");
  }
  await inContainer(engine, port, stopped);
}

async function withJava(
  settings: KafkaSettings,
  stopped: Promise<void>,
): Promise<void> {
  const { port, jmxPort } = settings;
  checkPorts([
    { port: port + 1, use: "the controller", flag: "--port" },
    ...jmxPort === undefined
      ? []
      : [{ port: jmxPort, use: "JMX", flag: "--jmx-port" }],
  ]);
  print(
    `Starting Kafka ${KAFKA_VERSION} on port ${port}, its controller on ${
      port + 1
    }; the first start downloads it\n`,
  );
  const dir = settings.dir ??
    await Deno.makeTempDir({ prefix: "qanat-kafka-" });
  const broker = await startKafka({
    port,
    dir,
    ...(jmxPort === undefined ? {} : { jmxPort }),
  });
  print(`Kafka is ready on ${broker.address}\n`);
  print(`(version ${KAFKA_VERSION}, log in ${dir})\n`);
  await stopped;
  await broker.stop();
  if (!settings.dir) await Deno.remove(dir, { recursive: true });
}

async function inContainer(
  engine: string,
  port: number,
  stopped: Promise<void>,
): Promise<void> {
  const name = `qanat-kafka-${port}`;
  print(
    `Starting Kafka ${KAFKA_VERSION} on port ${port}, as a ${engine} container; the first start downloads it\n`,
  );
  const started = await run(engine, [
    "run",
    "--rm",
    "-d",
    "--name",
    name,
    "-p",
    `127.0.0.1:${port}:9092`,
    "-e",
    "KAFKA_NODE_ID=1",
    "-e",
    "KAFKA_PROCESS_ROLES=broker,controller",
    "-e",
    "KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093",
    "-e",
    `KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:${port}`,
    "-e",
    "KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
    "-e",
    "KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093",
    "-e",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
    `apache/kafka:${KAFKA_VERSION}`,
  ]);
  if (!started.ok) {
    fail(`${engine} could not start Kafka: ${started.text}`);
  }
  try {
    await untilAnswers(port, () => false);
    print(`Kafka is ready on 127.0.0.1:${port}\n`);
    print(`(version ${KAFKA_VERSION}, ${engine} container ${name})\n`);
    await stopped;
  } finally {
    await run(engine, ["stop", name]);
  }
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
    Deno.addSignalListener("SIGTERM", resolve);
  });
}

if (import.meta.main) await main();
