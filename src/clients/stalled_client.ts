// A client of history that has lost its permit because it had stalled.
// Invariant: it waits for a permit again as soon as it reads again.
import type { HistoryHandle } from "./client_phase.ts";

/** The handle for its phase. */
export class StalledClient implements HistoryHandle {
  readonly clientDrained: () => void;

  constructor(begin: () => void) {
    this.clientDrained = begin;
  }

  clientEnded(): void {}
}
