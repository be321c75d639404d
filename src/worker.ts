// The worker thread: source, app and HTTP server of one instance. The supervisor watches it.
// Invariant: it never ends the process and never writes to standard output or error; the supervisor does both for it.
import { Qanat } from "./app.ts";
import type { AccessControl } from "./auth/access_control.ts";
import { accessOf } from "./auth/access_of.ts";
import { nowGpsNs } from "./blocks/gps_time.ts";
import type { SharePool } from "./shares/share_pool.ts";
import { Catalog } from "./channels/catalog.ts";
import { nameMatcher } from "./channels/expression.ts";
import type { Config } from "./config.ts";
import type { FlightServer } from "./flight/flight_server.ts";
import { flightHostOf } from "./settings/flight_settings.ts";
import { GcTime } from "./telemetry/gc_time.ts";
import { fitConnections } from "./http/transport/descriptor_budget.ts";
import { greetingOf } from "./supervisor/greeting.ts";
import { serveOperators } from "./http/operator_server.ts";
import { connectionPool, type HttpServer, serve } from "./http/server.ts";
import { jsonLogger, type Logger, logLine } from "./telemetry/log.ts";
import { LogWriter } from "./telemetry/log_writer.ts";
import { UsageLog } from "./telemetry/usage_log.ts";
import { EmbeddedSource } from "./source/embedded_source.ts";
import { RingAllocationError } from "./memory/page_ring.ts";
import type { Source } from "./source/source.ts";
import { isProven, runtimeName } from "./http/transport/proven_runtimes.ts";
import { LifeSigns } from "./supervisor/life_signs.ts";
import { ServerCertificate } from "./net/server_certificate.ts";
import { SupervisorPort } from "./supervisor/supervisor_port.ts";
import { terminalText } from "./text/terminal.ts";
import { within } from "./supervisor/within.ts";

/** Time for the last log lines to be written at an exit; a reader may have stopped reading. */
const LOG_FLUSH_MAX_MS = 300;

/** How often the event loop shows the supervisor that it runs. */
const TICK_MS = 100;

const port = new SupervisorPort(self);
port.onStart = ({ config, signs }) =>
  void new WorkerApp(config, new LifeSigns(signs)).start();

