// Moves streams that have been open for long to other instances, a few at a time, by ending them: their clients reconnect
// through the proxy. Invariant: only streams that a client can continue by its last id are ended; at most one client in
// a hundred (but at least one client) a second, each at another moment.
import type { Logger } from "../telemetry/log.ts";
import type { ClientLifecycle } from "./lifecycle.ts";
import type { CooperativeScheduler, Task } from "./scheduler.ts";
import type { GroupClient } from "./selection_group.ts";

/** Largest part of all clients that is moved in one second. */
const SHARE_A_SECOND = 0.01;
/** Clients that came together leave at moments within this part of the age, evenly spread. */
const SPREAD_OF_AGE = 0.25;
const SPREAD_MIN_MS = 10_000;
const SECOND_MS = 1000;
/** How often the log says how many streams were moved. */
const REPORT_MS = 60_000;

export interface StreamAgeParts {
  readonly scheduler: CooperativeScheduler;
  readonly lifecycle: ClientLifecycle;
  readonly log: Logger;
  /** Streams older than this are moved, s; 0: none is. */
  readonly streamAgeMaxS: number;
  /** From 0 to below 1. @default Math.random */
  readonly random?: (() => number) | undefined;
}

/** Looks at the oldest streams once a second. */
export class StreamAge implements Task {
  readonly #parts: StreamAgeParts;
  readonly #ageMs: number;
  readonly #spreadMs: number;
  readonly #random: () => number;
  /** The round that is under way, in the order in which the clients came. */
  #round: Iterator<GroupClient> | null = null;
  /** How many more streams this round may end. */
  #left = 0;
  #moved = 0;
  #reportedMs = -Infinity;

  constructor(parts: StreamAgeParts) {
    this.#parts = parts;
    this.#random = parts.random ?? Math.random;
    this.#ageMs = parts.streamAgeMaxS * SECOND_MS;
    this.#spreadMs = Math.max(SPREAD_MIN_MS, this.#ageMs * SPREAD_OF_AGE);
  }

  /** Starts a round; call it once a second. */
  tick(): void {
    const { lifecycle, scheduler } = this.#parts;
    if (this.#ageMs === 0 || this.#round !== null) return;
    this.#report();
    this.#left = Math.max(
      1,
      Math.floor(lifecycle.clientCount * SHARE_A_SECOND),
    );
    this.#round = lifecycle.clients();
    scheduler.runNow(this);
  }

  run(endMs: number): boolean {
    const { lifecycle, scheduler } = this.#parts;
    const clockMs = lifecycle.clockMs();
    while (this.#left > 0) {
      const next = this.#round?.next();
      if (!next || next.done) break;
      const client = next.value;
      const overMs = clockMs - client.openedMs - this.#ageMs;
      // All that follow are younger.
      if (overMs < 0) break;
      if (isMovable(client) && this.#isItsTurn(overMs)) {
        this.#left--;
        this.#moved++;
        lifecycle.end(client, "age");
      }
      if (scheduler.clockMs() >= endMs) return true;
    }
    this.#round = null;
    return false;
  }

  /** With this chance in each second, every moment of the spread is equally likely to be the one. */
  #isItsTurn(overMs: number): boolean {
    return this.#random() * (this.#spreadMs - overMs) < SECOND_MS;
  }

  #report(): void {
    const { lifecycle, log } = this.#parts;
    const clockMs = lifecycle.clockMs();
    if (this.#moved === 0 || clockMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = clockMs;
    log.info("streams-moved", {
      streams: this.#moved,
      reason: "older than --stream-age-max-s",
    });
    this.#moved = 0;
  }
}

/** Whether a client has an id to continue with, and reads nothing that ends by itself or that would be read twice. */
function isMovable(client: GroupClient): boolean {
  const { phase } = client;
  const isFed = phase.kind === "live" || phase.kind === "behind";
  return isFed && !phase.isResuming && client.rows > 0 &&
    client.endRow === Infinity && client.cursor >= client.fillTo;
}
