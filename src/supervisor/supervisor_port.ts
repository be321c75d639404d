// The worker's end of the line to its supervisor.
// Invariant: at most one piece of the log is under way; the next one waits for the answer.
import type { SupervisorMessage, WorkerMessage } from "./messages.ts";

type StartMessage = SupervisorMessage & { readonly kind: "start" };

/** What is needed of a worker's global scope. */
interface WorkerScope {
  postMessage(message: WorkerMessage, transfer?: Transferable[]): void;
  addEventListener(
    type: "message",
    listener: (event: MessageEvent<SupervisorMessage>) => void,
  ): void;
}

/** Messages to and from the supervisor. */
export class SupervisorPort {
  readonly #scope: WorkerScope;
  #logged: PromiseWithResolvers<number> | null = null;
  onStart: (message: StartMessage) => void = () => {};
  onStop: () => void = () => {};

  /** `scope`: a worker's `self`, whose types Deno keeps apart from those of a main thread. */
  constructor(scope: unknown) {
    this.#scope = scope as WorkerScope;
    this.#scope.addEventListener("message", ({ data }) => this.#take(data));
  }

  send(message: WorkerMessage): void {
    this.#scope.postMessage(message);
  }

  /** Has whole lines written to the log; resolves with their length. Call it again only after that. */
  writeLog(bytes: Uint8Array): Promise<number> {
    if (this.#logged) {
      throw new Error("Cannot write to the log as a write is under way");
    }
    const copy = bytes.slice();
    this.#logged = Promise.withResolvers();
    this.#scope.postMessage({ kind: "log", bytes: copy }, [copy.buffer]);
    return this.#logged.promise;
  }

  #take(message: SupervisorMessage): void {
    switch (message.kind) {
      case "start":
        return this.onStart(message);
      case "stop":
        return this.onStop();
      case "logged": {
        const logged = this.#logged;
        this.#logged = null;
        if (message.bytes !== null) logged?.resolve(message.bytes);
        else logged?.reject(new Error("The log could not be written"));
      }
    }
  }
}
