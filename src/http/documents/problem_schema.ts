// The JSON schema of problem details, with the fields that single problems add.
import {
  PROBLEM_CODES,
  PROBLEMS_PATH,
  typeOfCode,
} from "../transport/problem_codes.ts";
import { REFUSALS } from "../../clients/refusals.ts";
import { REQUEST_LIMITS } from "../limits/limit_error.ts";

const GPS_NS = {
  type: "string",
  pattern: String.raw`^\d{1,19}$`,
  "x-unit": "GPS ns",
};
const NAMES = { type: "array", items: { type: "string" } };

export const PROBLEM_SCHEMA = {
  type: "object",
  description: "RFC 9457 problem details",
  required: ["type", "code", "title", "status", "detail"],
  properties: {
    type: {
      type: "string",
      format: "uri-reference",
      pattern: `^(/[^#]*)?${PROBLEMS_PATH}#[a-z_]+$`,
      description:
        "Address of the section that explains the problem, on a page of this instance",
      examples: [typeOfCode("unknown_channel")],
    },
    code: {
      type: "string",
      enum: PROBLEM_CODES,
      description:
        "Stable name of the problem, for programs; later versions may add some",
    },
    title: {
      type: "string",
      description: "The code in words",
      examples: ["Unknown channel"],
    },
    status: { type: "integer", minimum: 400, maximum: 599 },
    detail: {
      type: "string",
      description: "What was wrong, and what would be right",
    },
    param: {
      type: "string",
      description:
        "Name of the parameter, or field of the body, that was wrong",
      examples: ["channels"],
    },
    index: {
      type: "integer",
      minimum: -1,
      description:
        "Bad expression: position of the error in `match`; -1 where it is not known",
      "x-unit": "characters",
    },
    near: { ...NAMES, description: "Unknown channel: similar names" },
    unknown: {
      type: "array",
      description: "Unknown channels: the first 20, each with similar names",
      items: {
        type: "object",
        required: ["name", "near"],
        properties: { name: { type: "string" }, near: NAMES },
      },
    },
    known: { ...NAMES, description: "Unknown replay context: known ones" },
    from: { ...GPS_NS, description: "Range not available: its start" },
    to: { ...GPS_NS, description: "Range not available: its end" },
    available_from_ns: {
      ...GPS_NS,
      description: "Range not available: the oldest time that has data",
    },
    limit: {
      type: "string",
      enum: [...REFUSALS, ...REQUEST_LIMITS],
      description: "The limit that is reached",
    },
    reasons: { ...NAMES, description: "Not ready: the reasons" },
    request_id: {
      type: "string",
      description:
        "Id of the request, as in the header `X-Request-Id` and in the log of the service",
    },
    error: {
      type: "string",
      enum: [
        "invalid_request",
        "invalid_token",
        "insufficient_scope",
        "unavailable",
      ],
      description: "Token not accepted: the error of RFC 6750",
    },
  },
};
