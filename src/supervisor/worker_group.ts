// Several threads that serve clients, and one that reads for them, as one worker of the supervisor.
// Invariant: a thread that serves and fails is replaced; the supervisor hears of the end only when all have ended, or when
// the thread that reads has failed.
import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import { LifeSigns } from "./life_signs.ts";
import type {
  IngestMessage,
  SupervisorMessage,
  WorkerMessage,
} from "./messages.ts";
import type { WorkerThread } from "./supervisor.ts";

/** The members of the reading thread's Worker that are used. */
export interface IngestThread {
  postMessage(message: IngestMessage, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

export interface WorkerGroupOptions {
  readonly count: number;
  readonly startWorker: () => WorkerThread;
  readonly startIngest: () => IngestThread;
  readonly log: Logger;
}

/** A thread whose lines are written for it. */
interface LoggingThread {
  postMessage(message: Extract<SupervisorMessage, { kind: "logged" }>): void;
}

/** A thread that serves. */
interface Serving {
  readonly number: number;
  thread: WorkerThread;
  isServing: boolean;
  hasEnded: boolean;
}

/** As one worker. */
export class WorkerGroup implements WorkerThread {
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #options: WorkerGroupOptions;
  readonly #ingest: IngestThread;
  readonly #serving: Serving[] = [];
  /** Threads whose lines are being written, in the order in which the answers come. */
  readonly #logging: LoggingThread[] = [];
  #config: Config | null = null;
  #signs: SharedArrayBuffer | null = null;
  #greeting: (WorkerMessage & { kind: "serving" }) | null = null;
  #isStopping = false;
  #exitCode = 0;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    const ingest = this.#ingest = options.startIngest();
    ingest.onmessage = ({ data }) => this.#onIngest(data);
    ingest.onerror = (event) => this.onerror?.(event);
  }

  postMessage(message: SupervisorMessage): void {
    switch (message.kind) {
      case "start":
        this.#config = message.config;
        this.#signs = message.signs;
        return this.#ingest.postMessage({
          ...message,
          signs: new LifeSigns().buffer,
        });
      case "logged":
        return this.#logging.shift()?.postMessage(message);
      case "stop":
        this.#isStopping = true;
        return this.#toAll(message);
      case "reopen":
        return this.#toAll(message);
    }
  }

  #toAll(message: SupervisorMessage): void {
    for (const { thread, hasEnded } of this.#serving) {
      if (!hasEnded) thread.postMessage(message);
    }
  }

  #onIngest(message: WorkerMessage): void {
    if (message.kind === "log") return this.#log(this.#ingest, message);
    // It reads now.
    if (message.kind === "serving") {
      const { count } = this.#options;
      for (let number = 0; number < count; number++) this.#start(number);
      return;
    }
    if (message.kind === "exit" && this.#isStopping) {
      return this.#send({ kind: "exit", code: this.#exitCode });
    }
    this.#send(message);
  }

  #start(number: number): void {
    const thread = this.#options.startWorker();
    const serving: Serving = {
      number,
      thread,
      isServing: false,
      hasEnded: false,
    };
    this.#serving[number] = serving;
    thread.onmessage = ({ data }) => this.#onServing(serving, data);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#failed(serving, event.error?.stack ?? event.message);
    };
    const { port1, port2 } = new MessageChannel();
    this.#ingest.postMessage({ kind: "serve", worker: number, port: port1 }, [
      port1,
    ]);
    thread.postMessage({
      kind: "start",
      config: this.#config!,
      // The watchdog looks at the signs of the first one.
      signs: number === 0 ? this.#signs! : new LifeSigns().buffer,
      reading: port2,
    }, [port2]);
  }

  #onServing(serving: Serving, message: WorkerMessage): void {
    switch (message.kind) {
      case "log":
        return this.#log(serving.thread, message);
      case "serving":
        serving.isServing = true;
        this.#greeting ??= message;
        if (this.#serving.every(({ isServing }) => isServing)) {
          this.#send(this.#greeting);
        }
        return;
      case "closing":
        return this.#send(message);
      case "exit":
        if (!this.#isStopping) {
          if (!serving.isServing) return this.#send(message);
          return this.#failed(serving, `exit ${message.code}`);
        }
        serving.hasEnded = true;
        this.#exitCode = Math.max(this.#exitCode, message.code);
        if (this.#serving.every(({ hasEnded }) => hasEnded)) {
          this.#ingest.postMessage({ kind: "stop", signal: "" });
        }
    }
  }

  /** Its clients come back by their ids, to any thread. */
  #failed(serving: Serving, error: string): void {
    if (serving.hasEnded || this.#serving[serving.number] !== serving) return;
    serving.hasEnded = true;
    this.#options.log.error("worker-replaced", {
      worker: serving.number,
      error,
    });
    if (!this.#isStopping) this.#start(serving.number);
  }

  #log(
    thread: LoggingThread,
    message: WorkerMessage,
  ): void {
    this.#logging.push(thread);
    this.#send(message);
  }

  #send(data: WorkerMessage): void {
    this.onmessage?.({ data } as MessageEvent<WorkerMessage>);
  }
}
