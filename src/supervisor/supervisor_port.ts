// The worker's side of the messages to and from its supervisor.
// Invariant: at most one write to the log is unanswered; the next one waits for the answer.
import type { SupervisorMessage, WorkerMessage } from "./messages.ts";

export type StartMessage = SupervisorMessage & { readonly kind: "start" };

/** The members of a worker's global scope that are used. */
interface WorkerScope {
  close(): void;
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
  onAllServe: () => void = () => {};
  onReopen: () => void = () => {};

  /** `scope`: a worker's `self`; unknown, since Deno type-checks this file for a main thread. */
  constructor(scope: unknown) {
    this.#scope = scope as WorkerScope;
    this.#scope.addEventListener("message", ({ data }) => this.#take(data));
  }

  send(message: WorkerMessage): void {
    this.#scope.postMessage(message);
  }

  /** Ends this thread, and not in the middle of anything. Everything that was sent arrives. */
  close(): void {
    this.#scope.close();
  }

  /** Sends whole lines to the log; resolves with their length once they are written. One call at a time. */
  writeLog(bytes: Uint8Array): Promise<number> {
    if (this.#logged) {
      throw new Error(
        "Cannot write to the log while another write is unanswered",
      );
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
      case "all-serve":
        return this.onAllServe();
      case "reopen":
        return this.onReopen();
      case "logged": {
        const logged = this.#logged;
        this.#logged = null;
        if (message.bytes !== null) logged?.resolve(message.bytes);
        else logged?.reject(new Error("The log could not be written"));
      }
    }
  }
}
