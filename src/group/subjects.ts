// What the threads of a process ask each other and report, and what each body contains.
// Invariant: all bodies are JSON; numbers that may be infinite are in figures only (see figuresText()).
import type {
  EndedSessionsList,
  ListedSession,
} from "../auth/ended_sessions.ts";
import type { ClientsQuery } from "../clients/client_search.ts";
import type { Figure } from "../telemetry/metrics/figures.ts";

/** Questions to the reading thread: at the start of a worker, and when others did not answer. */
export const START = "start";
export const LAST_FIGURES = "last-figures";
/** Questions to all threads. */
export const FIGURES = "figures";
export const STATUS = "status";
export const CLIENTS = "clients";
export const END_CLIENT = "end-client";
export const END_SESSION = "end-session";
/** Reports to the reading thread. */
export const USAGE = "usage";
export const LOAD = "load";

/** The answer to START. The secret makes the key of sessions where there is no file of keys. */
export interface StartAnswer {
  readonly sessionSecret: string;
  readonly endedSessions: EndedSessionsList;
}

/** The reading thread's answer to FIGURES; a worker's is a list of figures. */
export interface ReadingFigures {
  readonly figures: readonly Figure[];
  /** By worker: what its predecessors had counted when they ended. */
  readonly ended: Readonly<Record<string, readonly Figure[]>>;
}

/** Asks for the figures of these workers. The answer has them by worker. */
export type LastFiguresQuery = readonly number[];

/** A worker's report once a second. */
export interface Load {
  readonly clients: number;
  readonly slabBytes: number;
}

/** For END_CLIENT. The answer is a boolean. */
export interface EndClient {
  readonly id: string;
  readonly by: Readonly<Record<string, unknown>>;
}

export type { ClientsQuery, ListedSession };
