// .arrows: the messages as they came. Batches of no rows (heartbeats, reasons of an end) are left out.
// Invariant: the file is one Arrow stream, whatever number of connections it took.
import type { RowFile } from "./row_files.ts";

/** Continuation marker and a metadata length of 0. */
const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

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
