// The text of a JSON event after its last channel, of rows and of bins.

const encoder = new TextEncoder();
const TAIL = encoder.encode("}}\n\n");

/** Names of channels that are null, each with the reason. */
export type MissReasons = readonly (readonly [string, string])[];

const NONE: MissReasons = [];

/** The end of an event; with reasons, they are its member `missing`. */
export function eventTail(reasons: MissReasons = NONE): Uint8Array {
  if (reasons.length === 0) return TAIL;
  const missing = JSON.stringify(Object.fromEntries(reasons));
  return encoder.encode(`},"missing":${missing}}\n\n`);
}
