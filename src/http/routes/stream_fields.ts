// Reads the fields of a request for a stream, from a query or a JSON body; their values are not checked here.
// Invariant: no field is longer than its limit, no field is given twice, and channel names are unique.
import { isTooLong, NAME_BYTES_MAX } from "../../channels/near_names.ts";
import type { SlicedWork } from "../../channels/sliced_work.ts";
import { BadBodyError, type FieldValue, readFields } from "./body_fields.ts";
import { isCacheBuster, isLastEventId } from "./library_parameters.ts";
import { checkedLength } from "./query_values.ts";
import { LimitError } from "../limits/limit_error.ts";
import type { Parameters } from "../documents/api_document.ts";
import { DATA_PARAMETERS } from "../documents/data_parameters.ts";
import {
  badParameter,
  problem,
  quoted,
  repeatedParameter,
  unknownParameter,
} from "../transport/problem.ts";
import {
  STREAM_PARAMETER_LENGTHS,
  STREAM_PARAMETER_NAMES,
  type StreamParameter,
} from "../documents/stream_parameters.ts";

/** The routes whose answers are rows. */
export type StreamPath = "/v1/events" | "/v1/arrow" | "/v1/data";

/** Fields as the client gave them. */
export type StreamFields =
  & { -readonly [name in StreamParameter]?: string }
  & {
    names?: readonly string[];
    /** The id that a client library added to the query by itself. */
    lastEventId?: string;
  };

export interface FieldsOptions {
  /** Those that the path takes: a problem names no others. */
  readonly parameters: Parameters;
  readonly channelsMax: number;
  /** Makes the answer to a selection that is too large. */
  readonly tooMany: () => Response;
}

/** Fields of a body that may be numbers. `after` may not: a double cannot hold GPS ns exactly. */
const NUMBERS: ReadonlySet<string> = new Set(["start", "end", "duration"]);
/** Those of all paths: one that another path takes is refused with a hint of its own. */
const KNOWN: ReadonlySet<string> = new Set(STREAM_PARAMETER_NAMES);

/** Carries a refusal out of the reading of a body. Never leaves this file. */
class Refused extends Error {
  readonly response: Response;

  constructor(response: Response) {
    super();
    this.response = response;
  }
}

/** Reads a GET's query for a path that takes `parameters`. Throws {@linkcode LimitError}. */
export function fieldsOfQuery(
  url: URL,
  parameters: Parameters,
): StreamFields | Response {
  const fields: StreamFields = {};
  const names = new Set<string>();
  let hasNames = false;
  for (const [name, value] of url.searchParams) {
    if (isCacheBuster(name)) continue;
    if (isLastEventId(name)) {
      // A library appends its id to the URL's query: the last one counts, an empty one is ignored.
      if (value !== "") fields.lastEventId = checkedField("after", value);
      continue;
    }
    if (!isKnown(name)) return unknownParameter(name, Object.keys(parameters));
    if (name === "channels") {
      hasNames = true;
      for (const item of value.split(",")) {
        if (item !== "") names.add(checkedName(item));
      }
    } else if (fields[name] !== undefined) {
      return repeatedParameter(name);
    } else fields[name] = checkedField(name, value);
  }
  if (hasNames) fields.names = [...names];
  return fields;
}

/** Reads a POST's JSON body: the same names, `channels` as a list of strings. Throws {@linkcode LimitError}. */
export function* fieldsOfBody(
  text: string,
  options: FieldsOptions,
): SlicedWork<StreamFields | Response> {
  const body = new BodyFields(options);
  try {
    yield* readFields(text, body);
    return body.fields;
  } catch (error) {
    if (error instanceof Refused) return error.response;
    if (error instanceof BadBodyError) {
      return problem("bad_body", { detail: error.message });
    }
    throw error;
  }
}

class BodyFields {
  readonly fields: StreamFields = {};
  readonly #seen = new Set<string>();
  readonly #names = new Set<string>();
  readonly #options: FieldsOptions;

  constructor(options: FieldsOptions) {
    this.#options = options;
  }

