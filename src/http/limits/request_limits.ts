// The limits of requests: computing in slices, bodies, and a count of refusals for each limit and of all answers.
import type { Context } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type LimitError,
  REQUEST_LIMITS,
  type RequestLimit,
} from "./limit_error.ts";
import type { SharePools } from "../../shares/share_pools.ts";
import { AnswerCounts } from "../transport/answer_counts.ts";
import { problem } from "../transport/problem.ts";
import { AnswerBytes } from "./answer_bytes.ts";
import { RequestBodies } from "./request_body.ts";
import { RequestSlices } from "./request_slices.ts";

/** Longest URL: node:http has the same limit for the whole head. */
export const URL_LENGTH_MAX = 16 * 1024;
/** Enough for 10,000 channel names of 255 bytes, with escapes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Of the answers of one row: four of the largest. */
const ANSWERS_BYTES = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

export interface RequestLimitsOptions {
  readonly sliceMs: number;
  readonly requestWorksMax: number;
  readonly requestWorkMs: number;
  readonly requestWaitMs: number;
  readonly bodiesMb: number;
  readonly requestMs: number;
  readonly addressSharePercent: number;
  readonly sharePools: SharePools;
  /** Calls back in the next round of the event loop. @default that of the cooperative scheduler */
  readonly later?: ((round: () => void) => void) | undefined;
}

/** `row`: answered with a row. `late`: none came in time. `ended`: the server ended the request. `left`: the client left. */
export const LATEST_OUTCOMES = [
  "row",
  "no-data",
  "late",
  "ended",
  "left",
] as const;
export type LatestOutcome = typeof LATEST_OUTCOMES[number];

/** The limits of one instance's requests. */
export class RequestLimits {
  readonly slices: RequestSlices;
  readonly bodies: RequestBodies;
  readonly answers: AnswerBytes;
  readonly refusals = Object.fromEntries(
    REQUEST_LIMITS.map((limit) => [limit, 0]),
  ) as Record<RequestLimit, number>;
  /** Requests for the newest row, by outcome. Those that a limit refuses are in the refusals of admissions. */
  readonly latest = Object.fromEntries(
    LATEST_OUTCOMES.map((outcome) => [outcome, 0]),
  ) as Record<LatestOutcome, number>;
  /** All requests that reached the routes. */
  readonly answered = new AnswerCounts();
  /** Requests whose client disconnected before the answer. */
  aborted = 0;

  constructor(options: RequestLimitsOptions) {
    this.slices = new RequestSlices({
      sliceMs: options.sliceMs,
      worksMax: options.requestWorksMax,
      workMs: options.requestWorkMs,
      waitMs: options.requestWaitMs,
      later: options.later,
    });
    this.bodies = new RequestBodies({
      bytesMax: BODY_BYTES_MAX,
      budget: options.sharePools.pool("bodies", {
        capacity: options.bodiesMb * MIB,
        sharePercent: 100,
      }),
      bodyMs: options.requestMs,
    });
    this.answers = new AnswerBytes({
      capacity: ANSWERS_BYTES,
      sharePercent: options.addressSharePercent,
    });
  }

  /** Counts a refusal; returns the problem that answers the request. */
  refuse(error: LimitError): Response {
    const { code, fields, headers, limit } = error;
    this.refusals[limit]++;
    return problem(code, { ...fields, limit }, headers);
  }

  close(): void {
    this.slices.close();
  }
}

interface NodeEnv {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

/** node's response to a request; undefined where the server is not node:http. */
export function outgoingOfNode(c: Context): ServerResponse | undefined {
  return (c.env as NodeEnv | undefined)?.outgoing;
}

/** A function that reports whether the client of a request has disconnected. */
export function isGone(c: Context): () => boolean {
  const { outgoing } = (c.env ?? {}) as NodeEnv;
  return () => outgoing?.destroyed === true || outgoing?.closed === true;
}

/** Whether a handler failed only because its client has disconnected. */
export function isOfGoneClient(c: Context, error: Error): boolean {
  const { incoming } = (c.env ?? {}) as NodeEnv;
  return error.name === "AbortError" || error.name === "ClientGoneError" ||
    (incoming?.destroyed === true && !incoming.complete);
}
