// The two stream routes: /v1/events and /v1/arrow. Chooses the outlet; everything else is the hub's.
import { type Context, Hono } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import { GZIP_ROW_BYTES_MIN } from "../../frames/gzip_rows.ts";
import { samplesIn } from "../../channels/channel.ts";
import type { Catalog } from "../../channels/catalog.ts";
import type { Refusal } from "../../clients/refusals.ts";
import type { ClientHub } from "../../clients/client_hub.ts";
import type { Admission } from "../../clients/admission_control.ts";
import type { Coding, StreamFormat } from "../../frames/stream_format.ts";
import { codecFor } from "./arrow_codecs.ts";
import { codingFor } from "./accept_encoding.ts";
import { documented } from "../documents/api_document.ts";
import { attachment } from "./header_text.ts";
import { problem, quoted } from "../transport/problem.ts";
import type { RawWriter } from "../transport/raw_write.ts";
import { SocketOutlet } from "../transport/socket_outlet.ts";
import {
  ARROW_DOCUMENT,
  EVENTS_DOCUMENT,
} from "../documents/stream_documents.ts";
import { StreamOutlet } from "../transport/stream_outlet.ts";
import { BadTextError } from "../limits/request_body.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import {
  fieldsOfBody,
  fieldsOfQuery,
  type StreamFields,
} from "./stream_fields.ts";
import {
  type StreamRequest,
  streamRequest,
  tooManyChannels,
} from "./stream_request.ts";

export interface StreamRoutesOptions {
  readonly catalog: Catalog;
  readonly hub: ClientHub;
  readonly channelsMax: number;
  readonly limits: RequestLimits;
  /** GPS time now, ns. */
  readonly nowNs: () => bigint;
  /** Address of the client, for the log. */
  readonly addressOf: (context: Context) => string;
  /** What a handler answers when it has written the response itself; given by whoever serves node:http. */
  readonly alreadySent: Response | null;
  /** Whether CORS answers by the request's Origin; it says so itself where a response is not taken over. */
  readonly variesByOrigin: boolean;
  /** Writes past node's streams, where the runtime has a way. */
  readonly rawWriter: RawWriter | null;
}

const CONTENT_TYPES: Record<StreamFormat, string> = {
  "events": "text/event-stream; charset=utf-8",
  "events-arrow": "text/event-stream; charset=utf-8",
  "arrow": "application/vnd.apache.arrow.stream",
};
/** JSON is UTF-8 (RFC 8259), whether it says so or not. */
const JSON_TYPE =
  /^application\/json[ \t]{0,9}(?:;[ \t]{0,9}charset="?utf-?8"?[ \t]{0,9})?$/i;
const RETRY_AFTER_SECONDS = "5";
const PLAIN: readonly Coding[] = ["identity"];
const GZIP: readonly Coding[] = ["gzip", "identity"];
const PLAIN_RATHER: readonly Coding[] = ["identity", "gzip"];
/** Usual length of the text of a channel's bin. */
const TREND_TEXT_BYTES = 110;
/** Usual length of a sample's text. */
const SAMPLE_TEXT_BYTES = 10;

/** Routes for GET and POST. */
export function streamRoutes(options: StreamRoutesOptions): Hono {
  const app = new Hono();
  for (
    const [path, { get, post }] of [
      ["/v1/events", EVENTS_DOCUMENT],
      ["/v1/arrow", ARROW_DOCUMENT],
    ] as const
  ) {
    app.get(path, documented(get), (c) => open(c, path, options));
    app.post(path, documented(post), (c) => open(c, path, options));
  }
  return app;
}

