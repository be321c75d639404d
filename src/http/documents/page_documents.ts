// OpenAPI's description of the page's files, of the module for other pages, and of the API's own documents.
import { PAGE_FILES } from "../../page/page_files.ts";
import {
  jsonAnswer,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";

const OBJECT: Schema = { type: "object" };

const NAMES = [...PAGE_FILES.keys()].sort();
const TEXT: Schema = { type: "string" };

export const QANAT_JS: RouteDocument = {
  operationId: "module",
  tag: "service",
  summary: "The streams as a module for pages of your own",
  answers: {
    200: {
      description: "docs/page.md tells what it exports",
      content: { "text/javascript": TEXT },
    },
  },
};

export const QANAT_TYPES: RouteDocument = {
  operationId: "moduleTypes",
  tag: "service",
  summary: "TypeScript types of that module",
  answers: {
    200: {
      description: "A declaration file",
      content: { "text/plain": TEXT },
    },
  },
};

export const PAGE_FILE: RouteDocument = {
  operationId: "pageFile",
  tag: "service",
  summary: "What the page needs",
  path: {
    file: {
      type: "string",
      enum: NAMES,
      description: "Name of the file",
      examples: ["main.js"],
    },
  },
  answers: {
    200: {
      description: "The file",
      content: {
        "text/javascript": TEXT,
        "text/css": TEXT,
        "text/html": TEXT,
        "text/plain": TEXT,
        "image/svg+xml": TEXT,
      },
    },
    404: problemAnswer("No such file"),
  },
};

export const OPENAPI: RouteDocument = {
  operationId: "openapi",
  tag: "service",
  summary: "This document",
  answers: { 200: jsonAnswer("OpenAPI 3.1", OBJECT) },
};

export const ASYNCAPI: RouteDocument = {
  operationId: "asyncapi",
  tag: "service",
  summary: "The events and batches of the streams",
  answers: { 200: jsonAnswer("AsyncAPI 3.0", OBJECT) },
};

export const DOCS: RouteDocument = {
  operationId: "docs",
  tag: "service",
  summary: "This document as a page",
  answers: {
    200: {
      description: "The page; it asks for nothing from another host",
      content: { "text/html": { type: "string" } },
    },
  },
};

export const DOCS_FILE: RouteDocument = {
  operationId: "docsFile",
  tag: "service",
  summary: "What the page of this document needs",
  path: {
    file: {
      type: "string",
      enum: ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"],
      description: "Name of the file",
      examples: ["start.js"],
    },
  },
  answers: {
    200: {
      description: "The file",
      content: {
        "text/javascript": { type: "string" },
        "text/css": { type: "string" },
      },
    },
    404: problemAnswer("No such file"),
  },
};
