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
  summary: "A JavaScript module for your own pages",
  answers: {
    200: {
      description: "The module; docs/page.md describes its exports",
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
      description: "The declaration file",
      content: { "text/plain": TEXT },
    },
  },
};

export const PAGE_FILE: RouteDocument = {
  operationId: "pageFile",
  tag: "service",
  summary: "A file of the page",
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
    404: problemAnswer("There is no such file"),
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
  summary: "The messages of the streams, as AsyncAPI",
  answers: { 200: jsonAnswer("AsyncAPI 3.0", OBJECT) },
};

export const DOCS: RouteDocument = {
  operationId: "docs",
  tag: "service",
  summary: "This document as a web page",
  answers: {
    200: {
      description: "The page; it loads nothing from other hosts",
      content: { "text/html": TEXT },
    },
  },
};

export const PROBLEMS: RouteDocument = {
  operationId: "problems",
  tag: "service",
  summary: "What each problem means, as a web page",
  description:
    "The `type` of a problem is the address of a section of this page.",
  answers: {
    200: { description: "The page", content: { "text/html": TEXT } },
  },
};

export const DOCS_FILE: RouteDocument = {
  operationId: "docsFile",
  tag: "service",
  summary: "A file of the page /docs",
  path: {
    file: {
      type: "string",
      enum: [
        "licences.txt",
        "start.js",
        "swagger-ui-bundle.js",
        "swagger-ui.css",
      ],
      description: "Name of the file",
      examples: ["start.js"],
    },
  },
  answers: {
    200: {
      description: "The file",
      content: {
        "text/javascript": TEXT,
        "text/css": TEXT,
        "text/plain": TEXT,
      },
    },
    404: problemAnswer("There is no such file"),
  },
};
