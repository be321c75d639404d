// Admits a new client: reserves what it needs, or answers with a problem that names the limit that is reached.
import type { Refusal } from "../../clients/refusals.ts";
import type { ClientHub } from "../../clients/client_hub.ts";
import type { ClientRights } from "../../clients/client_options.ts";
import type { Admission } from "../../clients/admission.ts";
import type { StreamShape } from "../../frames/stream_format.ts";
import type { RequestTrace } from "../../telemetry/request_trace.ts";
import { problem } from "../transport/problem.ts";
import type { StreamRequest } from "./stream_request.ts";

/** Everything that the client needs is reserved: open() begins the stream, cancel() releases it. */
export type ReadyAdmission = Extract<Admission, { kind: "ready" }>;

const RETRY_AFTER_SECONDS = "5";

/** Waits for this request's turn and reserves what the client needs, or answers with the limit that refuses it. */
export async function admit(
  request: StreamRequest,
  shape: StreamShape,
  { hub, address, rights, trace }: {
    readonly hub: ClientHub;
    readonly address: string;
    readonly rights: ClientRights | undefined;
    readonly trace: RequestTrace;
  },
): Promise<ReadyAdmission | Response> {
  const { channels, resume } = request;
  const refused = await hub.admission.waitForTurn(address, channels.length);
  if (refused !== null) return fullProblem(refused);
  const admission = hub.admission.admit(channels, shape, {
    address,
    rights,
    trace,
    startNs: request.startNs,
    endNs: request.endNs,
    durationNs: request.durationNs,
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
      return problem(400, { title: "Row too large", detail: admission.detail });
    case "changed":
      return changedProblem(admission.name);
  }
}

/** 429 where the client's own address holds too much, else 503. */
function fullProblem(
  { refusal, limit }: { readonly refusal: Refusal; readonly limit: string },
): Response {
  const isTheirs = refusal === "address" || refusal === "share";
  const full = problem(isTheirs ? 429 : 503, {
    title: isTheirs ? "Too many streams from your address" : "Full",
    detail: `The limit of ${limit} is reached; ${
      isTheirs ? "close a stream" : "try again later"
    }`,
    limit: refusal,
  });
  full.headers.set("retry-after", RETRY_AFTER_SECONDS);
  return full;
}

function changedProblem(name: string): Response {
  const changed = problem(503, {
    title: "Channel changed",
    detail:
      `The channel ${name} changed while the stream was being opened; try again`,
  });
  changed.headers.set("retry-after", "1");
  return changed;
}
