// The thread that reads, where several serve: source, log and catalog of one process.
// Invariant: it never ends the process and never writes to standard output or error; the supervisor does both for it.
import { SYSTEM_CLOCKS } from "./blocks/gps_clock.ts";
import { nowGpsNs } from "./blocks/gps_time.ts";
import type { Config } from "./config.ts";
import { ReadingGroup } from "./group/reading_group.ts";
import { readingWays } from "./group/thread_ways.ts";
import { Ingest } from "./ingest/ingest.ts";
import { TrendRecording } from "./ingest/trend_recording.ts";
import { fitConnections } from "./net/descriptor_budget.ts";
import { RingAllocationError } from "./memory/page_ring.ts";
import { SharedRingReader, SharedRingWriter } from "./memory/shared_ring.ts";
import { isEmbedded } from "./settings/is_embedded.ts";
import { EMBEDDED_BACKLOG_MAX_MS } from "./source/embedded_source.ts";
import type { Source } from "./source/source.ts";
import { sourceFault, sourceOf } from "./source/source_of.ts";
import { LifeSigns } from "./supervisor/life_signs.ts";
import type { IngestMessage, WorkerMessage } from "./supervisor/messages.ts";
import { within } from "./supervisor/within.ts";
import { GcTime } from "./telemetry/gc_time.ts";
import { HeapWatch } from "./telemetry/heap_watch.ts";
import { jsonLogger, type Logger, logLine } from "./telemetry/log.ts";
import { LogWriter } from "./telemetry/log_writer.ts";
import { processUse } from "./telemetry/process_use.ts";
import type { UsageLog } from "./telemetry/usage_log.ts";
import { openUsageLog } from "./telemetry/usage_log_file.ts";
import { terminalText } from "./text/terminal.ts";
import { trendMatchFault, trendMatchOf } from "./trends/trend_match.ts";

const MIB = 1024 * 1024;
const STATUS_MS = 1000;
/** Time for the last lines to be written at an exit. */
const FLUSH_MAX_MS = 300;
/** How often the event loop shows the supervisor that it runs. */
const TICK_MS = 100;
/** The leases of a worker that has ended last at least so long, so that its clients find their topics read. */
const LEASE_MIN_MS = 30_000;

const scope = self as unknown as {
  onmessage: (event: MessageEvent<IngestMessage>) => void;
  postMessage(message: WorkerMessage, transfer?: Transferable[]): void;
};

