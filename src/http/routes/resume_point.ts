// Where a client goes on: read from the id that it sends back, in a header or in the query.
// Invariant: an id holds all that a reconnect needs, so any instance can serve it, also after a restart.

/** What an id says. */
export interface ResumePoint {
  /** Everything before this was received, GPS ns. */
  readonly afterNs: bigint;
  /** Where a `duration` that began at now ends, GPS ns; only ids of such streams carry it. */
  readonly untilNs: bigint | undefined;
}

/** `AFTER` or `AFTER~UNTIL`, GPS ns. */
const ID = /^(\d{1,19})(?:~(\d{1,20}))?$/;

/** Undefined where no id is given (or an empty one), null where it is none of ours. */
export function resumePointOf(
  id: string | undefined,
): ResumePoint | null | undefined {
  if (id === undefined || id === "") return undefined;
  const parts = ID.exec(id);
  if (parts === null) return null;
  const [, after, until] = parts;
  return {
    afterNs: BigInt(after!),
    untilNs: until === undefined ? undefined : BigInt(until),
  };
}
