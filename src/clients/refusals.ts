// Counts refused clients by limit, and names the limits of one owner or address in words.
import type { ShareHolder } from "../shares/share_holder.ts";

/** The limit that a client was refused by, as `/metrics` names it. */
export const REFUSALS = [
  "clients",
  "address",
  "owner",
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

/** The share of one holder, in words. */
export function shareText(
  { limit, holder }: { readonly limit: string; readonly holder: ShareHolder },
  percent: number,
): string {
  return `${percent} % for one ${holder.kind} of what others leave of ${limit}`;
}

/** The most that one holder may have, in words. */
export function mostText(
  max: number | undefined,
  what: "client" | "history",
  kind: ShareHolder["kind"],
): string {
  const many = what === "client" ? "clients" : "histories";
  return `${max} ${max === 1 ? what : many} per ${kind}`;
}
