// What a message's schema means for a mapped topic: where the time is, and which columns are channels.
// Invariant: a planned column has a type that channels can have, and as many samples in a row as its channel.
import {
  type Column,
  columnsOf,
  type ColumnType,
  typeWords,
} from "../arrow/schema_fields.ts";
import { HEADER_SCHEMA, MessageHeader } from "../arrow/message_header.ts";
import { type DataType, SAMPLE_BYTES } from "../channels/channel.ts";
import { shownText } from "../channels/channel_text.ts";
import type { MappedChannel, TopicMapping } from "./topic_mapping.ts";

/** A column whose samples are those of a channel. */
export interface PlannedColumn {
  /** Number of the channel in the mapping. */
  readonly index: number;
  readonly kind: "scalar" | "list" | "large-list" | "fixed-list";
  readonly dataType: DataType;
  readonly sampleBytes: number;
  /** Samples in one row. */
  readonly rowSamples: number;
  readonly node: number;
  readonly buffer: number;
}

/** A column that cannot be the channel that the mapping names. */
export interface ColumnFault {
  readonly index: number;
  readonly detail: string;
}

export interface SchemaPlan {
  readonly nodeCount: number;
  readonly bufferCount: number;
  readonly time: { readonly node: number; readonly buffer: number };
  /** In the order of the mapping; columns that the schema lacks are left out. */
  readonly columns: readonly PlannedColumn[];
  /** Bytes of all samples of one row. */
  readonly rowBytes: number;
  readonly faults: readonly ColumnFault[];
}

/** The plan of a schema message, or what is wrong with it. Throws RangeError where it is damaged. */
export function planOf(
  bytes: Uint8Array,
  mapping: TopicMapping,
): SchemaPlan | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const schema = new MessageHeader(view, 0);
  if (schema.headerType !== HEADER_SCHEMA || schema.bodyBytes !== 0) {
    return "the first message is not a schema";
  }
  const found = columnsOf(schema);
  if (typeof found === "string") return found;
  const byName = new Map<string, Column>();
  for (const column of found.columns) {
    if (!byName.has(column.name)) byName.set(column.name, column);
  }
  const time = byName.get(mapping.timeColumn);
  const wrong = timeFault(time?.type, mapping);
  if (!time || wrong !== null) return wrong ?? "no time column";
  const columns: PlannedColumn[] = [];
  const faults: ColumnFault[] = [];
  mapping.channels.forEach((channel, index) => {
    const column = byName.get(channel.column);
    if (!column) return;
    const planned = plannedOf(column, channel, index);
    if (typeof planned === "string") faults.push({ index, detail: planned });
    else columns.push(planned);
  });
  const { nodeCount, bufferCount } = found;
  const rowBytes = columns.reduce(
    (bytes, { rowSamples, sampleBytes }) => bytes + rowSamples * sampleBytes,
    0,
  );
  return { nodeCount, bufferCount, time, columns, rowBytes, faults };
}

function timeFault(
  type: ColumnType | undefined,
  { timeColumn, unit }: TopicMapping,
): string | null {
  const name = `time column ${shownText(timeColumn)}`;
  if (type === undefined) return `it has no ${name}`;
  if (type.kind === "timestamp") {
    return type.unit === unit
      ? null
      : `${name} has the unit ${type.unit}; --topics says ${unit}`;
  }
  if (type.kind === "scalar" && type.dataType === "int64") return null;
  return `${name} is ${typeWords(type)}; int64 and timestamp are read`;
}

function plannedOf(
  { type, node, buffer }: Column,
  { rowSamples }: MappedChannel,
  index: number,
): PlannedColumn | string {
  const fits = `a row must have ${rowSamples} sample${
    rowSamples === 1 ? "" : "s"
  } of a number type`;
  switch (type.kind) {
    case "scalar":
      if (rowSamples !== 1) return `its column is ${typeWords(type)}; ${fits}`;
      break;
    case "fixed-list":
      if (type.size !== rowSamples) {
        return `its column is ${typeWords(type)}; ${fits}`;
      }
      break;
    case "list":
    case "large-list":
      break;
    default:
      return `its column is ${typeWords(type)}; ${fits}`;
  }
  const { kind, dataType } = type;
  const sampleBytes = SAMPLE_BYTES[dataType];
  return { index, kind, dataType, sampleBytes, rowSamples, node, buffer };
}
