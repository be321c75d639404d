// The AsyncAPI 3.0 document of the two streams. It has the same schemas as the OpenAPI document.
import type { Parameters, Schema } from "./api_document.ts";
import {
  ARROW_MESSAGES,
  ARROW_TYPE,
  EVENT_MESSAGES,
  type StreamMessage,
} from "./stream_messages.ts";
import { ARROW_PARAMETERS, EVENTS_PARAMETERS } from "./stream_parameters.ts";

/** The address of the service, as the client sees it. */
export interface ServiceAddress {
  readonly host: string;
  /** With the colon, as in `URL.protocol`. */
  readonly protocol: string;
  readonly pathname: string;
}

interface Stream {
  readonly address: string;
  readonly title: string;
  readonly description: string;
  readonly messages: Readonly<Record<string, StreamMessage>>;
  readonly parameters: Parameters;
}

const STREAMS: Readonly<Record<string, Stream>> = {
  events: {
    address: "/v1/events",
    title: "Server-Sent Events",
    description:
      "First `hello`, then rows, gaps and heartbeats, at last `end`. Resume with Last-Event-ID.",
    messages: EVENT_MESSAGES,
    parameters: EVENTS_PARAMETERS,
  },
  arrow: {
    address: "/v1/arrow",
    title: "Arrow IPC stream",
    description: `${ARROW_TYPE}: a schema message, then record batches.`,
    messages: ARROW_MESSAGES,
    parameters: ARROW_PARAMETERS,
  },
};

/** The document, with the address of the service. */
export function asyncApiOf(
  { host, protocol, pathname }: ServiceAddress,
): Schema {
  const channels: Record<string, Schema> = {};
  const operations: Record<string, Schema> = {};
  for (const [name, stream] of Object.entries(STREAMS)) {
    const { address, title, description, messages } = stream;
    channels[name] = { address, title, description, messages };
    const channel = { $ref: `#/channels/${name}` };
    const shared = {
      action: "send",
      channel,
      messages: Object.keys(messages).map((message) => ({
        $ref: `#/channels/${name}/messages/${message}`,
      })),
    };
    const id = name[0]!.toUpperCase() + name.slice(1);
    const query = {
      type: "object",
      properties: stream.parameters,
      additionalProperties: false,
    };
    operations[`send${id}`] = {
      ...shared,
      title: `${title}, with GET`,
      bindings: { http: { method: "GET", query, bindingVersion: "0.3.0" } },
    };
    operations[`send${id}ByPost`] = {
      ...shared,
      title: `${title}, with POST of the same fields as JSON`,
      bindings: { http: { method: "POST", bindingVersion: "0.3.0" } },
    };
  }
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Qanat's streams",
      version: "1",
      description:
        "The messages of /v1/events and /v1/arrow. Times are GPS nanoseconds as decimal text. " +
        "openapi.json describes the requests and their errors.",
      license: { name: "MIT" },
      externalDocs: { url: `${protocol}//${host}${pathname}/openapi.json` },
    },
    defaultContentType: "application/json",
    servers: {
      here: {
        host,
        protocol: protocol.slice(0, -1),
        ...(pathname === "" ? {} : { pathname }),
      },
    },
    channels,
    operations,
  };
}
