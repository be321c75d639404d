// The messages between the supervisor (the main thread) and its worker.
// Invariant: everything in a message survives a structured clone; nothing is shared unless its comment says so.
import type { Config } from "../config.ts";
import type { ShareColumn } from "../shares/share_memory.ts";

/** What a worker shares with the others. */
export interface SharedLimits {
  readonly column: ShareColumn;
  /** Connections of a port that may wait in the kernel for this worker. */
  readonly backlog: number;
}

/** Limits that fit into the file descriptors of a process. */
export interface FittingLimits {
  readonly connectionsMax: number;
  readonly clientsMax: number;
  /** Of each worker. */
  readonly backlog: number;
}

/** From the supervisor to the worker. */
export type SupervisorMessage =
  | {
    readonly kind: "start";
    readonly config: Config;
    /** The memory of LifeSigns, shared by both threads. */
    readonly signs: SharedArrayBuffer;
    /** To the thread that reads; transferred. Absent where the worker reads by itself. */
    readonly reading?: MessagePort;
    /** Its number, from 0 on, where there are several; it is in all lines of its log. */
    readonly worker?: number;
    /** What it counts together with the others, and the limits that fit; absent where it serves alone. Shared. */
    readonly shares?: SharedLimits;
    /** It is the first of several to listen: no other process may listen on its ports. @default false */
    readonly isFirst?: boolean;
    /** Where several start together: they are ready when all of them serve, see `all-serve`. @default false */
    readonly isReadyWithAll?: boolean;
  }
  /** All workers that have started together serve now. */
  | { readonly kind: "all-serve" }
  /** Drain and close. The worker answers with `exit`. */
  | { readonly kind: "stop"; readonly signal: string }
  /** The usage log was moved away: write to a new file. */
  | { readonly kind: "reopen" }
  /** How many bytes of the last `log` message have been written; null when writing failed. */
  | { readonly kind: "logged"; readonly bytes: number | null };

/** From the supervisor to the thread that reads, besides these. */
export type IngestMessage =
  | SupervisorMessage
  /** A worker with this number joins by this port; transferred. */
  | {
    readonly kind: "serve";
    readonly worker: number;
    readonly port: MessagePort;
  }
  /** The last worker with this number has ended. */
  | { readonly kind: "ended"; readonly worker: number };

/** From the worker to the supervisor. */
export type WorkerMessage =
  /** Whole log lines. The worker sends the next ones only after `logged`. */
  | { readonly kind: "log"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The worker answers requests from now on. */
  | {
    readonly kind: "serving";
    readonly port: number;
    /** Text for the user who has started the process in a terminal. */
    readonly greeting: string;
    /** From the thread that reads, which answers nothing: what fits into the file descriptors of this process. */
    readonly limits?: FittingLimits;
  }
  /** A shutdown has ended its clients: the listener closes now, on purpose. */
  | { readonly kind: "closing" }
  /** The process must end, or this thread has, where there are several. `complaint` goes to standard error when no log line gives the reason. */
  | {
    readonly kind: "exit";
    readonly code: number;
    readonly complaint?: string;
  };
