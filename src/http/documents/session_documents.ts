// OpenAPI's description of the sessions of browsers.
import {
  jsonAnswer,
  problemAnswer,
  type RouteDocument,
  type Schema,
} from "./api_document.ts";
import { objectOf } from "./schema_parts.ts";

const SESSION: Schema = objectOf({
  principal: {
    type: "string",
    description: "Names the owner in logs, limits and lists",
    examples: ["token:alice"],
  },
  kind: { type: "string", enum: ["anonymous", "token", "jwt"] },
  subject: {
    type: "string",
    description: "Name of the token, or `sub` of a JWT",
  },
  issuer: { type: "string", description: "`iss` of a JWT; else empty" },
  is_operator: { type: "boolean" },
  expires_unix_ms: {
    type: ["number", "null"],
    description: "When the session or the token expires; null: never",
    "x-unit": "ms",
  },
  is_session: {
    type: "boolean",
    description: "Whether a session cookie says so, and not a token",
  },
  can_sign_in: {
    type: "boolean",
    description: "Whether this instance takes tokens; false with `--auth none`",
  },
});

const NO_SESSIONS = problemAnswer(
  "This instance needs no token, so it has no sessions",
);
const REFUSED = problemAnswer(
  "The request comes from a page of another site, or over plain HTTP from another machine",
);
export const SHOW_SESSION: RouteDocument = {
  operationId: "showSession",
  tag: "service",
  summary: "Show who sends this request",
  answers: {
    200: jsonAnswer("Whom the token or the session cookie names", SESSION),
  },
};

export const BEGIN_SESSION: RouteDocument = {
  operationId: "beginSession",
  tag: "service",
  summary: "Sign in: exchange a token for a session cookie",
  description:
    "For pages of this instance: EventSource sends cookies, but no headers. The session ends with the token at the " +
    "latest, and has the rights that the token has now and later.",
  answers: {
    200: jsonAnswer("Whom the session names", SESSION),
    400: problemAnswer(
      "The token cannot be read, or its groups and scopes are too long for a cookie",
    ),
    401: problemAnswer("No token, or one that is not accepted"),
    403: REFUSED,
    404: NO_SESSIONS,
  },
};

export const END_SESSION: RouteDocument = {
  operationId: "endSession",
  tag: "service",
  summary: "Sign out: remove the session cookie",
  description:
    "This instance ends the streams of the session, and refuses copies of its cookie.",
  answers: {
    204: { description: "There is no session any more" },
    403: REFUSED,
    404: NO_SESSIONS,
  },
};
