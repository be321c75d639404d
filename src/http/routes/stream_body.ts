// The JSON body of a POST for a stream: checked for its media type, read within the limits, and turned into fields.
import type { Context } from "hono";
import type { Parameters } from "../documents/api_document.ts";
import { BadTextError } from "../limits/request_body.ts";
import { isGone, type RequestLimits } from "../limits/request_limits.ts";
import { problem, quoted } from "../transport/problem.ts";
import { tooManyChannels } from "./channel_choice.ts";
import { fieldsOfBody, type StreamFields } from "./stream_fields.ts";

/** JSON is UTF-8 (RFC 8259), with or without a charset. */
const JSON_TYPE =
  /^application\/json[ \t]{0,9}(?:;[ \t]{0,9}charset="?utf-?8"?[ \t]{0,9})?$/i;

/** Fields of a body, or the problem that refuses it. Throws {@linkcode LimitError} for one beyond a limit. */
export async function fieldsOfPost(
  c: Context,
  { limits, parameters, channelsMax, onTooMany }: {
    readonly limits: RequestLimits;
    /** Those that the path takes. */
    readonly parameters: Parameters;
    readonly channelsMax: number;
    /** Called for a selection that is too large. */
    readonly onTooMany: () => void;
  },
): Promise<StreamFields | Response> {
  const type = c.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    return problem("unsupported_media_type", {
      detail: `The body must be application/json in UTF-8, not ${quoted(type)}`,
    });
  }
  const coding = c.req.header("content-encoding") ?? "identity";
  if (!/^identity$/i.test(coding)) {
    return problem("unsupported_content_coding", {
      detail: `The body must be sent without Content-Encoding, not ${
        quoted(coding)
      }`,
    });
  }
  try {
    const body = await limits.bodies.read(c.req.raw);
    const tooMany = () => {
      onTooMany();
      return tooManyChannels(channelsMax);
    };
    try {
      const work = fieldsOfBody(body.text, {
        parameters,
        channelsMax,
        tooMany,
      });
      return await limits.slices.run(work, isGone(c));
    } finally {
      body[Symbol.dispose]();
    }
  } catch (error) {
    if (error instanceof BadTextError) {
      return problem("bad_body", { detail: error.message });
    }
    throw error;
  }
}
