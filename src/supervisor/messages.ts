// What the supervisor (the main thread) and its worker say to each other.
// Invariant: everything in a message survives a structured clone; nothing is shared but what says so.
import type { Config } from "../config.ts";

/** From the supervisor to the worker. */
export type SupervisorMessage =
  | {
    readonly kind: "start";
    readonly config: Config;
    /** Memory of the LifeSigns, shared. */
    readonly signs: SharedArrayBuffer;
  }
  /** Drain and close; the worker answers with `exit`. */
  | { readonly kind: "stop"; readonly signal: string }
  /** How many bytes of the last `log` have been written, or that writing them failed. */
  | { readonly kind: "logged"; readonly bytes: number | null };

/** From the worker to the supervisor. */
export type WorkerMessage =
  /** Whole lines for the log. The next one follows only after `logged`. */
  | { readonly kind: "log"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Requests are answered from now on. */
  | {
    readonly kind: "serving";
    readonly port: number;
    /** For whoever has started the process at a terminal. */
    readonly greeting: string;
  }
  /** The process is to end; `complaint` is for standard error, where there is no log line for it. */
  | {
    readonly kind: "exit";
    readonly code: number;
    readonly complaint?: string;
  };
