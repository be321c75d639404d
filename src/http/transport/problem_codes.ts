// All problems that an answer can be: code, status and title of each.
// Invariant: a code never changes its meaning, and each has a section on the page /docs/problems (problem_texts.ts).

type Problem = readonly [status: number, title: string];

const TABLE = {
  bad_body: [400, "Wrong body"],
  bad_expression: [400, "Bad expression"],
  bad_parameter: [400, "Wrong parameter"],
  bad_range: [400, "Not a range of time"],
  conflicting_parameters: [400, "Parameters that exclude each other"],
  credential_not_readable: [400, "Credential not readable"],
  expression_too_large: [400, "Expression too large"],
  malformed_request: [400, "Malformed request"],
  misplaced_parameter: [400, "Parameter of another path"],
  name_too_long: [400, "Name too long"],
  nothing_selected: [400, "Nothing selected"],
  parameter_too_long: [400, "Parameter too long"],
  range_without_end: [400, "Range without an end"],
  rates_differ: [400, "Different sample rates"],
  repeated_parameter: [400, "Parameter given twice"],
  request_too_expensive: [400, "Too much work"],
  row_too_large: [400, "Row too large"],
  strides_do_not_fit: [400, "Strides do not fit"],
  token_in_address: [400, "Token in the address"],
  too_many_channels: [400, "Too many channels"],
  unknown_parameter: [400, "Unknown parameter"],
  token_needed: [401, "Sign in"],
  token_not_accepted: [401, "Token not accepted"],
  connection_not_secure: [403, "Connection not secure"],
  for_operators_only: [403, "For operators only"],
  host_not_allowed: [403, "Host not allowed"],
  not_allowed: [403, "Not allowed"],
  origin_not_allowed: [403, "Origin not allowed"],
  other_site: [403, "Other site"],
  no_data: [404, "No data"],
  no_sessions: [404, "No sessions"],
  range_not_available: [404, "Range not available"],
  unknown_channel: [404, "Unknown channel"],
  unknown_client: [404, "Unknown client"],
  unknown_file: [404, "Unknown file"],
  unknown_path: [404, "Unknown path"],
  unknown_replay: [404, "Unknown replay context"],
  unknown_topic: [404, "Unknown topic"],
  wrong_method: [405, "Wrong method"],
  no_acceptable_coding: [406, "No acceptable coding"],
  no_acceptable_type: [406, "No acceptable type"],
  version_not_available: [406, "Version not available"],
  request_too_slow: [408, "Request too slow"],
  body_too_large: [413, "Body too large"],
  unsupported_content_coding: [415, "Unsupported content coding"],
  unsupported_media_type: [415, "Unsupported media type"],
  expectation_failed: [417, "Expectation failed"],
  too_many_connections_of_address: [
    429,
    "Too many connections from your address",
  ],
  too_many_relay_streams: [429, "Too many streams for relays"],
  too_many_streams: [429, "Too many streams"],
  request_head_too_large: [431, "Request head too large"],
  internal_error: [500, "Internal error"],
  not_started: [500, "Not started"],
  busy: [503, "Busy"],
  changed: [503, "Changed meanwhile"],
  full: [503, "Full"],
  no_row_yet: [503, "No row yet"],
  not_ready: [503, "Not ready"],
  threads_do_not_answer: [503, "Not all threads answer"],
  token_not_checked: [503, "Token cannot be checked now"],
  too_many_connections: [503, "Too many connections"],
} as const satisfies Record<string, Problem>;

/** A stable name of one kind of problem. */
export type ProblemCode = keyof typeof TABLE;

export const PROBLEM_CODES = Object.keys(TABLE) as readonly ProblemCode[];

/** Path of the page that explains all problems, below the base path. */
export const PROBLEMS_PATH = "/docs/problems";

export function statusOfCode(code: ProblemCode): number {
  return TABLE[code][0];
}

export function titleOfCode(code: ProblemCode): string {
  return TABLE[code][1];
}

/** The `type` of a problem: the address of its section, without the instance's host and base path. */
export function typeOfCode(code: ProblemCode): string {
  return `${PROBLEMS_PATH}#${code}`;
}
