// What is known about a channel besides what its publisher says: for axes, tables and readers of Arrow.
import { lineFault } from "./channel_text.ts";

/** At least one of its fields is not null. */
export interface ChannelNote {
  /** Of its samples, such as `m/s²`. */
  readonly unit: string | null;
  /** In one line. */
  readonly description: string | null;
  /** Its samples are usually from `low` to `high`, in the unit. */
  readonly range: readonly [low: number, high: number] | null;
}

export function isSameNote(
  a: ChannelNote | null,
  b: ChannelNote | null,
): boolean {
  return a === b || a !== null && b !== null && a.unit === b.unit &&
      a.description === b.description && a.range?.[0] === b.range?.[0] &&
      a.range?.[1] === b.range?.[1];
}

/** Longest unit and longest description, UTF-16 units. */
export const UNIT_CHARS_MAX = 50;
export const DESCRIPTION_CHARS_MAX = 500;

/** The note in JSON of another instance; what cannot be shown is left out, and null where nothing is left. */
export function noteOfJson(value: unknown): ChannelNote | null {
  if (typeof value !== "object" || value === null) return null;
  const { unit, description, range } = value as Record<string, unknown>;
  const text = (field: unknown, faultOf: (text: string) => string | null) =>
    typeof field === "string" && faultOf(field) === null ? field : null;
  const note = {
    unit: text(unit, unitFault),
    description: text(description, descriptionFault),
    range: isRange(range) ? range : null,
  };
  const isEmpty = Object.values(note).every((field) => field === null);
  return isEmpty ? null : note;
}

/** The fault of a unit; null if it has none. */
export function unitFault(text: string): string | null {
  return lineFault(text, UNIT_CHARS_MAX);
}

/** The fault of a description; null if it has none. */
export function descriptionFault(text: string): string | null {
  return lineFault(text, DESCRIPTION_CHARS_MAX);
}

/** Whether a value is a range: two finite numbers, the lower one first. */
export function isRange(
  value: unknown,
): value is readonly [low: number, high: number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [low, high] = value as unknown[];
  return typeof low === "number" && typeof high === "number" &&
    Number.isFinite(low) && Number.isFinite(high) && low < high;
}
