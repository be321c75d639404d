// What became of a message, from its partition to the block store.
/**
 * `returned`: stored, and rows wait for the partition again, which was absent. `late`: it
 * came after it was given up; it is stored all the same, unless it jumps back.
 */
export type Arrival =
  | "stored"
  | "returned"
  | "late"
  | "duplicate"
  | "future"
  | "bad"
  | "too-large"
  | "reset";