class IngestThread {
  #logged: PromiseWithResolvers<number> | null = null;
  readonly #lines = new LogWriter({
    write: (bytes) => this.#write(bytes),
    lostLine: (count) => logLine("warn", "log-lines-lost", { count }),
  });
  /** What to do when the worker with a number has ended. */
  readonly #onEnded = new Map<number, () => void>();
  #ingest: Ingest | null = null;
  #trends: TrendRecording | null = null;
  #group: ReadingGroup | null = null;
  #usageLog: UsageLog | undefined;
  #leaseMs = LEASE_MIN_MS;

  take(message: IngestMessage): void {
    switch (message.kind) {
      case "start":
        return void this.#start(message);
      case "serve":
        return this.#serve(message);
      case "ended":
        return this.#onEnded.get(message.worker)!();
      case "reopen":
        return this.#usageLog?.reopen();
      case "logged": {
        const logged = this.#logged;
        this.#logged = null;
        if (message.bytes === null) logged?.reject(new Error("not written"));
        else logged?.resolve(message.bytes);
        return;
      }
      case "stop":
        return void this.#stop();
    }
  }

  #serve(
    { worker, port }: Extract<IngestMessage, { kind: "serve" }>,
  ): void {
    const { source, questions } = readingWays(port);
    const served = this.#ingest!.serve(source);
    const leaveGroup = this.#group!.serve(worker, questions);
    this.#onEnded.set(worker, () => {
      served.ended();
      leaveGroup();
      port.close();
      setTimeout(() => served.endLeases(), this.#leaseMs);
    });
  }

  async #start(
    { config, signs }: Extract<IngestMessage, { kind: "start" }>,
  ): Promise<void> {
    const life = new LifeSigns(signs);
    setInterval(() => life.countTick(), TICK_MS);
    this.#leaseMs = Math.max(LEASE_MIN_MS, config.lingerMs);
    const log = jsonLogger((line) => this.#lines.line(line), config.logLevel);
    const wrong = trendMatchFault(config.trendMatch);
    if (wrong !== null) return this.#fail(terminalText(wrong));
    // Before any other thread opens files.
    const limits = fitConnections(config, log);
    let ring: SharedRingWriter;
    let source: Source;
    try {
      ring = new SharedRingWriter(config.retentionMb * MIB);
      source = await sourceOf(config, { log, nowGpsNs: () => nowGpsNs() });
    } catch (error) {
      return this.#fail(
        error instanceof RingAllocationError
          ? `--retention-mb ${config.retentionMb} is more than this machine can allocate in one piece; choose less`
          : sourceFault(config, error),
      );
    }
    const { usageLog: path } = config;
    try {
      if (path !== "") this.#usageLog = await openUsageLog(path, log);
    } catch (error) {
      return this.#fail((error as Error).message);
    }
    const ingest = this.#ingest = new Ingest({ source, ring });
    const trends = await this.#trendsOf(config, ingest, { source, log });
    const parts = { source, ring, log, life, trends };
    const group = this.#group = this.#groupOf(config, parts);
    const heap = new HeapWatch(log);
    setInterval(() => {
      ingest.tick();
      heap.tick();
    }, STATUS_MS);
    group.start();
    await ingest.start();
    trends.start();
    scope.postMessage({ kind: "serving", port: 0, greeting: "", limits });
  }

  async #trendsOf(
    config: Config,
    ingest: Ingest,
    { source, log }: { readonly source: Source; readonly log: Logger },
  ): Promise<TrendRecording> {
    const isOwn = isEmbedded(config);
    const trends = this.#trends = await TrendRecording.of({
      ...config,
      trendMatch: trendMatchOf(config.trendMatch, isOwn),
      ingest,
      catalog: source.catalog,
      log,
      clocks: SYSTEM_CLOCKS,
      backlogMs: isOwn ? EMBEDDED_BACKLOG_MAX_MS : undefined,
    });
    ingest.lendTrends(trends);
    return trends;
  }

  #groupOf(
    settings: Config,
    parts: {
      readonly source: Source;
      readonly ring: SharedRingWriter;
      readonly log: Logger;
      readonly life: LifeSigns;
      readonly trends: TrendRecording;
    },
  ): ReadingGroup {
    return new ReadingGroup({
      ...parts,
      ring: new SharedRingReader(parts.ring.memory()),
      settings,
      logLines: this.#lines,
      gc: new GcTime(),
      memory: () => Deno.memoryUsage(),
      processUse: processUse(),
      usageLog: this.#usageLog,
      missedProbes: () => parts.life.missedByPart(),
    });
  }

  /** Ends the process with a line for the user who has started it. */
  #fail(complaint: string): void {
    scope.postMessage({ kind: "exit", code: 2, complaint: complaint + "\n" });
  }

  async #stop(): Promise<void> {
    this.#group?.close();
    await this.#trends?.close();
    await this.#ingest?.close();
    await within(FLUSH_MAX_MS, this.#usageLog?.close());
    await within(FLUSH_MAX_MS, this.#lines.flush());
    scope.postMessage({ kind: "exit", code: 0 });
  }

  #write(bytes: Uint8Array): Promise<number> {
    const copy = bytes.slice();
    this.#logged = Promise.withResolvers();
    scope.postMessage({ kind: "log", bytes: copy }, [copy.buffer]);
    return this.#logged.promise;
  }
}

const thread = new IngestThread();
scope.onmessage = ({ data }) => thread.take(data);
