// Whether an instance is ready for requests: /readyz, `ready` in /v1/status, qanat_ready.
// Invariant: a publisher that sends nothing does not make an instance unready.
import type { SourceStatus } from "../../source/source.ts";
import { upstreamFault } from "./upstream_status.ts";

export interface ReadinessOptions {
  readonly source: { status(): SourceStatus };
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  readonly loopDelayMs: () => number;
  /** Whether a shutdown has begun. */
  readonly isDraining: () => boolean;
  /** How long the source may be unreachable. */
  readonly readyGraceMs: number;
  readonly eventLoopDelayMaxMs: number;
}

/** The source does not know its channels. */
function unloadedText({ upstreams, reachable }: SourceStatus): string {
  const text = "metadata not loaded yet";
  return upstreams === undefined || reachable
    ? text
    : `${text}: ${upstreamFault(upstreams)}`;
}

function awayText({ kind, unreachable, upstreams }: SourceStatus): string {
  if (upstreams !== undefined) return upstreamFault(upstreams);
  const at = unreachable.join(", ");
  return at === ""
    ? `the ${kind} source is unreachable`
    : `the ${kind} source is unreachable at ${at}, the address that the cluster names for its broker`;
}

/** Gives the reasons why an instance is not ready. */
export class Readiness {
  readonly #options: ReadinessOptions;
  /** The source has been started. */
  isStarted = false;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Why requests should go to another instance; empty when this one is ready. */
  reasons(): string[] {
    const { source, loopDelayMs, eventLoopDelayMaxMs, isDraining } =
      this.#options;
    const status = source.status();
    const reasons: string[] = [];
    if (isDraining()) reasons.push("shutting down");
    if (!this.isStarted) reasons.push("still starting");
    if (!status.ready) reasons.push(unloadedText(status));
    if (this.#isAway(status)) reasons.push(awayText(status));
    const delayMs = loopDelayMs();
    if (delayMs > eventLoopDelayMaxMs) {
      reasons.push(
        `event loop delay is ${
          Math.round(delayMs)
        } ms, limit ${eventLoopDelayMaxMs} ms`,
      );
    }
    return reasons;
  }

  #isAway({ reachable, lastContactClockMs }: SourceStatus): boolean {
    const { clockMs, readyGraceMs } = this.#options;
    return !reachable && clockMs() - lastContactClockMs > readyGraceMs;
  }
}
