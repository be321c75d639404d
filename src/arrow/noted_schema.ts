// The schema message of a selection, with what is noted about its channels.
// Invariant: while the notes are the same, it has the same bytes for each client.
import type { FieldNote, SelectionNotes } from "./field_metadata.ts";

/** Makes it for the first client, when the notes have changed, and when it was garbage collected. */
export class NotedSchema {
  readonly #notes: SelectionNotes;
  readonly #make: (notes: readonly (FieldNote | null)[]) => Uint8Array;
  /** Weak, since a client needs it only once: 2 KB that thousands of selections do not keep. */
  #made: WeakRef<Uint8Array> | null = null;
  #version = -1;

  constructor(
    notes: SelectionNotes,
    make: (notes: readonly (FieldNote | null)[]) => Uint8Array,
  ) {
    this.#notes = notes;
    this.#make = make;
  }

  /** Encapsulated. */
  get message(): Uint8Array {
    const isCurrent = this.#version === this.#notes.version;
    const known = isCurrent ? this.#made?.deref() : undefined;
    if (known) return known;
    const { version, notes } = this.#notes.now();
    const made = this.#make(notes);
    this.#made = new WeakRef(made);
    this.#version = version;
    return made;
  }
}
