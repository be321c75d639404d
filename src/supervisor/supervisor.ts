// The main thread of a process: it starts the worker that holds the whole app, hands it signals, writes the log of
// both, and ends the process. Invariant: nothing here waits for the worker without a limit, since the worker may hang;
// exit() is called once. Why two threads: docs/decisions/0026.
import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import type { SupervisorMessage, WorkerMessage } from "./messages.ts";
import type { Verdict } from "./watchdog.ts";

/** A stop that takes longer is cut off: the whole must fit the promise of five seconds. */
const STOP_MAX_MS = 4500;
/** Ctrl-C at `deno task start` arrives twice: from the terminal, and passed on by the task runner. */
const SAME_SIGNAL_MS = 500;

/** Exit codes, beside 0; docs/operating.md lists them. */
export const EXIT_FAILED = 1;
/** The watchdog has ended the process: an internal software error, by sysexits.h. */
export const EXIT_GONE = 70;

/** What a supervisor needs of a Worker. */
export interface WorkerThread {
  postMessage(message: SupervisorMessage): void;
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

export interface SupervisorOptions {
  readonly config: Config;
  readonly worker: WorkerThread;
  /** Memory that this thread and the worker share. */
  readonly signs: SharedArrayBuffer;
  /** Begins to watch the worker, which serves on this port. */
  readonly watch: (port: number) => { close(): void };
  readonly log: Logger;
  /** Writes whole lines of the log; resolves with their length. */
  readonly writeLog: (bytes: Uint8Array) => Promise<number>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
  /** Ends the process once the log is out. Called once. */
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

  /** An error that nobody has caught, in this thread or the other. */
  crashed(error: string): void {
    this.#options.log.error("crashed", { error });
    this.#end(EXIT_FAILED);
  }

  /** The watchdog no longer sees a part of the worker. */
  gone({ part, missedProbes, lastSeenMs, error }: Verdict): void {
    const lastSeen = new Date(Date.now() - (this.#nowMs() - lastSeenMs));
    this.#options.log.error("watchdog-ends-process", {
      gone: part,
      missedProbes,
      lastSeen: lastSeen.toISOString(),
      ...(error === "" ? {} : { error }),
      exitCode: EXIT_GONE,
    });
    this.#end(EXIT_GONE);
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
        // No client has been served yet, and what the worker is busy with may take long.
        log.info("stopped", { signal: name });
        return this.#end(0);
      case "serving":
        this.#state = "stopping";
        this.#stopMs = nowMs;
        // A listener that is closed on purpose is not gone, and a hung loop meets the limit below.
        this.#watch?.close();
        log.info("stopping", { signal: name });
        worker.postMessage({ kind: "stop", signal: name });
        this.#later(() => {
          if (this.#state === "ended") return;
          log.error("stop-overdue", { afterMs: STOP_MAX_MS });
          this.#end(EXIT_FAILED);
        }, STOP_MAX_MS);
    }
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
