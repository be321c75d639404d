// OpenAPI's description of health, readiness, status, metrics, the clock and the index.
import {
  BUSY,
  jsonAnswer,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { objectOf } from "./schema_parts.ts";

function statusWord(...words: readonly string[]): Schema {
  return objectOf({ status: { type: "string", enum: words } });
}

export const HEALTHZ: RouteDocument = {
  operationId: "health",
  tag: "operators",
  summary: "Check whether this instance takes new clients",
  answers: {
    200: jsonAnswer("The instance takes new clients", statusWord("ok")),
    503: jsonAnswer(
      "A shutdown has begun, and new streams are refused; operators get `draining`",
      statusWord("unavailable", "draining"),
    ),
  },
};

export const READYZ: RouteDocument = {
  operationId: "readiness",
  tag: "operators",
  summary: "Check whether this instance is ready for clients",
  answers: {
    200: jsonAnswer("The instance is ready", statusWord("ready")),
    503: problemAnswer("The instance is not ready; `reasons` has the reasons"),
  },
};

export const TIME: RouteDocument = {
  operationId: "time",
  tag: "service",
  summary: "The server's time",
  answers: {
    200: jsonAnswer(
      "The time now",
      objectOf({
        time_ns: {
          type: "string",
          pattern: String.raw`^\d{1,19}$`,
          "x-unit": "GPS ns",
        },
        unix_ms: { type: "number", "x-unit": "Unix ms" },
      }),
    ),
  },
};

export const VERSION_ROUTE: RouteDocument = {
  operationId: "version",
  tag: "service",
  summary: "Which Qanat this is",
  answers: {
    200: jsonAnswer(
      "Versions of the program, of the runtime and of the API",
      objectOf({
        version: { type: "string", examples: ["0.2.0"] },
        revision: {
          type: "string",
          description:
            "Revision of the source, such as a commit; `unknown` if the build has none",
        },
        runtime: {
          type: "string",
          description:
            "Name and version of the runtime; `unknown` if it has none",
          examples: ["Deno/2.9.6"],
        },
        api: {
          type: "string",
          description: "The first part of the paths",
          enum: ["v1"],
        },
      }),
    ),
  },
};

export const STATUS: RouteDocument = {
  operationId: "status",
  tag: "operators",
  summary: "Show partitions, clients and memory",
  answers: {
    200: jsonAnswer("The status now", { $ref: "#/components/schemas/Status" }),
    503: BUSY,
  },
};

export const METRICS: RouteDocument = {
  operationId: "metrics",
  tag: "operators",
  summary: "Metrics for Prometheus",
  answers: {
    200: {
      description: "Metrics in the text format of Prometheus",
      content: { "text/plain": { type: "string" } },
    },
  },
};

export const INDEX: RouteDocument = {
  operationId: "index",
  tag: "service",
  summary: "The page, or for clients other than browsers a list of paths",
  headers: {
    accept: {
      type: "string",
      description: "If it contains `text/html`, the answer is the page",
      examples: ["text/html"],
    },
  },
  answers: {
    200: {
      description: "The page, or a list of paths as text",
      content: {
        "text/plain": { type: "string" },
        "text/html": { type: "string" },
      },
    },
  },
};
