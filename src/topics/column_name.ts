// Reads the name of a column of a mapped topic.
// Invariant: a name that is returned is one that a reader of Arrow schemas keeps.
import { COLUMN_NAME_BYTES_MAX } from "../arrow/schema_fields.ts";
import { FieldFault, textOf } from "../files/field_readers.ts";
import type { JsonStep } from "../files/json_line.ts";

export function columnOf(
  object: Record<string, unknown>,
  path: readonly JsonStep[],
): string {
  const column = textOf(object, "column", path);
  if (new TextEncoder().encode(column).length <= COLUMN_NAME_BYTES_MAX) {
    return column;
  }
  throw new FieldFault(
    [...path, "column"],
    `column must have at most ${COLUMN_NAME_BYTES_MAX} bytes`,
  );
}
