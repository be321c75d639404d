// What each problem means and what to do about it: the text of the page /docs/problems and of the table in
// docs/protocol.md, which a test compares.
import type { ProblemCode } from "../transport/problem_codes.ts";

/** Both are whole sentences, in the Markdown of docs/protocol.md without links. */
export interface ProblemText {
  readonly meaning: string;
  readonly remedy: string;
}

const CORRECT = "Correct the request; `detail` says what would be right.";
const LATER = "Try again after `Retry-After` seconds.";
const CLOSE =
  "Close streams or connections that you do not need, then try again after `Retry-After` seconds.";

export const PROBLEM_TEXTS: Readonly<Record<ProblemCode, ProblemText>> = {
  bad_body: {
    meaning:
      "The body is not UTF-8, not JSON, or its fields do not have the form that this path takes.",
    remedy: CORRECT,
  },
  bad_expression: {
    meaning:
      "The expression of `match` is not valid RE2; `index` is the position of the error.",
    remedy: CORRECT,
  },
  bad_parameter: {
    meaning: "The value of the parameter or field `param` is not valid.",
    remedy: CORRECT,
  },
  bad_range: {
    meaning:
      "The range of time is none: it ends before it begins, or begins in the future.",
    remedy: CORRECT,
  },
  conflicting_parameters: {
    meaning: "The parameter `param` excludes another one of the request.",
    remedy: "Give one of them.",
  },
  credential_not_readable: {
    meaning:
      "The header `Authorization` is too long, is given twice, or has no token that can be read.",
    remedy: "Send one header `Authorization: Bearer TOKEN`.",
  },
  expression_too_large: {
    meaning: "The expression of `match` is too long or too complex.",
    remedy: "Use a simpler expression, or several requests.",
  },
  malformed_request: {
    meaning: "The request is not valid HTTP/1.1.",
    remedy:
      "Look at the client or proxy that sent it; `detail` says what is wrong.",
  },
  misplaced_parameter: {
    meaning: "The parameter `param` exists, but not at this path.",
    remedy: "Leave it out, or use the path that takes it; `detail` names it.",
  },
  name_too_long: {
    meaning: "A channel's name has more than 255 bytes.",
    remedy: "No channel has such a name: correct it.",
  },
  nothing_selected: {
    meaning: "The request selects no channel.",
    remedy: "Name channels, or give an expression that matches some.",
  },
  parameter_too_long: {
    meaning: "The value of the parameter `param` is too long.",
    remedy: CORRECT,
  },
  range_without_end: {
    meaning: "The path answers with a range, and the range has no end.",
    remedy: "Give `end` or `duration`, or use `/v1/events` or `/v1/arrow`.",
  },
  rates_differ: {
    meaning:
      "Each line has one sample of each channel, and the channels have different sample rates.",
    remedy:
      "Select channels of one rate, or bins (`trend`), or use `/v1/arrow` or `/v1/events`.",
  },
  repeated_parameter: {
    meaning: "The parameter or field `param` is given twice.",
    remedy: "Give it once.",
  },
  request_too_expensive: {
    meaning: "The request needs more computing time than one request may have.",
    remedy: "Ask for less, or use a simpler expression.",
  },
  row_too_large: {
    meaning: "A row of the selected channels could exceed 16 MiB.",
    remedy: "Select fewer channels in one stream.",
  },
  strides_do_not_fit: {
    meaning:
      "The strides of the channels have no common row, or no bin of the trend.",
    remedy: "Select channels of more similar strides, or another `trend`.",
  },
  token_in_address: {
    meaning:
      "The address contains a token, so logs and histories may have kept it.",
    remedy:
      "Replace the token, and send the new one in the header `Authorization: Bearer TOKEN`.",
  },
  too_many_channels: {
    meaning: "The selection has more channels than one stream may have.",
    remedy: "Select fewer channels, in several streams.",
  },
  unknown_parameter: {
    meaning: "The parameter or field `param` does not exist.",
    remedy: "Correct its name; `detail` lists those that exist.",
  },
  token_needed: {
    meaning: "The instance needs a token, and the request has none.",
    remedy:
      "Send the header `Authorization: Bearer TOKEN`, or sign in on the page.",
  },
  token_not_accepted: {
    meaning:
      "The token is unknown, revoked, expired, or not for this instance.",
    remedy: "Get a new token; `detail` says what is wrong with this one.",
  },
  connection_not_secure: {
    meaning:
      "A session cannot begin over plain HTTP, where others can read the token.",
    remedy:
      "Use HTTPS. Behind a proxy with TLS, its operator sets `--public-url`.",
  },
  for_operators_only: {
    meaning: "The path shows or ends the streams of others.",
    remedy: "Operators use their own port or the right `qanat.operate`.",
  },
  host_not_allowed: {
    meaning: "The instance does not answer to the host of the address.",
    remedy:
      "Use an address that it answers to; its operator can allow more with `--allowed-hosts`.",
  },
  not_allowed: {
    meaning: "The token is valid, and does not grant what was asked for.",
    remedy: "Ask the operator for the right that `detail` names.",
  },
  origin_not_allowed: {
    meaning: "Pages of this origin may not read the instance.",
    remedy: "Its operator can allow the origin with `--cors-origin`.",
  },
  other_site: {
    meaning: "Only a page of the instance itself may begin or end a session.",
    remedy: "Send the token with each request instead.",
  },
  no_data: {
    meaning: "The channels have no recent row.",
    remedy: "Ask for older rows with `start`.",
  },
  no_sessions: {
    meaning: "The instance has no sessions, since it needs no token.",
    remedy: "Send requests without a session.",
  },
  range_not_available: {
    meaning:
      "The whole range is older than the oldest data of its channels, which `available_from_ns` names.",
    remedy:
      "Ask for a range that begins later; `/v1/channels/NAME` says since when a channel has data.",
  },
  unknown_channel: {
    meaning:
      "There is no such channel, or the token may not read it; `near` has similar names.",
    remedy: "Correct the name; `/v1/channels` lists those that exist.",
  },
  unknown_client: {
    meaning: "No open stream has this id; it may have ended.",
    remedy: "`/v1/clients` lists the open streams.",
  },
  unknown_file: {
    meaning: "The page has no such file.",
    remedy: "Load the page again: it may be of another version.",
  },
  unknown_path: {
    meaning: "There is nothing at this path.",
    remedy: "`/` lists what there is, `/docs` describes it.",
  },
  unknown_replay: {
    meaning: "There is no such replay context; `known` lists some.",
    remedy: "`/v1/replays` lists all.",
  },
  unknown_topic: {
    meaning:
      "A relay asks for a topic that it may not read or that does not exist.",
    remedy: "The relay tries again by itself.",
  },
  wrong_method: {
    meaning: "The path does not take this method.",
    remedy: "Use one that the header `Allow` lists.",
  },
  no_acceptable_coding: {
    meaning: "`Accept-Encoding` refuses every coding that the answer can have.",
    remedy: "Accept `identity`.",
  },
  no_acceptable_type: {
    meaning: "`Accept` allows none of the media types that the path sends.",
    remedy: "Name one of those in `detail`, or use the path that it names.",
  },
  version_not_available: {
    meaning:
      "A relay asks for a version of blocks that the instance does not have.",
    remedy: "Upgrade the older one of the two instances.",
  },
  request_too_slow: {
    meaning: "The request's head or body did not arrive in time.",
    remedy: "Send the request faster.",
  },
  body_too_large: {
    meaning: "The body is larger than this path takes.",
    remedy: "Ask for less in one request.",
  },
  unsupported_content_coding: {
    meaning: "The body is compressed.",
    remedy: "Send it without `Content-Encoding`.",
  },
  unsupported_media_type: {
    meaning: "The body is not `application/json` in UTF-8.",
    remedy: "Send it with `Content-Type: application/json`.",
  },
  expectation_failed: {
    meaning: "The header `Expect` has a value that is not known.",
    remedy: "Leave it out, or send `100-continue`.",
  },
  too_many_connections_of_address: {
    meaning: "Your address has as many connections as it may have.",
    remedy: CLOSE,
  },
  too_many_relay_streams: {
    meaning: "A relay has as many streams as it may have.",
    remedy: "The relay tries again by itself.",
  },
  too_many_streams: {
    meaning:
      "Your token or your address has as many streams, histories or rows of `/v1/latest` as it may have; `limit` names the limit.",
    remedy: CLOSE,
  },
  request_head_too_large: {
    meaning:
      "The address or the headers are longer than 16 KiB or too many, or `Accept` or `Accept-Encoding` lists too much.",
    remedy:
      "Send a long list of channels as JSON with POST; `detail` says what is too long.",
  },
  internal_error: {
    meaning: "The server failed; its log has the reason.",
    remedy: "Report the `request_id` to its operator.",
  },
  not_started: {
    meaning: "The settings of the instance are wrong; its log says how.",
    remedy: "Report it to its operator.",
  },
  busy: {
    meaning:
      "Too many long requests run, or their bodies use all memory; `limit` names the limit.",
    remedy: LATER,
  },
  changed: {
    meaning:
      "A channel or your rights changed while the stream was being opened.",
    remedy: LATER,
  },
  full: {
    meaning:
      "A limit of all clients together is reached, or the server is stopping; `limit` names the limit.",
    remedy: LATER,
  },
  no_row_yet: {
    meaning: "No row of the channels could be read in time.",
    remedy: LATER,
  },
  not_ready: {
    meaning: "The instance should get no new clients now.",
    remedy: "Use another instance, or try again later.",
  },
  threads_do_not_answer: {
    meaning: "A thread of the process did not answer within a second.",
    remedy: LATER,
  },
  token_not_checked: {
    meaning:
      "The token cannot be checked now, as its issuer cannot be reached.",
    remedy: LATER,
  },
  too_many_connections: {
    meaning: "All connections of the instance are in use.",
    remedy: LATER,
  },
};
