// What the records of a ring hold, for torn_reads.ts.

export const RECORD_BYTES = 4096;

/** In all bytes of the record with this number. Not a power of two, so that a ring never has the same one again in a place. */
export function valueOf(record: number): number {
  return record % 251;
}
