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

/** A worker's answer to FIGURES, and its report once a second. */
export interface LiveFigures {
  /** Counts the workers that have had this number, from 1 on. */
  readonly life: number;
  readonly figures: readonly Figure[];
}

/** What the predecessors of a worker had counted when they ended. */
export interface EndedFigures {
  /** How many they are. */
  readonly lives: number;
  readonly figures: readonly Figure[];
}

/** The reading thread's answer to FIGURES. */
export interface ReadingFigures {
  readonly figures: readonly Figure[];
  /** By worker. */
  readonly ended: Readonly<Record<string, EndedFigures>>;
}

/** The answer to LAST_FIGURES, which asks for some workers: by worker, of one moment. */
export type LastAnswer = Readonly<
  Record<string, {
    /** Null before its first report, and where it has ended. */
    readonly last: LiveFigures | null;
    readonly ended: EndedFigures;
  }>
>;

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
