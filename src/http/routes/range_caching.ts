// What caches may do with the answer to a request for rows: nothing, unless its range is settled. A candidate is a request
// whose repetition asks for the same range, which has ended; whether that is settled is found out after the admission.
// Invariant: no answer has an ETag, or may be stored, but one whose bytes are the same for each request of its address.
import type { Context } from "hono";
import type { Catalog } from "../../channels/catalog.ts";
import type { ClientHub } from "../../clients/client_hub.ts";
import type { ReadyAdmission } from "../../clients/admission.ts";
import type { FixedRange, Settlement } from "../../clients/settled_ranges.ts";
import { LimitError } from "../limits/limit_error.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import { isKnown, rangeEtag } from "./range_etag.ts";
import type { StreamForm } from "./stream_negotiation.ts";
import type { StreamRequest } from "./stream_request.ts";

export interface CachingOptions {
  /** The channels that a request may find, and their notes. */
  readonly catalogOf: (context: Context) => Catalog;
  readonly hub: ClientHub;
  readonly limits: RequestLimits;
  /** GPS time now, ns. */
  readonly nowNs: () => bigint;
  readonly caching: {
    readonly cacheMaxAgeS: number;
    readonly cacheKey: string;
    readonly retryMs: number;
    /** Whether everyone may read everything: else answers are for their client alone. */
    readonly isPublic: boolean;
  };
}

/** A request whose answer caches may keep if its range is settled. */
export interface Candidate extends FixedRange {
  /** Headers of a settled answer, and of 304. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the client has the answer. */
  readonly isKnown: boolean;
  /** Whether the notes of its channels are those of the ETag. */
  readonly isCurrent: () => boolean;
}

/** A request as a candidate; null where its answer is no cache's business. Throws {@linkcode LimitError}. */
export async function candidateOf(
  c: Context,
  request: StreamRequest,
  { shape }: StreamForm,
  { caching, catalogOf, limits, nowNs }: CachingOptions,
): Promise<Candidate | null> {
  if (caching.cacheMaxAgeS === 0 || !canBeStored(c)) return null;
  const range = fixedRangeOf(request);
  if (range === null || range.endNs > nowNs()) return null;
  // With this header the answer to an event stream is the rest of the range.
  c.header("vary", "Last-Event-ID", { append: true });
  const all = catalogOf(c).notes;
  const { version, notes } = all.listOf(request.channels);
  const work = rangeEtag(request, range, shape, { ...caching, notes });
  const etag = await limits.slices.run(work, isGone(c));
  return {
    ...range,
    headers: {
      etag,
      "cache-control": cacheControlOf(request, caching),
    },
    isKnown: isKnown(c.req.header("if-none-match"), etag),
    isCurrent: () => all.version === version,
  };
}

/** Whether caches store answers to such requests, and see when one is incomplete: one of HTTP/1.0 just ends. */
function canBeStored(c: Context): boolean {
  const { incoming } = (c.env ?? {}) as {
    readonly incoming?: { readonly httpVersion?: string };
  };
  return c.req.method !== "POST" && incoming?.httpVersion !== "1.0";
}

/** The range, where each repetition of the request asks for the same rows in the same way. */
function fixedRangeOf(request: StreamRequest): FixedRange | null {
  const { startNs, endNs, durationNs, isFixed, resume, slow } = request;
  if (startNs === undefined || !isFixed || resume !== undefined) return null;
  // A slow client would get other rows than these.
  if (slow === "latest" || slow === "trend") return null;
  // A replay is repeated with the same times.
  if (request.channels[0]!.replayId !== null) return null;
  const toNs = endNs ??
    (durationNs === undefined ? null : startNs + durationNs);
  return toNs === null ? null : { startNs, endNs: toNs };
}

function cacheControlOf(
  { isByMatch }: StreamRequest,
  { cacheMaxAgeS, isPublic }: CachingOptions["caching"],
): string {
  // Rights may end, so a private copy is used only after Qanat was asked.
  if (!isPublic) return "private, no-cache, no-transform";
  // Other channels may match tomorrow.
  if (isByMatch) return "no-cache, no-transform";
  return `public, max-age=${cacheMaxAgeS}, no-transform`;
}

/** The answer to a client that has the bytes. It reads neither memory nor history. */
export function notModified(
  c: Context,
  { headers }: Candidate,
  { hub }: CachingOptions,
): Response {
  hub.lifecycle.books.settledAnswers["not-modified"]++;
  return c.body(null, 304, headers);
}

/** Whether a candidate's range is settled. */
export async function settlementOf(
  c: Context,
  admission: ReadyAdmission,
  candidate: Candidate,
  { hub, limits }: CachingOptions,
): Promise<Settlement> {
  const isClientGone = isGone(c);
  const outcome = await hub.settledRanges.check(
    admission.admitted(),
    candidate,
    {
      run: (work) => limits.slices.run(work, isClientGone),
      isGone: isClientGone,
    },
  ).catch((error) => {
    // The check is too much now: the answer itself is not.
    if (error instanceof LimitError) return "unsettled" as const;
    throw error;
  });
  if (outcome === "changed") return outcome;
  if (outcome === "settled" && candidate.isCurrent()) return outcome;
  hub.lifecycle.books.settledAnswers.unsettled++;
  return "unsettled";
}

/** Headers of an answer whose range is settled. Proxies may buffer it: no client waits for a row that is yet to come. */
export function settledHeaders(
  headers: Readonly<Record<string, string>>,
  candidate: Candidate,
): Record<string, string> {
  const { "x-accel-buffering": _, ...others } = headers;
  return { ...others, ...candidate.headers };
}
