// The worker thread: source, app and HTTP server of one instance. The supervisor watches it.
// Invariant: it never ends the process and never writes to standard output or error; the supervisor does both for it.
import { Qanat } from "./app.ts";
import type { UsageSink } from "./app_options.ts";
import type { AccessControl } from "./auth/access_control.ts";
import { accessOf } from "./auth/access_of.ts";
import type { Catalog } from "./channels/catalog.ts";
import type { Config } from "./config.ts";
import { GcTime } from "./telemetry/gc_time.ts";
import { HeapWatch } from "./telemetry/heap_watch.ts";
import {
  type ConnectionLimits,
  fitConnections,
} from "./net/descriptor_budget.ts";
import { greetingOf } from "./supervisor/greeting.ts";
import { jsonLogger, type Logger, logLine } from "./telemetry/log.ts";
import { LogWriter } from "./telemetry/log_writer.ts";
import { processUse } from "./telemetry/process_use.ts";
import type { UsageLog } from "./telemetry/usage_log.ts";
import { openUsageLog } from "./telemetry/usage_log_file.ts";
import { GroupLink } from "./group/group_link.ts";
import { workerWays } from "./group/thread_ways.ts";
import { type Reading, sourceOfWorker } from "./group/source_of_worker.ts";
import { RingAllocationError } from "./memory/page_ring.ts";
import { isEmbedded } from "./settings/is_embedded.ts";
import { TableSharePools } from "./shares/table_share_pools.ts";
import { LifeSigns } from "./supervisor/life_signs.ts";
import type { WorkerMessage } from "./supervisor/messages.ts";
import { ServerCertificate } from "./net/server_certificate.ts";
import {
  type StartMessage,
  SupervisorPort,
} from "./supervisor/supervisor_port.ts";
import { terminalText } from "./text/terminal.ts";
import { trendMatchFault, trendMatchOf } from "./trends/trend_match.ts";
import { WatchedNotes } from "./notes/watched_notes.ts";
import { within } from "./supervisor/within.ts";
import { openPorts, type WorkerPorts } from "./worker_ports.ts";

/** Time for the last log lines to be written at an exit; a reader may have stopped reading. */
const LOG_FLUSH_MAX_MS = 300;

/** How often the event loop shows the supervisor that it runs. */
const TICK_MS = 100;
/** How often the heap is compared with its limit. */
const HEAP_MS = 1000;

const port = new SupervisorPort(self);
port.onStart = (message) => void new WorkerApp(message).start();

/** One instance, from its start to the request to end the process. */
class WorkerApp {
  readonly #start: StartMessage;
  readonly #config: Config;
  readonly #signs: LifeSigns;
  readonly #lines: LogWriter;
  readonly #log: Logger;
  #usageLog: UsageLog | undefined;
  #notes: WatchedNotes | undefined;
  /** To the other threads, where several serve. */
  #group: GroupLink | undefined;