  name(name: string): void {
    if (!isKnown(name)) {
      const known = Object.keys(this.#options.parameters);
      throw new Refused(unknownParameter(name, known, "field"));
    }
    if (this.#seen.has(name)) {
      throw new Refused(repeatedParameter(name, "field"));
    }
    this.#seen.add(name);
  }

  item(name: string, text: string): void {
    if (name !== "channels") return;
    this.#names.add(checkedName(text));
    if (this.#names.size > this.#options.channelsMax) {
      throw new Refused(this.#options.tooMany());
    }
  }

  value(name: string, value: FieldValue): void {
    if (name === "channels") {
      if (value.kind !== "texts") {
        throw new Refused(
          badParameter(
            name,
            `'channels' must be a list of channel names such as ["A","B"]`,
          ),
        );
      }
      this.fields.names = [...this.#names];
      return;
    }
    const known = name as Exclude<StreamParameter, "channels">;
    if (value.kind === "text") {
      this.fields[known] = checkedField(known, value.text);
    } else if (value.kind === "number" && NUMBERS.has(name)) {
      // The text of a time has at most nine decimals; that of a double may have more.
      this.fields[known] = name === "duration"
        ? String(value.number)
        : value.number.toFixed(9);
    } else {
      const also = NUMBERS.has(name) ? " or number" : "";
      throw new Refused(
        badParameter(name, `'${name}' must be a string${also}`),
      );
    }
  }
}

/** Refuses a field that only other routes take; null where there is none. */
export function misplacedField(
  path: StreamPath,
  fields: StreamFields,
): Response | null {
  if (path === "/v1/data") {
    return fieldOutside(Object.keys(DATA_PARAMETERS), path, fields);
  }
  const { encoding, errors, coding, slow, format, units } = fields;
  if (units !== undefined) {
    return misplaced(
      "units",
      `units is a parameter of /v1/data; ${
        path === "/v1/arrow"
          ? "Arrow has them in the metadata of its fields"
          : "/v1/channels has those of each channel"
      }`,
    );
  }
  if (format !== undefined) {
    return misplaced(
      "format",
      `format is a parameter of /v1/data; ${path} always sends ${
        path === "/v1/arrow" ? "Arrow" : "events"
      }`,
    );
  }
  if (path === "/v1/events") {
    return coding === undefined ? null : misplaced(
      "coding",
      "coding is a parameter of /v1/arrow; for /v1/events, the header Accept-Encoding: gzip asks for compression",
    );
  }
  if (encoding !== undefined) {
    return misplaced(
      "encoding",
      "encoding is a parameter of /v1/events; /v1/arrow always sends Arrow",
    );
  }
  if (errors !== undefined) {
    return misplaced(
      "errors",
      "errors is a parameter of /v1/events; /v1/arrow answers a problem with its status",
    );
  }
  if (slow === "trend") {
    return misplaced(
      "slow",
      "slow=trend works with /v1/events only: a stream of /v1/arrow has one schema, and trends need another",
    );
  }
  return null;
}

function misplaced(param: StreamParameter, detail: string): Response {
  return problem("misplaced_parameter", { detail, param });
}

/** Refuses a field that a route does not take, of those that `/v1/events` or `/v1/arrow` take. */
export function fieldOutside(
  taken: readonly string[],
  path: string,
  fields: StreamFields,
): Response | null {
  for (const name of Object.keys(fields)) {
    if (name === "names" || taken.includes(name)) continue;
    return problem("misplaced_parameter", {
      detail: `${name} is a parameter of other paths; ${path} takes ${
        taken.join(", ")
      }`,
      param: name,
    });
  }
  return null;
}

/** Returns a channel's name. Throws {@linkcode LimitError} for one that is too long. `param`: where it was given. */
export function checkedName(name: string, param = "channels"): string {
  if (!isTooLong(name)) return name;
  throw new LimitError("name", {
    detail: `The channel name ${
      quoted(name)
    } is too long; a name has at most ${NAME_BYTES_MAX} bytes of UTF-8`,
    param,
  });
}

function checkedField(
  name: Exclude<StreamParameter, "channels">,
  value: string,
): string {
  return checkedLength(name, value, STREAM_PARAMETER_LENGTHS[name]);
}

function isKnown(name: string): name is StreamParameter {
  return KNOWN.has(name);
}
