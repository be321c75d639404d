// Counts refused clients by limit.

/** The limit that a client was refused by, as `/metrics` names it. */
export const REFUSALS = [
  "clients",
  "address",
  "share",
  "openings",
  "memory",
  "histories",
  "trends",
  "selection",
  "row",
  "draining",
] as const;
export type Refusal = typeof REFUSALS[number];

/** Refusals by limit, all 0. */
export function newRefusals(): Record<Refusal, number> {
  return Object.fromEntries(REFUSALS.map((name) => [name, 0])) as Record<
    Refusal,
    number
  >;
}
