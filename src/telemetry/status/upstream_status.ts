// What /v1/status and /readyz say about the upstreams of a relay.
import type { SourceStatus, UpstreamStatus } from "../../source/source.ts";

export interface UpstreamsStatusOptions {
  readonly clock: { unixMs(): number };
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/** `upstreams` of /v1/status; empty where the source is no relay's. */
export function upstreamsStatus(
  { upstreams }: SourceStatus,
  { clock, clockMs }: UpstreamsStatusOptions,
): Record<string, unknown> {
  if (upstreams === undefined) return {};
  const clockNowMs = clockMs();
  const unixMs = clock.unixMs();
  return {
    upstreams: upstreams.map((each) => ({
      upstream: each.host,
      used: each.isUsed,
      state: each.state,
      since_ms: Math.round(unixMs - (clockNowMs - each.sinceClockMs)),
      kind: each.kind,
      reason: each.reason,
      history_refusal: each.historyRefusal,
      delay_ms: Number.isFinite(each.delayMs)
        ? Math.round(each.delayMs * 10) / 10
        : null,
    })),
  };
}

/** Why a relay has no source, for /readyz. */
export function upstreamFault(upstreams: readonly UpstreamStatus[]): string {
  const used = upstreams.find(({ state }) => state === "connected");
  if (used !== undefined) {
    return `the upstream ${used.host} answers, and cannot reach its own source`;
  }
  const faults = upstreams.map(({ host, reason }) =>
    `${host}: ${reason ?? "no answer yet"}`
  );
  return `no upstream sends blocks (${faults.join("; ")})`;
}
