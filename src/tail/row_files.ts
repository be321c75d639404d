// Makes the file of a format.
// Invariant: a format's library is loaded only when a file of that format is written.
import { ArrowsFile } from "./arrows_file.ts";
import { CsvFile } from "./csv_file.ts";
import type { FileFormat } from "./options.ts";
import type { RowFile } from "./row_file.ts";

/** A file of the format. `append` adds bytes to it and may throw; the bytes are valid during the call only. */
export async function rowFileOf(
  format: FileFormat,
  append: (bytes: Uint8Array) => void,
): Promise<RowFile> {
  if (format === "arrows") return new ArrowsFile(append);
  if (format === "csv") return new CsvFile(append);
  const { ParquetFile } = await import("./parquet_file.ts");
  return new ParquetFile(append);
}
