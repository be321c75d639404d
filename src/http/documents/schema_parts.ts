// Parts of which JSON schemas are made.
import type { Schema } from "./api_document.ts";

/** A count, at least 0. */
export function counted(unit: string, description?: string): Schema {
  return {
    type: "integer",
    minimum: 0,
    "x-unit": unit,
    ...(description ? { description } : {}),
  };
}

/** A quantity with a unit. */
export function number(unit: string, description?: string): Schema {
  return {
    type: "number",
    "x-unit": unit,
    ...(description ? { description } : {}),
  };
}

/** An object in which all these properties are required. */
export function objectOf(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: "object",
    required: Object.keys(properties),
    properties,
  };
}

export const COUNTERS: Schema = {
  type: "object",
  description: "Counts since the start, by name",
  additionalProperties: { type: "number" },
};
