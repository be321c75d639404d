// Arrow streams for the tests of `tail`, made with the template of the service.
import { withMetadata } from "../../src/arrow/message_metadata.ts";
import { RowTemplate } from "../../src/arrow/row_template.ts";

export const STRIDE_NS = 1_000_000_000n;
export const FIRST_NS = 1_400_000_000_000_000_000n;

const TEMPLATE = new RowTemplate([
  { name: "A", dataType: "float32", rate: "4", samples: 4 },
  { name: "B", dataType: "int64", rate: "2", samples: 2 },
]);

export const SCHEMA = TEMPLATE.schemaMessage;

/** Schema of other channels. */
export const OTHER_SCHEMA = new RowTemplate([
  { name: "C", dataType: "float32", rate: "4", samples: 4 },
]).schemaMessage;

/** Row `index`: A counts on in quarters, B is null in every third row. */
export function rowMessage(index: number): Uint8Array {
  const bytes = new Uint8Array(TEMPLATE.byteLength);
  TEMPLATE.begin(bytes, 0, FIRST_NS + BigInt(index) * STRIDE_NS);
  const view = new DataView(bytes.buffer);
  TEMPLATE.setPresent(bytes, 0, 0);
  for (let k = 0; k < 4; k++) {
    const at = TEMPLATE.valuesByteOffset(0) + 4 * k;
    view.setFloat32(at, index === 0 && k === 0 ? -0 : index + k / 4, true);
  }
  if (index % 3 === 2) return bytes;
  TEMPLATE.setPresent(bytes, 0, 1);
  for (let k = 0; k < 2; k++) {
    const at = TEMPLATE.valuesByteOffset(1) + 8 * k;
    view.setBigInt64(at, BigInt(2 * index + k) - 2n ** 53n - 1n, true);
  }
  return bytes;
}

/** A batch of no rows that says why the stream ends. */
export function endMessage(reason: string): Uint8Array {
  return withMetadata(
    TEMPLATE.emptyBatch,
    "qanat.end",
    JSON.stringify({ reason }),
  );
}

/** A row behind a gap. */
export function gapMessage(index: number, reason: string): Uint8Array {
  return withMetadata(
    rowMessage(index),
    "qanat.gap",
    JSON.stringify({ reason }),
  );
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
