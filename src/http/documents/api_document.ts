// The descriptions of routes, and the OpenAPI 3.1 document of all of them.
// Invariant: the document is built from the descriptions that the routes carry, on the first request for it and not at
// start.
import type { Hono, MiddlewareHandler } from "hono";
import { PROBLEM_SCHEMA } from "./problem_schema.ts";
import { SECURITY_SCHEMES } from "./security_schemes.ts";

/** A JSON schema in the dialect of OpenAPI 3.1. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Schemas of parameters of a query, path or header by name, each with a `description`, and an `x-unit` for a quantity. */
export type Parameters = Readonly<Record<string, Schema>>;

/** The answer of a route with one status: media types and their schemas. */
export interface Answer {
  readonly description: string;
  readonly content?: Readonly<Record<string, Schema>>;
  readonly headers?: Parameters;
  /** A HEAD never gets this answer, as it opens no stream. */
  readonly isNeverForHead?: boolean;
}

/** What a route takes and answers. Every route answers 431, which need not be listed. */
export interface RouteDocument {
  readonly operationId: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  readonly path?: Parameters;
  readonly query?: Parameters;
  readonly headers?: Parameters;
  /** Schema of the JSON body of a POST. */
  readonly body?: Schema;
  readonly answers: Readonly<Record<number, Answer>>;
}

const TAGS = {
  channels: "Find channels",
  streams: "Read the rows of channels that you choose, live or from history",
  service: "The page, the server's time and the documents of this API",
  operators:
    "Health, status, metrics and clients. With authentication, all but health need the right `qanat.operate`",
  relays: "Whole blocks, for other instances of Qanat that read from this one",
};
const PROBLEM = "application/problem+json";
/** Where {@linkcode documented} keeps a route's document on the handler that it returns. */
const DOCUMENT = Symbol("route document");

type DocumentedHandler = MiddlewareHandler & {
  readonly [DOCUMENT]?: RouteDocument;
};

/** An answer that is a problem. */
export function problemAnswer(
  description: string,
  more: Pick<Answer, "headers" | "isNeverForHead"> = {},
): Answer {
  return { description, content: { [PROBLEM]: PROBLEM_REF }, ...more };
}

/** An answer in JSON with one schema. */
export function jsonAnswer(description: string, schema: Schema): Answer {
  return { description, content: { "application/json": schema } };
}

/** A middleware that carries a route's document and calls the next handler. */
export function documented(route: RouteDocument): MiddlewareHandler {
  const handler: MiddlewareHandler = (_, next) => next();
  const answers = { ...route.answers, 431: TOO_LARGE };
  return Object.assign(handler, { [DOCUMENT]: { ...route, answers } });
}

export interface OpenApiOptions {
  /** Path below which the routes are mounted. */
  readonly basePath: string;
  /** Schemas that routes refer to by name. */
  readonly schemas: Readonly<Record<string, Schema>>;
}

/** The OpenAPI document of all documented routes. */
export function openApiOf(
  routes: Hono,
  { basePath, schemas }: OpenApiOptions,
): Record<string, unknown> {
  return {
    openapi: "3.1.0",
    info: INFO,
    servers: [{ url: basePath === "" ? "/" : basePath }],
    tags: tagsOf(routes).map(([name, description]) => ({
      name,
      description,
    })),
    externalDocs: {
      url: "asyncapi.json",
      description: "The events and batches of the streams, as AsyncAPI",
    },
    security: [{}, { bearer: [] }, { session: [] }, { secureSession: [] }],
    components: {
      schemas: { ...schemas, Problem: PROBLEM_SCHEMA },
      securitySchemes: SECURITY_SCHEMES,
    },
    paths: pathsOf(routes),
  };
}

/** Tags of the routes, in the order of the table. */
function tagsOf({ routes }: Hono): [string, string][] {
  const used = new Set(
    routes.map(({ handler }) => (handler as DocumentedHandler)[DOCUMENT]?.tag),
  );
  return Object.entries(TAGS).filter(([tag]) =>
    used.has(tag as keyof typeof TAGS)
  );
}

/** Operations of a path by method. */
type Operations = Record<string, unknown>;

/** Operations by path (`{name}` instead of Hono's `:name`) and method. */
function pathsOf(routes: Hono): Record<string, Operations> {
  const paths: Record<string, Operations> = {};
  const gets: [Operations, RouteDocument][] = [];
  for (const { handler, method, path } of routes.routes) {
    const document = (handler as DocumentedHandler)[DOCUMENT];
    if (!document) continue;
    const operations = paths[path.replace(/:(\w+)/g, "{$1}")] ??= {};
    operations[method.toLowerCase()] = operationOf(document);
    if (method === "GET") gets.push([operations, document]);
  }
  for (const [operations, get] of gets) {
    operations.head = operationOf(headOf(get));
  }
  return paths;
}

