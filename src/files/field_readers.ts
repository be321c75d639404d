// Reads the fields of JSON objects that an operator wrote.
// Invariant: a refusal has the path of the field, and says what would be right.
import { terminalText } from "../text/terminal.ts";
import type { JsonStep } from "./json_line.ts";

/** Longest part of an unknown field's name that is shown. */
const SHOWN_CHARS_MAX = 64;

/** What is wrong, and where. */
export class FieldFault extends Error {
  readonly path: readonly JsonStep[];

  constructor(path: readonly JsonStep[], right: string) {
    super(right);
    this.path = path;
  }
}

export function objectOf(
  value: unknown,
  path: readonly JsonStep[],
  fields: readonly string[],
): Record<string, unknown> {
  const name = path.at(-1);
  const what = typeof name === "string" ? name : "it";
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FieldFault(
      path,
      `${what} must be an object with the fields ${fields.join(", ")}`,
    );
  }
  for (const field of Object.keys(value)) {
    if (fields.includes(field)) continue;
    throw new FieldFault(
      [...path, field],
      `unknown field ${
        terminalText(field.slice(0, SHOWN_CHARS_MAX))
      }; there are ${fields.join(", ")}`,
    );
  }
  return value as Record<string, unknown>;
}

export function listOf(
  object: Record<string, unknown>,
  field: string,
  path: readonly JsonStep[],
  most: number,
): unknown[] {
  const value = object[field];
  if (Array.isArray(value) && value.length <= most) return value;
  throw new FieldFault(
    [...path, field],
    `${field} must be a list of at most ${most}`,
  );
}

export function textOf(
  object: Record<string, unknown>,
  field: string,
  path: readonly JsonStep[],
): string {
  const value = object[field];
  if (typeof value === "string" && value !== "") return value;
  throw new FieldFault(
    [...path, field],
    `${field} must be a text, and not empty`,
  );
}

export function choiceOf(
  object: Record<string, unknown>,
  field: string,
  path: readonly JsonStep[],
  choices: readonly string[],
): string {
  const value = object[field];
  if (typeof value === "string" && choices.includes(value)) return value;
  throw new FieldFault(
    [...path, field],
    `${field} must be one of ${choices.join(", ")}`,
  );
}

export function numberOf(
  object: Record<string, unknown>,
  field: string,
  path: readonly JsonStep[],
): number {
  const value = object[field];
  if (typeof value === "number" && value > 0 && value < Infinity) return value;
  throw new FieldFault(
    [...path, field],
    `${field} must be a number above 0, in Hz`,
  );
}

export function wholeOf(
  object: Record<string, unknown>,
  field: string,
  path: readonly JsonStep[],
  min: number,
  max: number,
): number {
  const value = object[field];
  const isRight = Number.isSafeInteger(value) && (value as number) >= min &&
    (value as number) <= max;
  if (isRight) return value as number;
  throw new FieldFault(
    [...path, field],
    `${field} must be a whole number from ${min} to ${max}`,
  );
}
