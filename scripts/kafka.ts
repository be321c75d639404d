// A real Kafka broker for tests and trials: Apache Kafka from Maven Central with Java, or its container image.
// Invariant: what was started here is stopped here, by pid or container name.
import { FlagError, readFlags, wholeOf } from "../src/settings/flags.ts";

const KAFKA_VERSION = "4.1.1";
const READY_MAX_MS = 60_000;
const ROOT = new URL("..", import.meta.url).pathname;
const LIBS = `${ROOT}.qanat/kafka/libs`;

export interface KafkaOptions {
  readonly port: number;
  /** Where the log and the configuration are kept. */
  readonly dir: string;
  /** More lines of server.properties. */
  readonly props?: Readonly<Record<string, string>>;
  /** More arguments of the storage's format step, such as `--add-scram`. */
  readonly formatArgs?: readonly string[];
  /** Opens JMX on this port of 127.0.0.1. */
  readonly jmxPort?: number;
}

/** A running broker. */
export interface KafkaBroker {
  readonly address: string;
  readonly pid: number;
  /** Stops it cleanly. */
  stop(): Promise<void>;
  /** Ends it at once, as a power cut would. */
  kill9(): Promise<void>;
  /** Starts it again on the same log. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>qanat</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

async function run(
  command: string,
  args: readonly string[],
  cwd?: string,
): Promise<{ ok: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args: [...args],
      stdin: "null",
      ...(cwd ? { cwd } : {}),
    }).output();
    const decoder = new TextDecoder();
    return {
      ok: success,
      text: decoder.decode(stdout) + decoder.decode(stderr),
    };
  } catch (error) {
    return { ok: false, text: String(error) };
  }
}

/** Fetches Kafka's jars once. */
export async function fetchKafka(): Promise<string> {
  const stamp = `${LIBS}/${KAFKA_VERSION}.ok`;
  try {
    await Deno.stat(stamp);
    return LIBS;
  } catch {
    await Deno.mkdir(LIBS, { recursive: true });
  }
  await Deno.writeTextFile(`${LIBS}/pom.xml`, POM);
  const args = [
    "-q",
    "-B",
    "dependency:copy-dependencies",
    `-DoutputDirectory=${LIBS}`,
  ];
  let last = "";
  for (let attempt = 0; attempt < 3; attempt++) {
    const { ok, text } = await run("mvn", args, LIBS);
    last = text;
    if (!ok) continue;
    await Deno.writeTextFile(stamp, "");
    return LIBS;
  }
  throw new Error(`Maven could not fetch Kafka ${KAFKA_VERSION}: ${last}`);
}

/** Starts a broker on 127.0.0.1 and resolves when it takes requests. */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const { port, dir, props = {}, formatArgs = [], jmxPort } = options;
  const libs = await fetchKafka();
  await Deno.mkdir(dir, { recursive: true });
  const file = `${dir}/server.properties`;
  const settings: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${port + 1}`,
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${
      port + 1
    }`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": `${dir}/log`,
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "message.max.bytes": "20971520",
    "auto.create.topics.enable": "false",
    "log.segment.delete.delay.ms": "1000",
    ...props,
  };
  await Deno.writeTextFile(
    file,
    Object.entries(settings).map(([k, v]) => `${k}=${v}\n`).join(""),
  );
  const java = (main: string, ...args: string[]) => [
    "-Xmx512m",
    ...(jmxPort === undefined || main !== "kafka.Kafka" ? [] : [
      `-Dcom.sun.management.jmxremote.port=${jmxPort}`,
      "-Dcom.sun.management.jmxremote.host=127.0.0.1",
      "-Djava.rmi.server.hostname=127.0.0.1",
      "-Dcom.sun.management.jmxremote.authenticate=false",
      "-Dcom.sun.management.jmxremote.ssl=false",
    ]),
    "-cp",
    `${libs}/*`,
    main,
    ...args,
  ];
  const formatted = await run(
    "java",
    java(
      "kafka.tools.StorageTool",
      "format",
      "-t",
      "UWFuYXRUZXN0Q2x1c3Rlcg",
      "-c",
      file,
      "--ignore-formatted",
      ...formatArgs,
    ),
  );
  if (!formatted.ok) {
    throw new Error(
      `Kafka's storage could not be formatted: ${formatted.text}`,
    );
  }
  let child: Deno.ChildProcess;
  const begin = async () => {
    child = new Deno.Command("java", {
      args: java("kafka.Kafka", file),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const started = child;
    let isEnded = false;
    started.status.then(() => isEnded = true);
    try {
      await answering(port, () => isEnded);
    } catch (error) {
      signal(started, "SIGKILL");
      await started.status;
      throw error;
    }
  };
  await begin();
  return {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    stop: async () => {
      signal(child, "SIGTERM");
      const timer = setTimeout(() => signal(child, "SIGKILL"), 15_000);
      await child.status;
      clearTimeout(timer);
    },
    kill9: async () => {
      signal(child, "SIGKILL");
      await child.status;
    },
    restart: begin,
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
  };
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended already.
  }
}

