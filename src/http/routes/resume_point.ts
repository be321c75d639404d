// Where a client that reconnects resumes, parsed from the event id that it sends in a header or in the query.
// Invariant: an id holds all that a reconnect needs, so any instance can serve it, also after a restart.

/** A parsed id. */
export interface ResumePoint {
  /** The client has received everything before this time, GPS ns. */
  readonly afterNs: bigint;
  /** End of the range, GPS ns; only in ids of streams whose end would be another one if the request were repeated. */
  readonly untilNs: bigint | undefined;
}

/** `AFTER` or `AFTER~UNTIL`, GPS ns. */
const ID = /^(\d{1,19})(?:~(\d{1,20}))?$/;

/** Parses an id. Undefined where none is given (or an empty one), null where it is not an id of this service. */
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
