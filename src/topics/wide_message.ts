// Reads one message of a mapped topic: an Arrow IPC stream of a schema and its record batches.
// Invariant: it never reads outside the message. A header that equals an earlier one is not parsed again.
import { Buffer } from "node:buffer";
import {
  HEADER_RECORD_BATCH,
  MessageHeader,
  prefixedBytes,
} from "../arrow/message_header.ts";
import { type BatchPlan, batchPlanOf } from "./batch_plan.ts";
import type { BatchBody } from "./copy_samples.ts";
import { ExpandedBuffers } from "./expand_buffers.ts";
import { MessageFault } from "./message_fault.ts";
import { planOf, type SchemaPlan } from "./schema_plan.ts";
import type { TopicMapping } from "./topic_mapping.ts";

/** Largest message that is read, and the most that its buffers expand to, bytes. */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
const SCHEMA_BYTES_MAX = 4 * 1024 * 1024;
const BATCHES_MAX = 1024;
/** Schemas and batch headers that are kept, so that producers with different ones may take turns. */
const SCHEMAS_KEPT = 2;
const HEADERS_KEPT = 4;
const HEADER_DICTIONARY_BATCH = 2;

export interface Batch extends BatchBody {
  readonly plan: BatchPlan;
}

/** With a copy of the header. */
interface KnownSchema {
  readonly bytes: Uint8Array;
  readonly plan: SchemaPlan;
}

interface KnownHeader {
  readonly bytes: Uint8Array;
  readonly schema: SchemaPlan;
  readonly plan: BatchPlan;
}

export class WideMessage {
  readonly #mapping: TopicMapping;
  readonly #rowsMax: number;
  readonly #schemas: KnownSchema[] = [];
  readonly #headers: KnownHeader[] = [];
  readonly #expanded = new ExpandedBuffers(MESSAGE_BYTES_MAX);
  /** The batches of the message that was read last, without empty ones. */
  readonly batches: Batch[] = [];
  rowCount = 0;

  /** `rowsMax`: the most rows of one message. */
  constructor(mapping: TopicMapping, rowsMax: number) {
    this.#mapping = mapping;
    this.#rowsMax = rowsMax;
  }

  /** The plan of the message's schema. Throws {@linkcode MessageFault}, or RangeError where the message is damaged. */
  read(value: Uint8Array): SchemaPlan {
    this.batches.length = 0;
    this.rowCount = 0;
    this.#expanded.beginMessage();
    if (value.byteLength > MESSAGE_BYTES_MAX) {
      throw new MessageFault(
        `${value.byteLength} bytes, at most ${MESSAGE_BYTES_MAX} are read`,
      );
    }
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const schemaBytes = prefixedBytes(view, 0);
    if (schemaBytes < 0) throw new MessageFault("not an Arrow IPC stream");
    const schema = this.#schemaOf(value, schemaBytes);
    let at = schemaBytes;
    for (let count = 0; at < value.byteLength; count++) {
      const headerBytes = prefixedBytes(view, at);
      if (headerBytes < 0) {
        if (isEnd(view, at)) break;
        throw new MessageFault(`no Arrow message at byte ${at}`);
      }
      if (count === BATCHES_MAX) {
        throw new MessageFault(`more than ${BATCHES_MAX} record batches`);
      }
      at = this.#readBatch(value, view, { at, headerBytes, schema });
    }
    return schema;
  }

  #schemaOf(value: Uint8Array, length: number): SchemaPlan {
    for (const known of this.#schemas) {
      if (isAt(value, 0, length, known.bytes)) return known.plan;
    }
    if (length > SCHEMA_BYTES_MAX) {
      throw new MessageFault(
        `a schema of ${length} bytes, at most ${SCHEMA_BYTES_MAX} are read`,
      );
    }
    const bytes = Uint8Array.from(value.subarray(0, length));
    const plan = planOf(bytes, this.#mapping);
    if (typeof plan === "string") throw new MessageFault(plan);
    this.#schemas.unshift({ bytes, plan });
    this.#schemas.length = Math.min(this.#schemas.length, SCHEMAS_KEPT);
    return plan;
  }

