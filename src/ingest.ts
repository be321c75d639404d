// The thread that reads, where several serve: source, log and catalog of one process.
// Invariant: it never ends the process and never writes to standard output or error; the supervisor does both for it.
import { nowGpsNs } from "./blocks/gps_time.ts";
import { Ingest, type ServedThread } from "./ingest/ingest.ts";
import type { ReadingMessage, ServingMessage } from "./ingest/messages.ts";
import { threadPort } from "./ingest/thread_port.ts";
import { RingAllocationError } from "./memory/page_ring.ts";
import { SharedRingWriter } from "./memory/shared_ring.ts";
import type { Source } from "./source/source.ts";
import { sourceOf } from "./source/source_of.ts";
import { LifeSigns } from "./supervisor/life_signs.ts";
import type { IngestMessage, WorkerMessage } from "./supervisor/messages.ts";
import { HeapWatch } from "./telemetry/heap_watch.ts";
import { jsonLogger, logLine } from "./telemetry/log.ts";
import { LogWriter } from "./telemetry/log_writer.ts";

const MIB = 1024 * 1024;
const STATUS_MS = 1000;
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
        return;
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
    const way = threadPort<ReadingMessage, ServingMessage>(port);
    const served: ServedThread = this.#ingest!.serve(way);
    this.#onEnded.set(worker, () => {
      served.ended();
      way.close();
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
    let ring: SharedRingWriter;
    let source: Source;
    try {
      ring = new SharedRingWriter(config.retentionMb * MIB);
      source = await sourceOf(config, { log, nowGpsNs: () => nowGpsNs() });
    } catch (error) {
      const complaint = error instanceof RingAllocationError
        ? `--retention-mb ${config.retentionMb} is more than this machine can allocate in one piece; choose less`
        : `Cannot set up Kafka: ${(error as Error).message}`;
      return scope.postMessage({
        kind: "exit",
        code: 2,
        complaint: complaint + "\n",
      });
    }
    const ingest = this.#ingest = new Ingest({ source, ring });
    const heap = new HeapWatch(log);
    setInterval(() => {
      ingest.tick();
      heap.tick();
    }, STATUS_MS);
    await ingest.start();
    scope.postMessage({ kind: "serving", port: 0, greeting: "" });
  }

  async #stop(): Promise<void> {
    await this.#ingest?.close();
    await this.#lines.flush();
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
