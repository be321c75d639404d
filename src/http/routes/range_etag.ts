// The ETag of a range: made of everything that the bytes of a settled answer depend on, and of nothing else.
// Invariant: all instances, also restarted ones and relays, make the same ETag for the same request; two requests with the
// same strong ETag get the same bytes.
import { createHash } from "node:crypto";
import { rowStrideOf } from "../../blocks/row_stride.ts";
import type { Channel } from "../../channels/channel.ts";
import type { ChannelNote } from "../../channels/channel_note.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import type { StreamShape } from "../../frames/stream_format.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Raise it with each change of the bytes of any answer; test/http/routes/range_etag_test.ts notices such a change. */
export const BYTES_VERSION = 2;
/** 126 bits in base64url. */
const ETAG_CHARACTERS = 21;
const CHANNELS_A_PART = 100;
/** Steps for a channel's fields as text. */
const CHANNEL_STEPS = 3;

export interface EtagContext {
  /** `--cache-key` */
  readonly cacheKey: string;
  /** `--retry-ms`: event streams begin with it. */
  readonly retryMs: number;
  /** Of the channels, in their order: streams begin with them. A channel without a note has null, or nothing. */
  readonly notes: readonly (ChannelNote | null)[];
}

/** The ETag of a range with these times. It is weak where compression decides the bytes. */
export function* rangeEtag(
  { channels, trend }: Pick<StreamRequest, "channels" | "trend">,
  { startNs, endNs }: { readonly startNs: bigint; readonly endNs: bigint },
  { format, coding = "identity", codec = null, hasUnits = false }: StreamShape,
  { cacheKey, retryMs, notes }: EtagContext,
): SlicedWork<string> {
  const strideNs = trend?.binNs ??
    rowStrideOf(channels.map((channel) => channel.strideNs));
  const hash = createHash("sha256");
  hash.update(textOf([
    BYTES_VERSION,
    cacheKey,
    format,
    coding,
    codec,
    hasUnits,
    trend?.name ?? null,
    retryMs,
    strideNs,
    // The first row, and the one behind the last.
    startNs / strideNs,
    (endNs + strideNs - 1n) / strideNs,
  ]));
  for (let i = 0; i < channels.length; i += CHANNELS_A_PART) {
    const part = channels.slice(i, i + CHANNELS_A_PART);
    yield CHANNEL_STEPS * part.length;
    hash.update(
      textOf(part.map((channel, k) => fieldsOf(channel, notes[i + k]))),
    );
  }
  const digest = hash.digest("base64url").slice(0, ETAG_CHARACTERS);
  // Whether samples are compressed depends on how well rows before them were, and on the runtime's zlib.
  const isWeak = coding !== "identity" || codec !== null;
  return `${isWeak ? "W/" : ""}"${digest}"`;
}

/** Whether a client that sent `If-None-Match` has the answer with this ETag (RFC 9110 §13.1.2: weak comparison). */
export function isKnown(
  ifNoneMatch: string | undefined,
  etag: string,
): boolean {
  if (ifNoneMatch === undefined) return false;
  const opaque = opaqueOf(etag);
  // Qanat's ETags have no commas. `*` is for writers; what a client has is not known from it.
  return ifNoneMatch.split(",").some((each) =>
    opaqueOf(each.trim()) === opaque
  );
}

function opaqueOf(etag: string): string {
  return etag.startsWith("W/") ? etag.slice(2) : etag;
}

/**
 * What the bytes depend on in a channel, in this order, whatever made the channel. Its own note may be that of an upstream,
 * which a file has replaced. Partition and index depend on other channels, which the caller may not be allowed to know.
 */
function fieldsOf(
  { name, dataType, sampleRate, publisher, replayId, ...times }: Channel,
  note: ChannelNote | null | undefined,
): readonly unknown[] {
  const { strideNs, maxLatencyNs } = times;
  return [
    name,
    dataType,
    sampleRate,
    publisher,
    replayId,
    strideNs,
    maxLatencyNs,
    note?.unit ?? null,
    note?.description ?? null,
  ];
}

/** As JSON; bigints as texts. */
function textOf(value: unknown): string {
  return JSON.stringify(
    value,
    (_, each) => typeof each === "bigint" ? String(each) : each,
  );
}