function operationOf(route: RouteDocument): unknown {
  const { tag, path, query, headers, body, answers, ...texts } = route;
  return {
    ...texts,
    tags: [tag],
    parameters: [
      ...parametersOf("path", path),
      ...parametersOf("query", query),
      ...parametersOf("header", headers),
    ],
    ...(body
      ? {
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: body, example: exampleOf(body) },
          },
        },
      }
      : {}),
    responses: Object.fromEntries(
      Object.entries(answers).map((
        [status, answer],
      ) => [status, response(answer)]),
    ),
  };
}

/** Hono answers a HEAD as it answers a GET, without the body. */
function headOf(get: RouteDocument): RouteDocument {
  const { operationId: name, summary } = get;
  return {
    ...get,
    operationId: `head${name[0]!.toUpperCase()}${name.slice(1)}`,
    summary: `${summary}: the headers only`,
    answers: Object.fromEntries(
      Object.entries(get.answers)
        .filter(([, { isNeverForHead }]) => !isNeverForHead)
        .map(([status, { content: _, ...answer }]) => [status, answer]),
    ),
  };
}

/** Parameters that /docs fills in when an operation is tried out, as none works without them. */
const FILLED_IN = new Set(["channels", "name", "file"]);

function exampleOf({ examples }: Schema): unknown {
  return (examples as readonly unknown[])[0];
}

function parametersOf(place: string, parameters: Parameters = {}): unknown[] {
  return Object.entries(parameters).map(([name, withText]) => {
    const { description, ...schema } = withText;
    const unit = schema["x-unit"];
    return {
      name,
      in: place,
      description: unit ? `${description} [${unit}]` : description,
      ...(place === "path" ? { required: true } : {}),
      ...(FILLED_IN.has(name) ? { example: exampleOf(schema) } : {}),
      ...(schema.type === "array" ? { style: "form", explode: false } : {}),
      schema,
    };
  });
}

function response(answer: Answer): unknown {
  const { description, content, headers } = answer;
  const entries = Object.entries(content ?? {});
  return {
    description,
    ...(headers
      ? {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, withText]) => {
            const { description, ...schema } = withText;
            return [name, { description, schema }];
          }),
        ),
      }
      : {}),
    ...(entries.length > 0
      ? {
        content: Object.fromEntries(
          entries.map(([type, schema]) => [type, { schema }]),
        ),
      }
      : {}),
  };
}

const INFO = {
  title: "Qanat",
  description:
    "Live time series from Kafka to many clients: Server-Sent Events and Arrow over HTTP.\n\n" +
    "Times are GPS nanoseconds as decimal text, rates are in Hz. Errors are problem details (RFC 9457, " +
    "`application/problem+json`): `code` is a stable name, `type` the address of its explanation on `/docs/problems`, " +
    "`param` the parameter that was wrong, and `detail` says what would be right. " +
    "Every path also answers `OPTIONS` with 204, for CORS. " +
    "Every answer has the header `X-Request-Id`: the request's own one, or a new id; the log of the service has it, too. " +
    "These errors are not listed at each path: 400 for a " +
    "request that is not valid HTTP/1.1, 403 for a `Host` or `Origin` that is not allowed, 404 for an unknown path, " +
    "405 with `Allow` for a method that the path does not take, and 500 for a fault of the service.\n\n" +
    "An instance with `--auth` needs a token, or the session cookie that `POST /v1/session` answers, for every path " +
    "below `/v1` and for `/metrics`. Each of these then also answers 400 for a token that cannot be read or is part of " +
    "the address, 401 and 403 with `WWW-Authenticate` where the token is missing, not accepted or not sufficient, and " +
    "503 when it cannot be checked now.",
  version: "1",
  license: { name: "MIT", identifier: "MIT" },
};

const PROBLEM_REF: Schema = { $ref: "#/components/schemas/Problem" };

const TOO_LARGE = problemAnswer(
  "Request line and headers are larger than 16 KiB (send a long list of channels as JSON with POST), or `Accept` or " +
    "`Accept-Encoding` lists too much",
);

/** Header of an answer after which the client may try again. */
export const RETRY_AFTER: Parameters = {
  "retry-after": {
    type: "integer",
    "x-unit": "s",
    description: "Time until the client should try again",
  },
};

/** The answer to a long request while too many others are running. */
export const BUSY = problemAnswer(
  "Too many long requests are running, or this one has waited too long for them; try again later",
  { headers: RETRY_AFTER },
);
