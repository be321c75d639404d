// Reads what a request for rows asks for: the fields of its query or body, checked, with the channels that they select.
import type { Context } from "hono";
import type { Catalog } from "../../channels/catalog.ts";
import type { ClientHub } from "../../clients/client_hub.ts";
import type { Parameters } from "../documents/api_document.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import { fieldsOfPost } from "./stream_body.ts";
import { fieldsOfQuery, type StreamFields } from "./stream_fields.ts";
import { type StreamRequest, streamRequest } from "./stream_request.ts";

export interface ParsingOptions {
  /** The channels that a request may find. */
  readonly catalogOf: (context: Context) => Catalog;
  /** Looks up again what a sender may find, after a wait. The answer to one who may find nothing any more, else null. */
  readonly renewedAccess: (context: Context) => Promise<Response | null>;
  readonly hub: ClientHub;
  readonly channelsMax: number;
  readonly limits: RequestLimits;
  /** GPS time now, ns. */
  readonly nowNs: () => bigint;
}

/** What a GET or POST asks for, or the problem that refuses it. Throws {@linkcode LimitError}. */
export async function parsed(
  c: Context,
  options: ParsingOptions & {
    /** Those that the route takes. */
    readonly parameters: Parameters;
    /** Refuses fields that the route does not take. */
    readonly misplaced: (fields: StreamFields) => Response | null;
    /** The id that the client sent in a header. */
    readonly lastEventId?: string | undefined;
  },
): Promise<StreamRequest | Response> {
  const { limits, parameters, channelsMax, lastEventId } = options;
  const onTooMany = () => options.hub.admission.refusals.selection++;
  const isPost = c.req.method === "POST";
  const fields = isPost
    ? await fieldsOfPost(c, { limits, parameters, channelsMax, onTooMany })
    : fieldsOfQuery(new URL(c.req.url), parameters);
  if (fields instanceof Response) return fields;
  // A body may take long to arrive.
  const denied = isPost ? await options.renewedAccess(c) : null;
  if (denied !== null) return denied;
  const misplaced = options.misplaced(fields);
  if (misplaced !== null) return misplaced;
  const work = streamRequest(fields, options.catalogOf(c), {
    parameters,
    channelsMax,
    nowNs: options.nowNs(),
    lastEventId,
    onTooMany,
  });
  return await limits.slices.run(work, isGone(c));
}