async function open(
  c: Context,
  path: "/v1/events" | "/v1/arrow",
  options: StreamRoutesOptions,
): Promise<Response> {
  const { catalog, hub, channelsMax, limits } = options;
  const onTooMany = () => hub.admission.refusals.selection++;
  const fields = c.req.method === "POST"
    ? await readBody(c, options, onTooMany)
    : fieldsOfQuery(new URL(c.req.url));
  if (fields instanceof Response) return fields;
  if (path === "/v1/arrow" && fields.encoding !== undefined) {
    return bad("encoding belongs to /v1/events; /v1/arrow is always Arrow");
  }
  if (path === "/v1/events" && fields.coding !== undefined) {
    return bad(
      "coding belongs to /v1/arrow; /v1/events is packed where the header Accept-Encoding names gzip",
    );
  }
  if (path === "/v1/arrow" && fields.slow === "trend") {
    return bad("slow=trend belongs to /v1/events; /v1/arrow has one schema");
  }
  const work = streamRequest(fields, catalog, {
    channelsMax,
    nowNs: options.nowNs(),
    lastEventId: c.req.header("last-event-id"),
    onTooMany,
  });
  const request = await limits.slices.run(work, isGone(c));
  if (request instanceof Response) return request;
  const format: StreamFormat = path === "/v1/arrow"
    ? "arrow"
    : request.encoding === "arrow"
    ? "events-arrow"
    : "events";
  const isArrow = format === "arrow";
  const isFile = isArrow &&
    (request.endNs !== undefined || request.durationNs !== undefined);
  // A bin has a handful of numbers a channel.
  const codec = isArrow && request.trend === undefined
    ? codecFor(c.req.header("accept"))
    : null;
  const acceptEncoding = c.req.header("accept-encoding");
  const coding = isArrow && request.coding === "gzip"
    ? "gzip"
    : codingFor(acceptEncoding, codingsOf(format, request));
  // Beside what CORS has put there.
  c.header("vary", "Accept-Encoding", { append: true });
  if (isArrow) c.header("vary", "Accept", { append: true });
  if (coding === null) {
    return problem(406, {
      title: "No acceptable coding",
      detail:
        `Accept-Encoding ${
          quoted(acceptEncoding ?? "")
        } refuses all that there is ` +
        `for this stream: identity${format === "events" ? ", gzip" : ""}` +
        (isArrow ? "; coding=gzip packs it" : ""),
    });
  }
  if (coding !== "identity" && codec !== null) {
    return bad(
      `coding=${coding} packs the body and Accept's codecs its buffers (${codec}): ask for one of them`,
    );
  }
  const headers: Record<string, string> = {
    "content-type": CONTENT_TYPES[format] +
      (codec === null ? "" : `;codecs=${codec}`),
    ...(coding === "identity" ? {} : { "content-encoding": coding }),
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    ...(isFile ? { "content-disposition": fileOf(request) } : {}),
  };
  if (hasAll(request)) {
    // What makes an EventSource stop asking.
    return new Response(null, { status: 204 });
  }
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const address = options.addressOf(c);
  const early = await hub.admission.turn(
    address,
    request.channels.length,
  );
  if (early !== null) return fullProblem(early);
  const shape = { format, coding, codec, trend: request.trend };
  const admission = hub.admit(request.channels, shape, {
    address,
    startNs: request.startNs,
    endNs: request.endNs,
    durationNs: request.durationNs,
    afterNs: request.resume ? request.resume.afterNs : request.resume,
    untilNs: request.resume?.untilNs,
    gaps: request.gaps,
    slow: request.slow,
  });
  if (admission.kind === "full") return fullProblem(admission);
  if (admission.kind === "too-large") {
    return problem(400, { title: "Row too large", detail: admission.detail });
  }
  if (admission.kind === "changed") {
    const changed = problem(503, {
      title: "Channel changed",
      detail:
        `${admission.name} changed while the stream was being opened; ask again`,
    });
    changed.headers.set("retry-after", "1");
    return changed;
  }
  try {
    return begin(c, admission, headers, options);
  } finally {
    // Does nothing where the stream has begun.
    admission.cancel();
  }
}

/** Opens an admitted stream and takes the response over, where there is one to take over. */
function begin(
  c: Context,
  admission: Extract<Admission, { kind: "ready" }>,
  headers: Record<string, string>,
  options: StreamRoutesOptions,
): Response {
  const outgoing = (c.env as { outgoing?: ServerResponse } | undefined)
    ?.outgoing;
  if (!outgoing || !options.alreadySent) {
    const outlet = new StreamOutlet(options.hub.inFlightFramesMax);
    admission.open(outlet);
    return c.body(outlet.body, 200, headers);
  }
  if (outgoing.destroyed || outgoing.req.socket.destroyed) {
    return options.alreadySent;
  }
  if (options.variesByOrigin) c.header("vary", "Origin", { append: true });
  // With what middleware (CORS) has put on the response so far; a response taken over gets nothing later. All of it
  // in one go: what setHeader() is given node keeps for as long as the stream lasts.
  outgoing.writeHead(200, { ...Object.fromEntries(c.res.headers), ...headers });
  outgoing.flushHeaders();
  forgetRequest(outgoing.req);
  // The adapter would keep the whole request for as long as the stream lasts, to abort it at its end.
  outgoing.removeAllListeners("close");
  admission.open(new SocketOutlet(outgoing, options.rawWriter));
  return options.alreadySent;
}

