// The metadata of the columns of a schema: the sample rate, and what is noted about a channel. Equal ones are written once.
import type { KeyValue } from "./flatbuffer_writer.ts";

/** What is noted about a column's channel. */
export interface FieldNote {
  readonly unit: string | null;
  readonly description: string | null;
}

/** The notes of the channels of a selection, which may change. */
export interface SelectionNotes {
  /** Another one when they may have changed. */
  readonly version: number;
  /** In the order of the columns; a column without a note has null, or nothing. */
  now(): {
    /** Of the notes, which may be older. */
    readonly version: number;
    readonly notes: readonly (FieldNote | null)[];
  };
}

/** Where there are none. */
export const NO_NOTES: SelectionNotes = {
  version: 0,
  now: () => ({ version: 0, notes: [] }),
};

/** The metadata that the columns of one schema have. */
export class FieldMetadata {
  /** By name within the flatbuffer. */
  readonly pairs = new Map<string, readonly KeyValue[]>();
  readonly #numbers = new Map<FieldNote, number>();

  /** The name of a column's metadata; null where it has none. */
  nameOf(
    { rate, note = null }: {
      readonly rate: string | null;
      readonly note?: FieldNote | null;
    },
  ): string | null {
    if (rate === null && note === null) return null;
    const name = note === null
      ? `rate ${rate}`
      : `rate ${rate} note ${this.#numberOf(note)}`;
    if (!this.pairs.has(name)) this.pairs.set(name, pairsOf(rate, note));
    return name;
  }

  #numberOf(note: FieldNote): number {
    const known = this.#numbers.get(note);
    if (known !== undefined) return known;
    this.#numbers.set(note, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

function pairsOf(rate: string | null, note: FieldNote | null): KeyValue[] {
  const pairs: KeyValue[] = [];
  if (rate !== null) pairs.push(["rate", rate]);
  const { unit = null, description = null } = note ?? {};
  if (unit !== null) pairs.push(["unit", unit]);
  if (description !== null) pairs.push(["description", description]);
  return pairs;
}
