// .arrows files: the messages as the server sent them, without batches of no rows (heartbeats, ends).
// Invariant: the file is one Arrow stream, however many connections brought it.
import type { RowFile } from "./row_file.ts";

/** Continuation marker and a metadata length of 0. */
const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** Writes an Arrow IPC stream. */
export class ArrowsFile implements RowFile {
  readonly #append: (bytes: Uint8Array) => void;

  constructor(append: (bytes: Uint8Array) => void) {
    this.#append = append;
  }

  schema(message: Uint8Array): void {
    this.#append(message);
  }

  batch(message: Uint8Array): void {
    this.#append(message);
  }

  finish(): void {
    this.#append(END_OF_STREAM);
  }
}