/** One instance, from its start to the request to end the process. */
class WorkerApp {
  readonly #config: Config;
  readonly #signs: LifeSigns;
  readonly #lines = new LogWriter({
    write: (bytes) => port.writeLog(bytes),
    lostLine: (count) => logLine("warn", "log-lines-lost", { count }),
  });
  readonly #log: Logger;
  #usageLog: UsageLog | undefined;

  constructor(config: Config, signs: LifeSigns) {
    this.#config = config;
    this.#signs = signs;
    setInterval(() => signs.countTick(), TICK_MS);
    this.#log = jsonLogger((line) => this.#lines.line(line), config.logLevel);
    const crash = (event: ErrorEvent | PromiseRejectionEvent) => {
      event.preventDefault();
      const error = "reason" in event ? event.reason : event.error;
      this.#log.error("crashed", { error: error?.stack ?? String(error) });
      this.#exit(1);
    };
    addEventListener("error", crash);
    addEventListener("unhandledrejection", crash);
  }

  async start(): Promise<void> {
    const { config, backlog } = fitConnections(this.#config, this.#log);
    try {
      nameMatcher(config.trendMatch);
    } catch (error) {
      return this.#fail(
        2,
        `--trend-match must be an RE2 expression: ${
          terminalText((error as Error).message)
        }`,
      );
    }
    let certificate: ServerCertificate | null;
    try {
      certificate = await certificateOf(config, this.#log);
    } catch (error) {
      return this.#fail(2, `Cannot set up TLS: ${(error as Error).message}`);
    }
    let source: Source;
    try {
      source = await sourceOf(config, this.#log);
    } catch (error) {
      return this.#fail(2, `Cannot set up Kafka: ${(error as Error).message}`);
    }
    let access: AccessControl;
    try {
      access = await accessOf(config, source.catalog, this.#log);
    } catch (error) {
      return this.#fail(
        2,
        `--auth ${config.auth}: ${terminalText((error as Error).message)}`,
      );
    }
    const usageLog = await this.#openUsageLog(config);
    if (usageLog === null) return;
    let qanat: Qanat;
    try {
      qanat = this.#instanceOf({ config, source, access, usageLog });
    } catch (error) {
      if (!(error instanceof RingAllocationError)) throw error;
      return this.#fail(
        2,
        `--retention-mb ${config.retentionMb} is more than this machine can allocate in one piece; choose less`,
      );
    }
    await qanat.start();
    await this.#serve(qanat, config, { backlog, certificate });
  }

  /** Opens the ports. */
  async #serve(
    qanat: Qanat,
    config: Config,
    { backlog, certificate }: {
      readonly backlog: number;
      readonly certificate: ServerCertificate | null;
    },
  ): Promise<void> {
    const pool = connectionPool(config);
    const server = await this.#listen(config, () =>
      serve(qanat, {
        backlog,
        pool,
        certificate,
        onConnection: () => this.#signs.countConnection(),
      }));
    if (server === null) return;
    const { operatorHost, operatorPort } = config;
    const operators = operatorPort === 0 ? undefined : await this.#listen(
      { host: operatorHost, port: operatorPort },
      () => serveOperators(qanat),
    );
    if (operators === null) return;
    const { flightPort } = config;
    const flight = flightPort === 0 ? undefined : await this.#listen(
      { host: flightHostOf(config), port: flightPort },
      () => serveFlightOf(qanat, { pool, backlog, certificate }),
    );
    if (flight === null) return;
    const servers = flight === undefined ? [server] : [server, flight];
    port.onStop = () => this.#stop(qanat, servers, operators);
    port.send({
      kind: "serving",
      port: server.port,
      greeting: greetingOf(qanat, server.port),
    });
  }

  #instanceOf(
    { config, source, access, usageLog }: {
      readonly config: Config;
      readonly source: Source;
      readonly access: AccessControl;
      readonly usageLog: UsageLog | undefined;
    },
  ): Qanat {
    return new Qanat({
      config: { ...config, trendMatch: trendMatchOf(config) },
      source,
      access,
      ...(usageLog === undefined ? {} : { usageLog }),
      log: this.#log,
      gc: new GcTime(),
      logLines: this.#lines,
      memory: () => Deno.memoryUsage(),
      missedProbes: () => this.#signs.missedByPart(),
    });
  }

  /** Undefined where there is none; null where its file cannot be opened, then the process ends. */
  async #openUsageLog(
    { usageLog: path }: Config,
  ): Promise<UsageLog | undefined | null> {
    if (path === "") return undefined;
    const usageLog = new UsageLog({
      log: this.#log,
      open: () => Deno.open(path, { append: true, create: true, mode: 0o640 }),
    });
    try {
      await usageLog.start();
    } catch (error) {
      await this.#fail(2, usageLogFault(error as Error));
      return null;
    }
    port.onReopen = () => usageLog.reopen();
    this.#usageLog = usageLog;
    return usageLog;
  }

  /** Null where that fails; then the process ends. */
  async #listen(
    { host, port }: Pick<Config, "host" | "port">,
    serve: () => Promise<HttpServer>,
  ): Promise<HttpServer | null> {
    try {
      return await serve();
    } catch (error) {
      const { message } = error as Error;
      await this.#fail(1, `Cannot listen on ${host}:${port}: ${message}`);
      return null;
    }
  }

  async #stop(
    qanat: Qanat,
    servers: readonly HttpServer[],
    operators: HttpServer | undefined,
  ): Promise<void> {
    try {
      for (const server of servers) server.closeAfterAnswers();
      await qanat.hub.drainSpread();
      port.send({ kind: "closing" });
      await Promise.all([
        ...servers.map((server) => server.close(this.#config.drainMs)),
        operators?.close(this.#config.drainMs),
      ]);
      await qanat.close();
      await within(LOG_FLUSH_MAX_MS, this.#usageLog?.close());
    } catch (error) {
      const { stack, message } = error as Error;
      this.#log.error("stop-failed", { error: stack ?? message });
      return this.#exit(1);
    }
    this.#log.info("stopped");
    return this.#exit(0);
  }

  async #exit(code: number): Promise<void> {
    await within(LOG_FLUSH_MAX_MS, this.#lines.flush());
    port.send({ kind: "exit", code });
  }

  /** Ends the process with a line for the user who has started it. */
  async #fail(code: number, complaint: string): Promise<void> {
    await within(LOG_FLUSH_MAX_MS, this.#lines.flush());
    port.send({ kind: "exit", code, complaint: complaint + "\n" });
  }
}

/** Does not name the file: a user may have given something secret instead of a path. */
function usageLogFault({ name }: Error): string {
  const why = name === "NotCapable"
    ? "this process has no permission for it. `deno task start` may write to /var/log/qanat; " +
      "--print-permissions prints a command line for other files"
    : name;
  return `Cannot write the file of --usage-log: ${why}`;
}

/** Null where the service listens without TLS. */
async function certificateOf(
  { tlsCert, tlsKey }: Config,
  log: Logger,
): Promise<ServerCertificate | null> {
  if (tlsCert === "") return null;
  return await ServerCertificate.open({ tlsCert, tlsKey, log });
}

async function sourceOf(config: Config, log: Logger): Promise<Source> {
  const catalog = new Catalog();
  if (config.kafka.length === 0) {
    return new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() });
  }
  // Imported only when needed, so that the embedded source does not load kafkajs.
  const { kafkaSourceOf } = await import("./source/kafka_settings.ts");
  return await kafkaSourceOf(config, catalog, log);
}

/** The Flight port, imported only when it is on. */
async function serveFlightOf(
  qanat: Qanat,
  options: {
    readonly pool: SharePool;
    readonly backlog: number;
    readonly certificate: ServerCertificate | null;
  },
): Promise<FlightServer> {
  const { serveFlight } = await import("./flight/flight_server.ts");
  const host = flightHostOf(qanat.config);
  const usesHandles = isProven(runtimeName());
  return await serveFlight(qanat, { ...options, host, usesHandles });
}

/** The trends of all embedded channels are recorded; those of Kafka's channels only when the setting names them. */
function trendMatchOf({ trendMatch, kafka }: Config): string {
  return trendMatch === "" && kafka.length === 0 ? ".*" : trendMatch;
}
