// What the usage log says about a finished stream. It contains no credential.
import { unixMsOfGpsMs } from "../blocks/gps_time.ts";
import type { Channel } from "../channels/channel.ts";
import { traceFields } from "../telemetry/request_trace.ts";
import type { LoggedClient } from "./client_log.ts";

/** A finished client. */
export interface UsedClient extends LoggedClient {
  readonly group: LoggedClient["group"] & {
    readonly channels: readonly Pick<Channel, "name" | "replayId">[];
    readonly coding: string;
    readonly codec: string | null;
    readonly trend: { readonly bin: { readonly name: string } } | null;
    readonly timeline: { endNsText(row: number): string };
  };
  /** Rows from `firstRow` to `cursor`, exclusive, were sent or reported as gaps; both −1: none. */
  readonly firstRow: number;
  readonly cursor: number;
}

/** Names that an entry has at most, and their length together in characters: one more may be longer. */
const NAMES_MAX = 100;
const NAMES_CHARS_MAX = 4000;

/** Writes an entry for each finished client; undefined where there is no usage log. */
export function usageListener(
  usageLog: { write(entry: Record<string, unknown>): void } | undefined,
  { clock, clockMs }: {
    readonly clock: { gpsMs(): number };
    readonly clockMs: () => number;
  },
): ((client: UsedClient) => void) | undefined {
  return usageLog && ((client) => {
    const unixMs = unixMsOfGpsMs(clock.gpsMs());
    usageLog.write(usageEntry(client, { clockMs: clockMs(), unixMs }));
  });
}

/** The fields of a client's line. `clockMs`: monotonic; `unixMs`: Unix time; both now. */
export function usageEntry(
  client: UsedClient,
  { clockMs, unixMs }: { readonly clockMs: number; readonly unixMs: number },
): Record<string, unknown> {
  const { group, options, openedMs, firstRow, cursor } = client;
  const { address, rights, trace } = options;
  const { timeline } = group;
  const openMs = clockMs - openedMs;
  return {
    since: new Date(unixMs - openMs).toISOString(),
    owner: rights?.owner ?? null,
    address,
    ...traceFields(trace),
    format: group.format,
    coding: group.coding,
    codec: group.codec,
    trend: group.trend?.bin.name ?? null,
    replay: group.channels[0]?.replayId ?? null,
    channels: group.channels.length,
    names: namesOf(group.channels),
    from: firstRow < 0 ? null : timeline.endNsText(firstRow - 1),
    to: firstRow < 0 ? null : timeline.endNsText(cursor - 1),
    rows: client.rows,
    bytes: client.bytes,
    gaps: client.gaps,
    seconds: openMs / 1000,
    reason: client.ended,
  };
}

function namesOf(channels: readonly { readonly name: string }[]): string[] {
  const names: string[] = [];
  let chars = 0;
  for (const { name } of channels) {
    if (names.length === NAMES_MAX || chars > NAMES_CHARS_MAX) break;
    names.push(name);
    chars += name.length;
  }
  return names;
}
