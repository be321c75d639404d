// A client's phase: which part feeds it, or why none does. All transitions are in this file.
// Invariant: a client is in one phase, so exactly one part feeds it; a permit that a phase holds is returned, or
// carried to the next phase.
//
//   starting ──► behind ◄──► live        each of them ──► ended
//                 │  ▲
//                 ▼  │
//     waiting ◄──► history               behind ──► waiting, too
import type { EndReason } from "./end_reason.ts";
import type { Permit } from "./permit.ts";

/** The part of the history reading that feeds a client or lets it wait. */
export interface HistoryHandle {
  /** A write of the client has finished. */
  clientDrained(): void;
  clientEnded(): void;
}

/** Its first row is not known yet. */
export interface Starting {
  readonly kind: "starting";
  readonly permit: Permit | null;
}

/** Its rows must be read from the source. It waits for a permit or, after it lost its permit, until it reads again. */
export interface Waiting {
  readonly kind: "waiting";
  readonly until: "permit" | "drained";
  readonly handle: HistoryHandle;
}

/** A history feed reads its rows from the source. It owns the permit, which is returned when its reader is closed. */
export interface History {
  readonly kind: "history";
  readonly handle: HistoryHandle;
}

/** Catching up: its rows come from the page ring, one by one. */
export interface Behind {
  readonly kind: "behind";
  /** Still gets the rows that it asked for at its start: it loses none of them by being slow. */
  readonly isResuming: boolean;
  /** For rows that the ring may turn out not to have. */
  readonly permit: Permit | null;
}

/** It has every row that was handed out, and gets the next one with its group. */
export interface Live {
  readonly kind: "live";
  /** As in {@linkcode Behind}; until its first live row. */
  readonly isResuming: boolean;
}

export interface Ended {
  readonly kind: "ended";
  readonly reason: EndReason;
}

export type ClientPhase = Starting | Waiting | History | Behind | Live | Ended;
/** Phases in which the client's own group feeds it, live or from the page ring. */
export type FedByGroup = Behind | Live;

const NEXT: Record<ClientPhase["kind"], readonly ClientPhase["kind"][]> = {
  starting: ["behind", "ended"],
  waiting: ["history", "waiting", "ended"],
  history: ["behind", "waiting", "history", "ended"],
  behind: ["live", "behind", "waiting", "history", "ended"],
  live: ["behind", "live", "ended"],
  ended: [],
};

const BEHIND: Behind = { kind: "behind", isResuming: false, permit: null };
const RESUMING: Behind = { kind: "behind", isResuming: true, permit: null };
const LIVE: Live = { kind: "live", isResuming: false };
const LIVE_RESUMING: Live = { kind: "live", isResuming: true };

/** A new client. `permit`: of one whose rows the page ring may not have. */
export function starting(permit: Permit | null): Starting {
  return { kind: "starting", permit };
}

/** Its first row is known. Whether it is live is found out next. */
export function placed(from: Starting, isResuming: boolean): Behind {
  return from.permit === null
    ? isResuming ? RESUMING : BEHIND
    : { kind: "behind", isResuming, permit: from.permit };
}

/** The page ring has the rows from its cursor on: no permit is needed. */
export function withoutPermit({ isResuming }: Behind): Behind {
  return isResuming ? RESUMING : BEHIND;
}

/** It has every row that was handed out. */
export function caughtUp({ isResuming }: Behind): Live {
  return isResuming ? LIVE_RESUMING : LIVE;
}

/** Rows were handed out that it does not have. */
export function fellBehind({ isResuming }: Live): Behind {
  return isResuming ? RESUMING : BEHIND;
}

/** It has what it asked for at its start: from now on it can lose rows by being slow. */
export function resumed(from: Behind): Behind;
export function resumed(from: Live): Live;
export function resumed(from: FedByGroup): FedByGroup {
  if (from.kind === "live") return LIVE;
  return from.permit === null
    ? BEHIND
    : { kind: "behind", isResuming: false, permit: from.permit };
}

/** It waits for a permit or, after its permit went to another client, until one of its writes has finished. */
export function waiting(
  until: Waiting["until"],
  handle: HistoryHandle,
): Waiting {
  return { kind: "waiting", until, handle };
}

/** Its rows are read from the source. `handle` takes over the permit that the phase before held. */
export function readingHistory(handle: HistoryHandle): History {
  return { kind: "history", handle };
}

/** The page ring has its next row again. */
export function backToRing(_from: History): Behind {
  return RESUMING;
}

export function ended(reason: EndReason): Ended {
  return { kind: "ended", reason };
}

/** The permit that a phase holds. */
export function permitOf(phase: ClientPhase): Permit | null {
  return phase.kind === "starting" || phase.kind === "behind"
    ? phase.permit
    : null;
}

/** Throws where a phase cannot follow another one. */
export function checkTransition(from: ClientPhase, to: ClientPhase): void {
  if (!NEXT[from.kind].includes(to.kind)) {
    throw new Error(`A client cannot go from ${from.kind} to ${to.kind}`);
  }
}

/**
 * Releases what the phase `from` held, after the client is in `to`: its permit, unless `to` holds it. A phase that
 * reads history is notified of the client's end and releases its own resources.
 */
export function leavePhase(from: ClientPhase, to: ClientPhase): void {
  if (to.kind === "ended" && "handle" in from) return from.handle.clientEnded();
  const permit = permitOf(from);
  if (permit === null || to.kind === "history" || permitOf(to) === permit) {
    return;
  }
  permit[Symbol.dispose]();
}
