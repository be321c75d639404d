// The main thread of a process: starts the worker that runs the whole app, forwards signals to it, writes the log of both
// threads, and ends the process. Invariant: nothing here waits for the worker without a limit, since the worker may hang;
// exit() is called once. Why two threads: docs/decisions/0026.
import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import type { SupervisorMessage, WorkerMessage } from "./messages.ts";
import type { Verdict } from "./watchdog.ts";

/** A shutdown that takes longer than `--drain-spread-s` and this is cut off: the process ends within the documented 5 s. */
const STOP_MAX_MS = 4500;
/** Ctrl-C at `deno task start` arrives twice: from the terminal, and from the task runner, which forwards it. */
const SAME_SIGNAL_MS = 500;

/** Exit codes other than 0; docs/operating.md lists them. */
export const EXIT_FAILED = 1;
/** The watchdog has ended the process: an internal software error in sysexits.h. */
export const EXIT_GONE = 70;

/** The members of a Worker that a supervisor uses. */
export interface WorkerThread {
  postMessage(message: SupervisorMessage, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

export interface SupervisorOptions {
  readonly config: Config;
  readonly worker: WorkerThread;
  /** Memory of LifeSigns, which this thread and the worker share. */
  readonly signs: SharedArrayBuffer;
  /** Starts to watch the worker, which serves on this port. */
  readonly watch: (port: number) => { close(): void };
  readonly log: Logger;
  /** Writes whole log lines; resolves with their length. */
  readonly writeLog: (bytes: Uint8Array) => Promise<number>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** Ends the process once the log is written. Called once. */
  readonly exit: (code: number) => void;
  /** Monotonic. @default performance.now */
  readonly nowMs?: () => number;
  /** @default setTimeout */
  readonly later?: (call: () => void, delayMs: number) => void;
}

/** One process: from the start of its worker to exit(). */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #nowMs: () => number;
  readonly #later: (call: () => void, delayMs: number) => void;
  #state: "starting" | "serving" | "stopping" | "ended" = "starting";
  #stopMs = 0;
  #watch: { close(): void } | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#later = options.later ??
      ((call, delayMs) => void setTimeout(call, delayMs));
    const { worker, config, signs } = options;
    worker.onmessage = ({ data }) => this.#onMessage(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.crashed(event.error?.stack ?? event.message);
    };
    worker.postMessage({ kind: "start", config, signs });
  }

  /** An uncaught error, in this thread or in the worker. */
  crashed(error: string): void {
    this.#options.log.error("crashed", { error });
    this.#end(EXIT_FAILED);
  }

  /** A part of a thread has missed all probes of the watchdog. */
  gone({ thread, part, missedProbes, lastSeenMs, error }: Verdict): void {
    const lastSeen = new Date(Date.now() - (this.#nowMs() - lastSeenMs));
    this.#options.log.error("watchdog-ends-process", {
      gone: part,
      ...(thread === "" ? {} : { thread }),
      missedProbes,
      lastSeen: lastSeen.toISOString(),
      ...(error === "" ? {} : { error }),
      exitCode: EXIT_GONE,
    });
    this.#end(EXIT_GONE);
  }

  /** SIGHUP: the usage log was moved away. */
  reopen(): void {
    const { log, worker } = this.#options;
    if (this.#state === "ended") return;
    log.info("usage-log-reopened");
    worker.postMessage({ kind: "reopen" });
  }

  /** SIGTERM or SIGINT: the first one drains, another one ends the process at once. */
  signal(name: string): void {
    const { log, worker } = this.#options;
    const nowMs = this.#nowMs();
    switch (this.#state) {
      case "ended":
        return;
      case "stopping":
        if (nowMs - this.#stopMs < SAME_SIGNAL_MS) return;
        log.warn("stop-cut-off", { signal: name });
        return this.#end(EXIT_FAILED);
      case "starting":
        // No client has been served yet, and the worker's start may take long.
        log.info("stopped", { signal: name });
        return this.#end(0);
      case "serving":
        this.#state = "stopping";
        this.#stopMs = nowMs;
        log.info("stopping", { signal: name });
        worker.postMessage({ kind: "stop", signal: name });
        this.#limitStop();
    }
  }

  /** The launcher has ended without passing its signal on. A stop that is under way continues. */
  parentGone(): void {
    this.#options.log.warn("parent-gone");
    if (this.#state !== "stopping") this.signal("SIGTERM");
  }

  #limitStop(): void {
    const { config, log } = this.#options;
    const afterMs = config.drainSpreadS * 1000 + STOP_MAX_MS;
    this.#later(() => {
      if (this.#state === "ended") return;
      log.error("stop-overdue", { afterMs });
      this.#end(EXIT_FAILED);
    }, afterMs);
  }

  #onMessage(message: WorkerMessage): void {
    const { worker, writeLog, print, complain } = this.#options;
    switch (message.kind) {
      case "log":
        writeLog(message.bytes).then(
          (bytes) => worker.postMessage({ kind: "logged", bytes }),
          () => worker.postMessage({ kind: "logged", bytes: null }),
        );
        return;
      case "serving":
        if (this.#state !== "starting") return;
        this.#state = "serving";
        this.#watch = this.#options.watch(message.port);
        return print(message.greeting);
      case "closing":
        return this.#watch?.close();
      case "exit":
        if (message.complaint !== undefined) complain(message.complaint);
        return this.#end(message.code);
    }
  }

  #end(code: number): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#watch?.close();
    this.#options.exit(code);
  }
}
