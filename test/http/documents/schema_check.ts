// Checks values with schemas, more strictly than the schemas are written: fields that are not described are refused, so
// that a test fails when the service adds a field without documenting it.
import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";

type Json = Record<string, unknown>;

/** The same schema, with no other fields than those that it names. */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const out: Json = {};
  for (const [key, value] of Object.entries(schema)) out[key] = closed(value);
  const { properties, additionalProperties } = schema as Json;
  const isObject = typeof properties === "object" && "type" in schema &&
    (schema as Json).type === "object";
  if (isObject && additionalProperties === undefined) {
    out.additionalProperties = false;
  }
  return out;
}

/** Asserts that values follow schemas of one document, to which the schemas' references lead. */
export class SchemaCheck {
  readonly #ajv = new Ajv2020.default({
    strict: false,
    validateFormats: false,
  });
  readonly #components: unknown;

  constructor(document: Json = {}) {
    this.#components = closed(document.components ?? {});
  }

  assert(schema: unknown, value: unknown, of: string): void {
    const whole = {
      ...closed(schema) as Json,
      components: this.#components,
    };
    const check = this.#ajv.compile(whole);
    assert.ok(
      check(value),
      `${of}: ${this.#ajv.errorsText(check.errors)} in ${
        JSON.stringify(value).slice(0, 500)
      }`,
    );
  }
}
