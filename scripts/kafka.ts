// `deno task kafka`: a real Kafka broker for trials, with Java and Maven, or as a container.
// Invariant: the command stops what it has started, by process id or container name.
import { FlagError, readFlags, wholeOf } from "../src/settings/flags.ts";
import { startKafka, untilAnswers } from "./kafka/broker.ts";
import { KAFKA_VERSION } from "./kafka/jars.ts";
import { containerEngine, hasJava, run } from "./kafka/programs.ts";

interface KafkaSettings {
  readonly port: number;
  readonly dir: string | undefined;
  readonly jmxPort: number | undefined;
  readonly help: boolean;
}

/** Reads the command line. Throws {@linkcode FlagError}. */
export function settingsOf(args: readonly string[]): KafkaSettings {
  const { values } = readFlags(args.filter((arg) => arg !== "--"), {
    port: { type: "string", default: "9092" },
    dir: { type: "string" },
    "jmx-port": { type: "string" },
    help: { type: "boolean", default: false },
  });
  const jmxPort = values["jmx-port"];
  return {
    // The controller uses the next port.
    port: wholeOf("--port", values.port, 1, 65_534),
    dir: values.dir,
    jmxPort: jmxPort === undefined
      ? undefined
      : wholeOf("--jmx-port", jmxPort, 1, 65_535),
    help: values.help,
  };
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

async function main(): Promise<void> {
  let settings: KafkaSettings;
  try {
    settings = settingsOf(Deno.args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    print(`${error.message}\n`);
    Deno.exit(2);
  }
  if (settings.help) {
    print("deno task kafka [--port 9092] [--dir DIR] [--jmx-port PORT]\n");
    return;
  }
  // Before anything is started: a signal in the meantime must not leave a broker running.
  const stopped = untilStopped();
  if (await hasJava()) return await withJava(settings, stopped);
  const engine = await containerEngine();
  if (engine !== null) {
    return await inContainer(engine, settings.port, stopped);
  }
  print(
    "A broker needs Java 17 and Maven, or a container engine: none was found\n",
  );
  Deno.exit(1);
}

async function withJava(
  settings: KafkaSettings,
  stopped: Promise<void>,
): Promise<void> {
  const { port, jmxPort } = settings;
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
    print(`${engine} could not start Kafka: ${started.text}\n`);
    Deno.exit(1);
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