/** A stream may last for days: what it was asked with need not. */
function forgetRequest(request: IncomingMessage): void {
  request.url = "";
  request.rawHeaders = [];
  request.headers = {};
}

/** How a stream can be packed, the best way first. Short rows do not gain by it. */
function codingsOf(
  format: StreamFormat,
  { channels, trend }: StreamRequest,
): readonly Coding[] {
  if (format !== "events") return PLAIN;
  if (trend) {
    const binBytes = TREND_TEXT_BYTES * channels.length;
    return binBytes >= GZIP_ROW_BYTES_MIN ? GZIP : PLAIN_RATHER;
  }
  let rowBytes = 0;
  for (const channel of channels) {
    rowBytes += SAMPLE_TEXT_BYTES * samplesIn(channel, channel.strideNs);
    if (rowBytes >= GZIP_ROW_BYTES_MIN) return GZIP;
  }
  return PLAIN_RATHER;
}

/** Whether a client that comes back has had all of its range. */
function hasAll(
  { startNs, endNs, durationNs, resume }: StreamRequest,
): boolean {
  if (!resume) return false;
  const { afterNs, untilNs } = resume;
  if (endNs !== undefined) return afterNs >= endNs;
  if (durationNs === undefined) return false;
  const lastNs = startNs === undefined ? untilNs : startNs + durationNs;
  return lastNs !== undefined && afterNs >= lastNs;
}

/** `Content-Disposition` of the file that a bounded Arrow stream is. */
function fileOf({ channels, startNs, trend }: StreamRequest): string {
  const more = channels.length > 1 ? `_and_${channels.length - 1}` : "";
  const kind = trend ? `_trend_${trend.name}` : "";
  const from = startNs === undefined ? "live" : startNs / 1_000_000_000n;
  return attachment(channels[0]!.name, `${more}_${from}${kind}.arrows`);
}

async function readBody(
  c: Context,
  { limits, channelsMax }: StreamRoutesOptions,
  onTooMany: () => void,
): Promise<StreamFields | Response> {
  const type = c.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    return problem(415, {
      title: "Unsupported media type",
      detail: `The body must be application/json in UTF-8, not ${quoted(type)}`,
    });
  }
  const coding = c.req.header("content-encoding") ?? "identity";
  if (!/^identity$/i.test(coding)) {
    return problem(415, {
      title: "Unsupported content coding",
      detail: `The body must be sent without Content-Encoding, not ${
        quoted(coding)
      }`,
    });
  }
  try {
    using body = await limits.bodies.read(c.req.raw);
    const tooMany = () => {
      onTooMany();
      return tooManyChannels(channelsMax);
    };
    const work = fieldsOfBody(body.text, { channelsMax, tooMany });
    return await limits.slices.run(work, isGone(c));
  } catch (error) {
    if (error instanceof BadTextError) return bad(error.message);
    throw error;
  }
}

/** 429 where the address holds too much itself, else 503. */
function fullProblem(
  { refusal, limit }: { readonly refusal: Refusal; readonly limit: string },
): Response {
  const isTheirs = refusal === "address" || refusal === "share";
  const full = problem(isTheirs ? 429 : 503, {
    title: isTheirs ? "Too many streams from your address" : "Full",
    detail: `The limit of ${limit} is reached; ${
      isTheirs ? "close one" : "try again later"
    }`,
    limit: refusal,
  });
  full.headers.set("retry-after", RETRY_AFTER_SECONDS);
  return full;
}

function bad(detail: string): Response {
  return problem(400, { title: "Bad request", detail });
}