/** Resolves once the broker answers an ApiVersions request: an open port alone is too early. */
async function answering(
  port: number,
  hasEnded: () => boolean,
): Promise<void> {
  const deadline = Date.now() + READY_MAX_MS;
  // int32 size, int16 api key 18, int16 version 0, int32 correlation id, int16 null client id
  const request = Uint8Array.of(0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255);
  while (Date.now() < deadline) {
    if (hasEnded()) {
      throw new Error("Kafka ended while starting; is its port in use?");
    }
    try {
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(request);
      const answer = new Uint8Array(16);
      if ((await connection.read(answer) ?? 0) > 8) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Kafka did not answer within ${READY_MAX_MS} ms`);
}

/** A container engine that answers, or null. */
export async function containerEngine(): Promise<string | null> {
  for (const engine of ["docker", "podman"]) {
    if ((await run(engine, ["info"])).ok) return engine;
  }
  return null;
}

async function hasJava(): Promise<boolean> {
  return (await run("java", ["-version"])).ok && (await run("mvn", ["-v"])).ok;
}

interface Asked {
  readonly port: number;
  readonly dir: string | undefined;
  readonly jmxPort: number | undefined;
  readonly help: boolean;
}

/** Reads the command line. Throws {@linkcode FlagError}. */
export function askedOf(args: readonly string[]): Asked {
  const { values } = readFlags(args.filter((arg) => arg !== "--"), {
    port: { type: "string", default: "9092" },
    dir: { type: "string" },
    "jmx-port": { type: "string" },
    help: { type: "boolean", default: false },
  });
  const jmxPort = values["jmx-port"];
  return {
    // The controller takes the next one.
    port: wholeOf("--port", values.port, 1, 65_534),
    dir: values.dir,
    jmxPort: jmxPort === undefined
      ? undefined
      : wholeOf("--jmx-port", jmxPort, 1, 65_535),
    help: values.help,
  };
}

async function main(): Promise<void> {
  const encoder = new TextEncoder();
  const print = (text: string) => Deno.stdout.writeSync(encoder.encode(text));
  let asked: Asked;
  try {
    asked = askedOf(Deno.args);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    print(`${error.message}\n`);
    Deno.exit(2);
  }
  if (asked.help) {
    print("deno task kafka [--port 9092] [--dir DIR] [--jmx-port PORT]\n");
    return;
  }
  const { port, jmxPort } = asked;
  // Asked before anything is started: a signal meanwhile must not leave a broker behind.
  const stopped = stopAsked();
  if (await hasJava()) {
    const dir = asked.dir ??
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
    if (!asked.dir) await Deno.remove(dir, { recursive: true });
    return;
  }
  const engine = await containerEngine();
  if (engine === null) {
    print(
      "A broker needs Java 17 and Maven, or a container engine: none was found\n",
    );
    Deno.exit(1);
  }
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
    await answering(port, () => false);
    print(`Kafka is ready on 127.0.0.1:${port}\n`);
    print(`(version ${KAFKA_VERSION}, ${engine} container ${name})\n`);
    await stopped;
  } finally {
    await run(engine, ["stop", name]);
  }
}

function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
    Deno.addSignalListener("SIGTERM", resolve);
  });
}

if (import.meta.main) await main();
