// A real Kafka broker for tests and trials: Apache Kafka, run with Java.
// Invariant: a broker is stopped by its process id, never by a name.
import { fetchKafka } from "./jars.ts";
import { run } from "./programs.ts";

const READY_MAX_MS = 60_000;
/** A broker that has not ended so long after SIGTERM is killed. */
const STOP_MAX_MS = 15_000;
const CLUSTER_ID = "UWFuYXRUZXN0Q2x1c3Rlcg";

export interface KafkaOptions {
  readonly port: number;
  /** Where the log and the configuration are kept. */
  readonly dir: string;
  /** Added to server.properties. */
  readonly props?: Readonly<Record<string, string>>;
  /** More arguments for formatting the storage, such as `--add-scram`. */
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

/** Starts a broker on 127.0.0.1 and resolves when it answers requests. */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const { port, dir } = options;
  const libs = await fetchKafka();
  await Deno.mkdir(dir, { recursive: true });
  const file = `${dir}/server.properties`;
  await Deno.writeTextFile(file, propertiesOf(options));
  await format(libs, file, options.formatArgs ?? []);
  const args = [
    ...jmxArgs(options.jmxPort),
    ...javaArgs(libs, "kafka.Kafka"),
    file,
  ];
  let child = await begin(args, port);
  return {
    address: `127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    stop: async () => {
      signal(child, "SIGTERM");
      const timer = setTimeout(() => signal(child, "SIGKILL"), STOP_MAX_MS);
      await child.status;
      clearTimeout(timer);
    },
    kill9: async () => {
      signal(child, "SIGKILL");
      await child.status;
    },
    restart: async () => {
      child = await begin(args, port);
    },
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
  };
}

/** The text of server.properties. */
function propertiesOf({ port, dir, props = {} }: KafkaOptions): string {
  const controller = `127.0.0.1:${port + 1}`;
  const settings: Record<string, string> = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@${controller}`,
    "listeners": `PLAINTEXT://127.0.0.1:${port},CONTROLLER://${controller}`,
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
  return Object.entries(settings).map(([k, v]) => `${k}=${v}\n`).join("");
}

function javaArgs(libs: string, main: string): string[] {
  return ["-Xmx512m", "-cp", `${libs}/*`, main];
}

function jmxArgs(port: number | undefined): string[] {
  return port === undefined ? [] : [
    `-Dcom.sun.management.jmxremote.port=${port}`,
    // Otherwise Java chooses a second port.
    `-Dcom.sun.management.jmxremote.rmi.port=${port}`,
    "-Dcom.sun.management.jmxremote.host=127.0.0.1",
    "-Djava.rmi.server.hostname=127.0.0.1",
    "-Dcom.sun.management.jmxremote.authenticate=false",
    "-Dcom.sun.management.jmxremote.ssl=false",
  ];
}

/** Formats the storage of a new broker. */
async function format(
  libs: string,
  file: string,
  more: readonly string[],
): Promise<void> {
  const { ok, text } = await run("java", [
    ...javaArgs(libs, "kafka.tools.StorageTool"),
    "format",
    "-t",
    CLUSTER_ID,
    "-c",
    file,
    "--ignore-formatted",
    ...more,
  ]);
  if (!ok) throw new Error(`Kafka's storage could not be formatted: ${text}`);
}

/** Starts the process; ends it again where it does not answer. */
async function begin(
  args: readonly string[],
  port: number,
): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("java", {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let isEnded = false;
  child.status.then(() => isEnded = true);
  try {
    await untilAnswers(port, () => isEnded);
    return child;
  } catch (error) {
    signal(child, "SIGKILL");
    await child.status;
    throw error;
  }
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended already.
  }
}

/** Resolves when the broker answers an ApiVersions request: its port is open before that. */
export async function untilAnswers(
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
