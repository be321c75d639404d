// Admits a new client: reserves what it needs, or answers with a problem that names the limit that is reached.
import type { Context } from "hono";
import type { ClientHub } from "../../clients/client_hub.ts";
import type { ClientRights } from "../../clients/client_options.ts";
import type { Admission, FullAdmission } from "../../clients/admission.ts";
import type { StreamShape } from "../../frames/stream_format.ts";
import { problem, RETRY_LATER } from "../transport/problem.ts";
import { traceOf } from "./request_ids.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Everything that the client needs is reserved: open() begins the stream, cancel() releases it. */
export type ReadyAdmission = Extract<Admission, { kind: "ready" }>;

/** To open a stream of a channel and to encode its newest row for it alone takes as long as to open so many. */
const CHANNELS_PER_ROW = 15;

export interface AdmissionOptions {
  readonly hub: ClientHub;
  /** What its owner may read; undefined where everyone may read everything. */
  readonly rightsOf: (context: Context) => ClientRights | undefined;
  /** Address of the client, for its limits and the log. */
  readonly addressOf: (context: Context) => string;
}

/** Waits for this request's turn and reserves what the client needs, or answers with the limit that refuses it. */
export async function admit(
  c: Context,
  request: StreamRequest,
  shape: StreamShape,
  { hub, rightsOf, addressOf }: AdmissionOptions,
): Promise<ReadyAdmission | Response> {
  const { channels, resume } = request;
  const address = addressOf(c);
  const rights = rightsOf(c);
  const refused = await hub.admission.waitForTurn(
    { address, rights },
    channels.length * (request.latest ? CHANNELS_PER_ROW : 1),
    shape.trend !== undefined || request.slow === "trend" ? channels : [],
  );
  if (refused !== null) return fullProblem(refused);
  const admission = hub.admission.admit(channels, shape, {
    address,
    rights,
    trace: traceOf(c),
    startNs: request.startNs,
    endNs: request.endNs,
    durationNs: request.durationNs,
    hasMovingEnd: request.hasMovingEnd,
    hasMovingStart: request.hasMovingStart,
    afterNs: resume ? resume.afterNs : resume,
    untilNs: resume?.untilNs,
    latest: request.latest,
    gaps: request.gaps,
    slow: request.slow,
  });
  switch (admission.kind) {
    case "ready":
      return admission;
    case "full":
      return fullProblem(admission);
    case "too-large":
      return problem("row_too_large", { detail: admission.detail });
    case "changed":
      return changedProblem(`The channel ${admission.name} changed`);
    case "other-rights":
      return changedProblem(
        "What you may read has changed, or your credential has ended,",
      );
  }
}

/** 429 where the client's own account or address holds too much, else 503. */
function fullProblem(
  { refusal, limit, of, reason = `The limit of ${limit} is reached` }:
    FullAdmission,
): Response {
  return problem(of === null ? "full" : "too_many_streams", {
    detail: `${reason}; ${of === null ? "try again later" : "close a stream"}`,
    limit: refusal,
  }, RETRY_LATER);
}

/** The answer where a channel, or what the sender may read, has changed after the admission. */
export function changedWhileOpening(): Response {
  return changedProblem("A channel, or what you may read, changed");
}

/** `what` is the beginning of a sentence. */
function changedProblem(what: string): Response {
  return problem("changed", {
    detail: `${what} while the stream was being opened; try again`,
  }, { "retry-after": "1" });
}
