// What became of the messages of one partition, counted.

export type BlockCounters = ReturnType<typeof newBlockCounters>;

/** Counters of a partition's messages, all 0. */
export function newBlockCounters() {
  return {
    /** Blocks that were stored, and the bytes of their messages. */
    blocks: 0,
    bytes: 0,
    /** Messages that cannot be read. */
    bad: 0,
    /** Blocks that came after they were given up. */
    late: 0,
    duplicate: 0,
    /** Blocks that were stamped ahead of the clock. */
    future: 0,
    /** Messages that do not fit in the page ring. */
    tooLarge: 0,
    /** Blocks that were given up: they did not come in time, or could not be read. */
    missed: 0,
    /** Jumps back in time. */
    resets: 0,
    /** Arrow message headers that were known already, and those that had to be decoded. */
    headerHits: 0,
    headerMisses: 0,
  };
}
