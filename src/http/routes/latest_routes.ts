// The route that answers with the newest row of channels, once: /v1/latest. The row comes from the page ring; where no
// client reads the channels, they are read from Kafka for the answer, as for a stream.
// Invariant: a request is a client like a stream: it counts by address, reserves what it needs, and waits a bounded time.
// The bytes of its answer count by address until they have been sent, and answers are made in slices.
import { type Context, Hono } from "hono";
import { END_OF_STREAM } from "../../arrow/row_template.ts";
import type { Channel } from "../../channels/channel.ts";
import type { GroupClient } from "../../clients/selection_group.ts";
import { documented } from "../documents/api_document.ts";
import { LATEST_DOCUMENT } from "../documents/latest_documents.ts";
import { ARROW_TYPE } from "../documents/stream_messages.ts";
import { LATEST_PARAMETERS } from "../documents/stream_parameters.ts";
import { disposeWhenSent, madeAnswer } from "../limits/answer_bytes.ts";
import {
  isGone,
  type LatestOutcome,
  outgoingOfNode,
} from "../limits/request_limits.ts";
import { problem, RETRY_LATER } from "../transport/problem.ts";
import { jsonOrArrow } from "./json_or_arrow.ts";
import { NewestRowOutlet } from "./newest_row_outlet.ts";
import { type AdmissionOptions, admit } from "./stream_admission.ts";
import { fieldOutside, type StreamFields } from "./stream_fields.ts";
import { parsed, type ParsingOptions } from "./stream_parsing.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Longest wait for a row: reading the newest blocks from Kafka takes well below a second. */
const WAIT_MS = 5000;
/** How often is looked whether the wait has become pointless. */
const LOOK_MS = 100;
const FIELDS = Object.keys(LATEST_PARAMETERS);

/** Refuses what an answer of one row cannot have. */
const misplaced = (fields: StreamFields) =>
  fieldOutside(FIELDS, "/v1/latest", fields);

/** `GET` and `POST /v1/latest`. */
export function latestRoutes(options: ParsingOptions & AdmissionOptions): Hono {
  const app = new Hono();
  const { get, post } = LATEST_DOCUMENT;
  app.get("/v1/latest", documented(get), (c) => answer(c, options));
  app.post("/v1/latest", documented(post), (c) => answer(c, options));
  return app;
}

async function answer(
  c: Context,
  options: ParsingOptions & AdmissionOptions,
): Promise<Response> {
  const asked = await parsed(c, {
    ...options,
    parameters: LATEST_PARAMETERS,
    misplaced,
  });
  if (asked instanceof Response) return asked;
  const request: StreamRequest = { ...asked, latest: true, gaps: "skip" };
  const type = jsonOrArrow(c, "/v1/latest");
  if (type instanceof Response) return type;
  const isArrow = type === ARROW_TYPE;
  c.header("vary", "Accept", { append: true });
  const headers = {
    "content-type": type,
    "cache-control": "no-store",
  };
  if (c.req.method === "HEAD") return c.body(null, 200, headers);
  const format = isArrow ? "arrow" : "events";
  const shape = { format, trend: request.trend } as const;
  const admission = await admit(c, request, shape, options);
  if (admission instanceof Response) return admission;
  const { slotBytes } = admission.admitted().group;
  let held: Disposable | null = null;
  try {
    const sender = {
      address: options.addressOf(c),
      rights: options.rightsOf(c),
    };
    held = options.limits.answers.take(sender, slotBytes);
    const outlet = new NewestRowOutlet(format);
    const row = await rowOf(c, admission.open(outlet), outlet, {
      ...options,
      request,
    });
    if (row instanceof Response) return row;
    const { opening } = outlet;
    const made = madeAnswer(
      row.byteLength,
      () => c.body(isArrow ? streamOf(opening!, row) : row, 200, headers),
    );
    const response = await options.limits.slices.run(made, isGone(c));
    disposeWhenSent(held, outgoingOfNode(c));
    held = null;
    return response;
  } finally {
    held?.[Symbol.dispose]();
    admission.cancel();
  }
}

/** The bytes of the row, or why there is none. */
async function rowOf(
  c: Context,
  client: GroupClient,
  outlet: NewestRowOutlet,
  { hub, limits, request }: ParsingOptions & {
    readonly request: StreamRequest;
  },
): Promise<Uint8Array<ArrayBuffer> | Response> {
  const { outcome, row } = await waited(client, outlet, {
    clockMs: hub.lifecycle.clockMs,
    isGone: isGone(c),
  });
  const ended = client.ended;
  hub.lifecycle.end(client, "complete");
  limits.latest[outcome]++;
  return row ?? refusal(outcome, request, ended);
}

/** Waits for the row, until it cannot come any more or the time is up. */
function waited(
  { group: { timeline } }: GroupClient,
  outlet: NewestRowOutlet,
  { clockMs, isGone }: {
    readonly clockMs: () => number;
    readonly isGone: () => boolean;
  },
): Promise<{ outcome: LatestOutcome; row: Uint8Array<ArrayBuffer> | null }> {
  const endMs = clockMs() + WAIT_MS;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (isGone()) finish("left");
      else if (isEmpty(timeline)) finish("no-data");
      else if (clockMs() >= endMs) finish("late");
    }, LOOK_MS);
    const finish = (
      outcome: LatestOutcome,
      row: Uint8Array<ArrayBuffer> | null = null,
    ) => {
      clearInterval(timer);
      resolve({ outcome, row });
    };
    outlet.row.then((row) => finish(row === null ? "ended" : "row", row));
  });
}

/** Whether all logs have been read to their ends, and no block was there. */
function isEmpty(
  { frontier, partitions }: GroupClient["group"]["timeline"],
): boolean {
  return frontier < 0 &&
    partitions.every(({ hasCaughtUpOnce, absent, newest }) =>
      hasCaughtUpOnce && absent !== "unreachable" && newest < 0
    );
}

function refusal(
  outcome: LatestOutcome,
  { channels }: StreamRequest,
  ended: string | null,
): Response {
  const [{ name }] = channels as [Channel];
  const what = channels.length === 1
    ? name
    : `${name} and ${channels.length - 1} others`;
  if (outcome === "no-data") {
    return problem("no_data", {
      detail:
        `There is no recent row of ${what}; for older rows, give a start to /v1/events, /v1/arrow or /v1/data`,
    });
  }
  return problem("no_row_yet", {
    detail: outcome === "ended"
      ? `The server ended the request before it had a row of ${what}: ${ended}; try again later`
      : `No row of ${what} could be read within ${
        WAIT_MS / 1000
      } s; try again later`,
  }, RETRY_LATER);
}

function streamOf(
  schema: Uint8Array,
  batch: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const { byteLength } = schema;
  const end = byteLength + batch.byteLength;
  const stream = new Uint8Array(end + END_OF_STREAM.byteLength);
  stream.set(schema);
  stream.set(batch, byteLength);
  stream.set(END_OF_STREAM, end);
  return stream;
}
