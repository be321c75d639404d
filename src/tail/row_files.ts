// Files that rows are written to: the door of the three formats.
// Invariant: a sink sees the schema once, then batches in the order of time, then finish(), also when the stream broke.
import type { FileFormat } from "./options.ts";
import { ArrowsFile } from "./arrows_file.ts";
import { CsvFile } from "./csv_file.ts";

/** Takes the messages of one Arrow stream. */
export interface RowFile {
  schema(message: Uint8Array): void;
  batch(message: Uint8Array): void;
  /** Writes what the format wants at its end. */
  finish(): void;
}

/** A file of the format, over a function that appends bytes. */
export async function rowFileOf(
  format: FileFormat,
  append: (bytes: Uint8Array) => void,
): Promise<RowFile> {
  if (format === "arrows") return new ArrowsFile(append);
  if (format === "csv") return new CsvFile(append);
  // Loaded only here: nobody else needs the library.
  const { ParquetFile } = await import("./parquet_file.ts");
  return new ParquetFile(append);
}