  constructor(start: StartMessage) {
    const { config, signs, worker } = start;
    this.#start = start;
    this.#config = config;
    this.#signs = new LifeSigns(signs);
    setInterval(() => this.#signs.countTick(), TICK_MS);
    const common = worker === undefined ? {} : { worker };
    this.#lines = new LogWriter({
      write: (bytes) => port.writeLog(bytes),
      lostLine: (count) =>
        logLine("warn", "log-lines-lost", { ...common, count }),
    });
    const write = (line: string) => this.#lines.line(line);
    this.#log = jsonLogger(write, config.logLevel, common);
    const heap = new HeapWatch(this.#log);
    setInterval(() => heap.tick(), HEAP_MS);
    const crash = (event: ErrorEvent | PromiseRejectionEvent) => {
      event.preventDefault();
      const error = "reason" in event ? event.reason : event.error;
      this.#log.error("crashed", { error: error?.stack ?? String(error) });
      void within(LOG_FLUSH_MAX_MS, this.#group?.end(true))
        .then(() => this.#exit(1));
    };
    addEventListener("error", crash);
    addEventListener("unhandledrejection", crash);
  }

  async start(): Promise<void> {
    const { backlog, ...limits } = this.#limits();
    const config = { ...this.#config, ...limits };
    const { reading } = this.#start;
    const group = this.#group = reading &&
      new GroupLink(workerWays(reading), this.#log);
    if (this.#start.isReadyWithAll) group?.awaitOthers();
    port.onAllServe = () => group?.allServe();
    const wrong = trendMatchFault(config.trendMatch);
    if (wrong !== null) return this.#fail(2, terminalText(wrong));
    let certificate: ServerCertificate | null;
    try {
      certificate = await certificateOf(config, this.#log);
    } catch (error) {
      return this.#fail(2, `Cannot set up TLS: ${(error as Error).message}`);
    }
    let made: Reading;
    try {
      made = await sourceOfWorker(config, this.#log, group);
    } catch (error) {
      return this.#fail(2, (error as Error).message);
    }
    const { catalog } = made.source;
    try {
      await this.#openNotes(config, catalog);
    } catch (error) {
      return this.#fail(2, terminalText((error as Error).message));
    }
    let access: AccessControl;
    try {
      const sessions = await group?.sessions();
      access = await accessOf(config, catalog, this.#log, sessions);
    } catch (error) {
      return this.#fail(
        2,
        `--auth ${config.auth}: ${terminalText((error as Error).message)}`,
      );
    }
    const usageLog = group
      ? group.usageLog(config.usageLog)
      : await this.#openUsageLog(config);
    if (usageLog === null) return;
    let qanat: Qanat;
    try {
      qanat = this.#instanceOf({ ...made, config, access, usageLog });
    } catch (error) {
      if (!(error instanceof RingAllocationError)) throw error;
      return this.#fail(
        2,
        `--retention-mb ${config.retentionMb} is more than this machine can allocate in one piece; choose less`,
      );
    }
    await group?.begin(qanat);
    await qanat.start();
    await this.#serve(qanat, config, { backlog, certificate });
  }

  /** Units and descriptions of channels. */
  async #openNotes(
    { channelNotes: path }: Config,
    { notes }: Catalog,
  ): Promise<void> {
    if (path === "") return;
    this.#notes = await WatchedNotes.open({ path, notes, log: this.#log });
  }

  /** The reading thread has counted the descriptors, where there is one. */
  #limits(): ConnectionLimits {
    const { shares } = this.#start;
    if (shares === undefined) return fitConnections(this.#config, this.#log);
    const { connectionsMax, clientsMax } = this.#config;
    return { connectionsMax, clientsMax, backlog: shares.backlog };
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
    let ports: WorkerPorts;
    try {
      ports = await openPorts(qanat, {
        config,
        backlog,
        certificate,
        isFirst: this.#start.isFirst ?? false,
        onConnection: () => this.#signs.countConnection(),
      });
    } catch (error) {
      return this.#fail(1, (error as Error).message);
    }
    port.onStop = () => this.#stop(qanat, ports);
    port.send({
      kind: "serving",
      port: ports.port,
      greeting: greetingOf(qanat, ports.port),
    });
  }

  #instanceOf(
    { config, access, usageLog, ...reading }: Reading & {
      readonly config: Config;
      readonly access: AccessControl;
      readonly usageLog: UsageSink | undefined;
    },
  ): Qanat {
    const { shares } = this.#start;
    const trendMatch = trendMatchOf(config.trendMatch, isEmbedded(config));
    return new Qanat({
      ...reading,
      config: { ...config, trendMatch },
      access,
      ...(usageLog === undefined ? {} : { usageLog }),
      ...(shares === undefined
        ? {}
        : { sharePools: new TableSharePools(shares.column) }),
      log: this.#log,
      gc: new GcTime(),
      logLines: this.#lines,
      memory: () => Deno.memoryUsage(),
      processUse: processUse(),
      missedProbes: () => this.#signs.missedByPart(),
      reportsEachMinute: this.#group === undefined,
    });
  }

  /** Undefined where there is none; null where its file cannot be opened, then the process ends. */
  async #openUsageLog(
    { usageLog: path }: Config,
  ): Promise<UsageLog | undefined | null> {
    if (path === "") return undefined;
    let usageLog: UsageLog;
    try {
      usageLog = await openUsageLog(path, this.#log);
    } catch (error) {
      await this.#fail(2, (error as Error).message);
      return null;
    }
    port.onReopen = () => usageLog.reopen();
    this.#usageLog = usageLog;
    return usageLog;
  }

  async #stop(qanat: Qanat, ports: WorkerPorts): Promise<void> {
    try {
      ports.closeAfterAnswers();
      qanat.feeds.drain();
      await qanat.hub.drainSpread();
      port.send({ kind: "closing" });
      await ports.close(this.#config.drainMs);
      await this.#group?.end(false);
      this.#notes?.close();
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
    return await this.#end({ kind: "exit", code });
  }

  /** Ends the process with a line for the user who has started it. */
  async #fail(code: number, complaint: string): Promise<void> {
    await this.#end({ kind: "exit", code, complaint: complaint + "\n" });
  }

  async #end(message: Extract<WorkerMessage, { kind: "exit" }>): Promise<void> {
    await within(LOG_FLUSH_MAX_MS, this.#lines.flush());
    port.send(message);
    // With others the process stays, and this thread's connections must not.
    if (this.#start.worker !== undefined) port.close();
  }
}

/** Null where the service listens without TLS. */
async function certificateOf(
  { tlsCert, tlsKey }: Config,
  log: Logger,
): Promise<ServerCertificate | null> {
  if (tlsCert === "") return null;
  return await ServerCertificate.open({ tlsCert, tlsKey, log });
}
