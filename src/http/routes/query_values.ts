// Reads values of a query that several routes take: texts of a limited length, and the size of a page.
import { LimitError } from "../limits/limit_error.ts";
import { LIMIT_DEFAULT, LIMIT_MAX } from "../documents/channel_schemas.ts";
import { badParameter, quoted } from "../transport/problem.ts";
import { decimalOf } from "./decimal.ts";

/** The text of a parameter; undefined where it is not given. Throws {@linkcode LimitError} for one that is too long. */
export function textOf(
  query: URLSearchParams,
  name: string,
  lengthMax: number,
): string | undefined {
  const text = query.get(name);
  return text === null ? undefined : checkedLength(name, text, lengthMax);
}

/** Returns a parameter's value. Throws {@linkcode LimitError} for one that is too long to be looked at. */
export function checkedLength(
  name: string,
  value: string,
  lengthMax: number,
): string {
  if (value.length <= lengthMax) return value;
  throw new LimitError("parameter", {
    detail:
      `${name} has ${value.length} characters, at most ${lengthMax} are allowed`,
    param: name,
  });
}

/** `limit=` of the lists of channels and of replay contexts. */
export function limitOf(query: URLSearchParams): number | Response {
  const text = query.get("limit");
  if (text === null) return LIMIT_DEFAULT;
  const limit = decimalOf(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  return badParameter(
    "limit",
    `limit must be a whole number from 1 to ${LIMIT_MAX}, not ${quoted(text)}`,
  );
}
