// OpenAPI's description of health, readiness, status, metrics and the index.
import {
  BUSY,
  jsonAnswer,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { all } from "./status_schema.ts";

function said(word: string): Schema {
  return all({ status: { type: "string", const: word } });
}

export const HEALTHZ: RouteDocument = {
  operationId: "health",
  tag: "service",
  summary: "Whether the process answers",
  answers: { 200: jsonAnswer("It does", said("ok")) },
};

export const READYZ: RouteDocument = {
  operationId: "readiness",
  tag: "service",
  summary: "Whether clients should be sent here",
  answers: {
    200: jsonAnswer("They should", said("ready")),
    503: problemAnswer("They should not; `reasons` says why"),
  },
};

export const STATUS: RouteDocument = {
  operationId: "status",
  tag: "service",
  summary: "Partitions, clients and memory",
  answers: {
    200: jsonAnswer("As of now", { $ref: "#/components/schemas/Status" }),
    503: BUSY,
  },
};

export const METRICS: RouteDocument = {
  operationId: "metrics",
  tag: "service",
  summary: "Metrics for Prometheus",
  answers: {
    200: {
      description: "Prometheus's text format",
      content: { "text/plain": { type: "string" } },
    },
  },
};

export const INDEX: RouteDocument = {
  operationId: "index",
  tag: "service",
  summary: "The page for a browser; for others what there is, in words",
  headers: {
    accept: {
      type: "string",
      description: "With text/html it is the page",
      examples: ["text/html"],
    },
  },
  answers: {
    200: {
      description: "The page, or a few lines",
      content: {
        "text/plain": { type: "string" },
        "text/html": { type: "string" },
      },
    },
  },
};
