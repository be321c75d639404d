// Several threads that serve clients, and one that reads for them, as one worker of the supervisor.
// Invariant: once all have served, a thread that fails is replaced. The group ends when it was stopped, when the reading
// thread fails, or when a thread fails several times before it serves and no other one serves.
import type { Config } from "../config.ts";
import type { Logger } from "../telemetry/log.ts";
import { LifeSigns } from "./life_signs.ts";
import type {
  IngestMessage,
  SupervisorMessage,
  WorkerMessage,
} from "./messages.ts";
import type { SignedThread } from "./run_watchdog.ts";
import { EXIT_FAILED, type WorkerThread } from "./supervisor.ts";
import { servingConfig } from "./thread_configs.ts";
import { WorkerShares } from "./worker_shares.ts";

/** A thread that fails so often before it serves ends the group, unless another one serves. */
const STARTS_MAX = 3;
/** The first successor of a thread starts at once; later ones wait, twice as long each time. */
const WAIT_MS = 500;
const WAIT_MAX_MS = 5000;
/** A thread that has served for so long has no failures behind it. */
const CALM_MS = 60_000;

type Exit = Extract<WorkerMessage, { kind: "exit" }>;
type Serves = Extract<WorkerMessage, { kind: "serving" }>;

/** The members of the reading thread's Worker that are used. */
export interface IngestThread {
  postMessage(message: IngestMessage, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

export interface WorkerGroupOptions {
  readonly count: number;
  /** Starts the thread with this number, from 0 on. */
  readonly startWorker: (number: number) => WorkerThread;
  readonly startIngest: () => IngestThread;
  readonly log: Logger;
  /** Monotonic. @default performance.now */
  readonly nowMs?: () => number;
  /** @default setTimeout */
  readonly later?: (call: () => void, delayMs: number) => void;
}

/** A thread whose lines are written for it. */
interface LoggingThread {
  postMessage(message: Extract<SupervisorMessage, { kind: "logged" }>): void;
}

/** A thread that serves, from its start to its end. */
class ServingThread implements SignedThread {
  readonly name: string;
  readonly signs = new LifeSigns();
  state: "starting" | "serving" | "closing" | "ended" = "starting";

  constructor(readonly number: number, readonly worker: WorkerThread) {
    this.name = `worker ${number}`;
  }

  get isListening(): boolean {
    return this.state === "serving";
  }

  get isStarting(): boolean {
    return this.state === "starting";
  }
}

/** What is known of all threads that have had a number. */
class Place {
  /** Null while the next one waits for its start. */
  thread: ServingThread | null = null;
  /** Failures in a row before one served. */
  failedStarts = 0;
  /** Failures in a row without a calm time between. */
  failures = 0;
  failedMs = -Infinity;
}

/** As one worker. */
export class WorkerGroup implements WorkerThread {
  onmessage: ((event: MessageEvent<WorkerMessage>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly #options: WorkerGroupOptions;
  readonly #ingest: IngestThread;
  readonly #reading: SignedThread = {
    name: "reading",
    signs: new LifeSigns(),
    isListening: false,
    isStarting: false,
  };
  readonly #places: readonly Place[];
  /** Threads whose lines are being written, in the order in which the answers come. */
  readonly #logging: LoggingThread[] = [];
  #config: Config | null = null;
  /** Null until the thread that reads has counted what fits. */
  #shares: WorkerShares | null = null;
  #greeting: Extract<WorkerMessage, { kind: "serving" }> | null = null;
  #state: "starting" | "serving" | "stopping" | "ended" = "starting";
  #exitCode = 0;
  #hasStoppedIngest = false;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, () => new Place());
    const ingest = this.#ingest = options.startIngest();
    ingest.onmessage = ({ data }) => this.#onIngest(data);
    ingest.onerror = (event) => this.onerror?.(event);
  }

  /** All that run, for the watchdog. */
  get threads(): readonly SignedThread[] {
    const serving = this.#places.flatMap(({ thread }) => thread ?? []);
    return [
      this.#reading,
      ...serving.filter(({ state }) => state !== "closing"),
    ];
  }

  postMessage(message: SupervisorMessage): void {
    switch (message.kind) {
      case "start": {
        this.#config = message.config;
        const { buffer } = this.#reading.signs;
        return this.#ingest.postMessage({ ...message, signs: buffer });
      }
      case "logged":
        return this.#logging.shift()?.postMessage(message);
      case "reopen":
        // It writes the usage log of all.
        return this.#ingest.postMessage(message);
      case "stop":
        return this.#stop(message);
    }
  }

  #onIngest(message: WorkerMessage): void {
    switch (message.kind) {
      case "log":
        return this.#log(this.#ingest, message);
      case "serving":
        this.#config = { ...this.#config!, ...message.limits };
        this.#shares = new WorkerShares(this.#places.length, message.limits!);
        return this.#start(0);
      case "closing":
        return;
      case "exit":
        if (this.#state !== "stopping") return this.#exit(message);
        return this.#exit({ kind: "exit", code: this.#exitCode });
    }
  }

  #start(number: number): void {
    const config = servingConfig(this.#config!);
    const worker = this.#options.startWorker(number);
    const thread = new ServingThread(number, worker);
    this.#places[number]!.thread = thread;
    worker.onmessage = ({ data }) => this.#onServing(thread, data);
    worker.onerror = (event) => {
      event.preventDefault();
      const error = event.error?.stack ?? event.message;
      this.#failed(thread, { kind: "exit", code: EXIT_FAILED }, error);
    };
    const { port1, port2 } = new MessageChannel();
    this.#ingest.postMessage(
      { kind: "serve", worker: number, port: port1 },
      [port1],
    );
    worker.postMessage({
      kind: "start",
      // The first one finds a free port, where any will do.
      config: { ...config, port: this.#greeting?.port ?? config.port },
      signs: thread.signs.buffer,
      reading: port2,
      worker: number,
      shares: this.#shares!.begin(number),
      isFirst: this.#greeting === null,
      isReadyWithAll: this.#state === "starting",
    }, [port2]);
  }

  #onServing(thread: ServingThread, message: WorkerMessage): void {
    if (thread.state === "ended") return;
    switch (message.kind) {
      case "log":
        return this.#log(thread.worker, message);
      case "serving":
        return this.#serves(thread, message);
      case "closing":
        thread.state = "closing";
        if (this.threads.length === 1) this.#send(message);
        return;
      case "exit":
        if (this.#state === "stopping" && message.code === 0) {
          return this.#ended(thread);
        }
        return this.#failed(thread, message, `exit code ${message.code}`);
    }
  }

  #serves(thread: ServingThread, message: Serves): void {
    thread.state = "serving";
    this.#places[thread.number]!.failedStarts = 0;
    if (this.#state !== "starting") return;
    if (this.#greeting === null) {
      this.#greeting = message;
      for (let i = 1; i < this.#places.length; i++) this.#start(i);
    } else if (this.#places.every(({ thread }) => thread!.isListening)) {
      this.#state = "serving";
      for (const { thread } of this.#places) {
        thread!.worker.postMessage({ kind: "all-serve" });
      }
      this.#send(this.#greeting);
    }
  }

  /** Its streams are broken. Its clients come back by their ids, to any thread. */
  #failed(thread: ServingThread, exit: Exit, error: string): void {
    if (thread.state === "ended" || this.#state === "ended") return;
    const { number } = thread;
    const place = this.#places[number]!;
    const { log } = this.#options;
    if (thread.isStarting) place.failedStarts++;
    if (this.#state === "stopping") {
      log.error("worker-failed", { worker: number, error });
      this.#exitCode = Math.max(this.#exitCode, exit.code);
      return this.#ended(thread);
    }
    const isLast = place.failedStarts >= STARTS_MAX &&
      !this.#places.some((other) => other.thread?.isListening);
    if (this.#state === "starting" || isLast) {
      // The complaint is printed.
      const isSaid = this.#state === "starting" && exit.complaint !== undefined;
      if (!isSaid) log.error("worker-failed", { worker: number, error });
      return this.#exit(exit);
    }
    this.#ended(thread);
    const waitMs = this.#waitMs(place);
    log.error("worker-replaced", { worker: number, error, waitMs });
    (this.#options.later ?? setTimeout)(() => {
      if (this.#state === "serving") this.#start(number);
    }, waitMs);
  }

  /** How long its successor waits. */
  #waitMs(place: Place): number {
    const nowMs = (this.#options.nowMs ?? (() => performance.now()))();
    const isCalm = nowMs - place.failedMs > CALM_MS;
    place.failures = isCalm ? 0 : place.failures + 1;
    place.failedMs = nowMs;
    if (place.failures === 0) return 0;
    return Math.min(WAIT_MAX_MS, WAIT_MS * 2 ** (place.failures - 1));
  }

  #stop(message: Extract<SupervisorMessage, { kind: "stop" }>): void {
    this.#state = "stopping";
    for (const { thread } of this.#places) {
      // One that has not served yet has no clients, and no end to wait for.
      if (thread?.state === "starting") this.#ended(thread);
      else thread?.worker.postMessage(message);
    }
    this.#endWhenAllHave();
  }

  /**
   * It has ended, and all of its connections with it. Nothing is ended from outside: a thread could hold a lock of memory
   * that others share.
   */
  #ended(thread: ServingThread): void {
    thread.state = "ended";
    this.#places[thread.number]!.thread = null;
    this.#shares!.end(thread.number);
    this.#ingest.postMessage({ kind: "ended", worker: thread.number });
    this.#endWhenAllHave();
  }

  #endWhenAllHave(): void {
    if (this.#state !== "stopping" || this.#hasStoppedIngest) return;
    if (this.#places.some(({ thread }) => thread !== null)) return;
    this.#hasStoppedIngest = true;
    this.#ingest.postMessage({ kind: "stop", signal: "" });
  }

  #exit(message: Exit): void {
    this.#state = "ended";
    this.#send(message);
  }

  #log(thread: LoggingThread, message: WorkerMessage): void {
    this.#logging.push(thread);
    this.#send(message);
  }

  #send(data: WorkerMessage): void {
    this.onmessage?.({ data } as MessageEvent<WorkerMessage>);
  }
}