  /** Reads the Arrow message at byte `at`; where the next one begins. */
  #readBatch(
    value: Uint8Array,
    view: DataView,
    { at, headerBytes, schema }: {
      readonly at: number;
      readonly headerBytes: number;
      readonly schema: SchemaPlan;
    },
  ): number {
    const bodyAt = at + headerBytes;
    for (const known of this.#headers) {
      if (known.schema !== schema) continue;
      if (!isAt(value, at, headerBytes, known.bytes)) continue;
      const end = bodyAt + known.plan.bodyBytes;
      checkEnd(end, value);
      this.#add({ bytes: value, view, at: bodyAt, plan: known.plan });
      return end;
    }
    const header = new MessageHeader(view, at);
    const end = bodyAt + header.bodyBytes;
    checkEnd(end, value);
    if (end < bodyAt) throw new MessageFault("a body of negative length");
    // Dictionaries belong to columns that are not read.
    if (header.headerType === HEADER_DICTIONARY_BATCH) return end;
    if (header.headerType !== HEADER_RECORD_BATCH) {
      throw new MessageFault("a message is not a record batch");
    }
    if (header.isCompressed) {
      this.#addExpanded(header, value.subarray(bodyAt, end), schema);
      return end;
    }
    const plan = batchPlanOf(
      header,
      schema,
      this.#rowsMax,
      (buffer, needed) => inside(header, buffer, needed),
    );
    const bytes = Uint8Array.from(value.subarray(at, bodyAt));
    this.#headers.unshift({ bytes, schema, plan });
    this.#headers.length = Math.min(this.#headers.length, HEADERS_KEPT);
    this.#add({ bytes: value, view, at: bodyAt, plan });
    return end;
  }

  #addExpanded(
    header: MessageHeader,
    body: Uint8Array,
    schema: SchemaPlan,
  ): void {
    const expanded = this.#expanded;
    expanded.beginBatch();
    const plan = batchPlanOf(
      header,
      schema,
      this.#rowsMax,
      (buffer, needed) => expanded.expand(body, header, buffer, needed),
    );
    const { bytes } = expanded;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#add({ bytes, view, at: 0, plan });
  }

  #add(batch: Batch): void {
    const { rowCount } = batch.plan;
    if (rowCount === 0) return;
    this.rowCount += rowCount;
    if (this.rowCount > this.#rowsMax) {
      throw new MessageFault(
        `${this.rowCount} rows, at most ${this.#rowsMax} are taken`,
      );
    }
    this.batches.push(batch);
  }
}

function inside(
  batch: MessageHeader,
  buffer: number,
  neededBytes: number,
): number {
  const { at, bytes } = batch.buffer(buffer);
  if (neededBytes === 0) return 0;
  if (!(at >= 0 && bytes >= 0 && at + bytes <= batch.bodyBytes)) {
    throw new MessageFault(`buffer ${buffer} lies outside the body`);
  }
  if (bytes >= neededBytes) return at;
  throw new MessageFault(
    `buffer ${buffer} has ${bytes} bytes, needs ${neededBytes}`,
  );
}

function checkEnd(end: number, { byteLength }: Uint8Array): void {
  if (!(end <= byteLength)) throw new MessageFault("a body is cut short");
}

/** The end of the stream: a continuation mark, and no metadata. */
function isEnd(view: DataView, at: number): boolean {
  return at + 8 <= view.byteLength && view.getInt32(at, true) === -1 &&
    view.getInt32(at + 4, true) === 0;
}

/** Whether the `length` bytes at byte `at` are the known ones. Headers of many columns have 20 KB: Buffer is the fastest. */
function isAt(
  value: Uint8Array,
  at: number,
  length: number,
  known: Uint8Array,
): boolean {
  return length === known.byteLength &&
    Buffer.compare(value.subarray(at, at + length), known) === 0;
}
