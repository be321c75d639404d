// .csv files: one line per sample time, one column per channel; `time` is GPS ns. Channels with a lower rate, and
// missing ones, have empty cells. Invariant: every sample is written once, as text that reads back to its value.
import { tableFromIPC } from "@uwdata/flechette";
import { NUMBER_TEXT_MAX, writeFloat32 } from "../frames/number_text.ts";
import { csvCell } from "../text/csv_cell.ts";
import type { RowFile } from "./row_file.ts";

interface Column {
  readonly name: string;
  /** Samples per second. */
  readonly rate: number;
  readonly text: (value: unknown) => string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Writes comma-separated values. */
export class CsvFile implements RowFile {
  readonly #append: (bytes: Uint8Array) => void;
  #schema: Uint8Array = new Uint8Array(0);
  #columns: Column[] = [];
  /** The text of one number. */
  readonly #number = new Uint8Array(NUMBER_TEXT_MAX);

  constructor(append: (bytes: Uint8Array) => void) {
    this.#append = append;
  }

  schema(message: Uint8Array): void {
    this.#schema = message.slice();
    const { fields } = tableFromIPC([this.#schema]).schema;
    this.#columns = fields.slice(1).map((field) => ({
      name: field.name,
      rate: Number(field.metadata?.get("rate") ?? NaN),
      text: isFloat32(field.type)
        ? (value) => this.#float32Text(value)
        : plainText,
    }));
    const heading = ["time", ...this.#columns.map((c) => csvCell(c.name))];
    this.#append(encoder.encode(heading.join(",") + "\n"));
  }

  batch(message: Uint8Array): void {
    const table = tableFromIPC([this.#schema, message], { useBigInt: true });
    const lists = this.#columns.map((_, i) => table.getChildAt(i + 1));
    for (let row = 0; row < table.numRows; row++) {
      const startNs = table.getChildAt(0).at(row) as bigint;
      const samples = lists.map((list) =>
        list.at(row) as ArrayLike<unknown> | null
      );
      this.#append(encoder.encode(this.#lines(startNs, samples)));
    }
  }

  finish(): void {
    // A CSV file has no end marker.
  }

  /** The shortest decimal that reads back to this float32. */
  #float32Text(value: unknown): string {
    if (typeof value !== "number" || !Number.isFinite(value)) {
      return plainText(value);
    }
    const end = writeFloat32(this.#number, 0, value);
    return decoder.decode(this.#number.subarray(0, end));
  }

  /** The lines of one row: the samples of all channels in the order of their times. */
  #lines(
    startNs: bigint,
    samples: readonly (ArrayLike<unknown> | null)[],
  ): string {
    const columns = this.#columns;
    const next = new Int32Array(columns.length);
    let text = "";
    for (;;) {
      let atNs = Infinity;
      for (let i = 0; i < columns.length; i++) {
        if (next[i]! >= (samples[i]?.length ?? 0)) continue;
        atNs = Math.min(atNs, offsetNs(next[i]!, columns[i]!.rate));
      }
      if (atNs === Infinity) return text;
      text += startNs + BigInt(atNs);
      for (let i = 0; i < columns.length; i++) {
        text += ",";
        if (next[i]! >= (samples[i]?.length ?? 0)) continue;
        if (offsetNs(next[i]!, columns[i]!.rate) !== atNs) continue;
        text += columns[i]!.text(samples[i]![next[i]!]);
        next[i]!++;
      }
      text += "\n";
    }
  }
}

/** Whole ns from the row's start to a sample, so that equal times of different rates are equal numbers. */
function offsetNs(sample: number, rate: number): number {
  return Math.floor(sample * 1e9 / rate);
}

function isFloat32(type: unknown): boolean {
  const { children } = type as {
    children?: { type: { precision?: number } }[];
  };
  return children?.[0]?.type.precision === 1;
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return Object.is(value, -0) ? "-0" : String(value);
}
