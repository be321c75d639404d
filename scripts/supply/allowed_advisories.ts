// The advisories that are known and allowed: scripts/supply/allowed_advisories.json, and what is wrong with it.
// Invariant: each entry says why, and ends by itself: with a date or with the package's version.
import type { Advisory, Versioned } from "./advisory_services.ts";

/** An entry of the list. */
export interface Allowed {
  readonly id: string;
  readonly package: string;
  /** Why Qanat is not affected, or why it must wait. */
  readonly reason: string;
  /** The entry holds for this version only. */
  readonly version?: string;
  /** `YYYY-MM-DD`: the last day on which the entry holds, UTC. */
  readonly expires?: string;
}

const FIELDS = ["id", "package", "reason", "version", "expires"];
const REASON_CHARS_MIN = 20;
const DAY_MS = 86_400_000;

/** Reads the list. Throws with one line for each fault. */
export function readAllowed(text: string): Allowed[] {
  const entries = JSON.parse(text) as unknown;
  if (!Array.isArray(entries)) throw new Error("the list must be an array");
  const faults = entries.flatMap((entry, i) =>
    entryFaults(entry).map((fault) => `entry ${i + 1}: ${fault}`)
  );
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return entries as Allowed[];
}

function entryFaults(entry: unknown): string[] {
  if (typeof entry !== "object" || entry === null) {
    return ["must be an object"];
  }
  const { id, package: name, reason, version, expires } = entry as Record<
    string,
    unknown
  >;
  const faults = Object.keys(entry).filter((key) => !FIELDS.includes(key))
    .map((key) => `unknown field ${key}; there are ${FIELDS.join(", ")}`);
  if (typeof id !== "string" || !/^[A-Za-z]+-[\w-]+$/.test(id)) {
    faults.push("id must be that of an advisory, such as GHSA-xxxx-xxxx-xxxx");
  }
  if (typeof name !== "string" || name === "") {
    faults.push("package must be a name");
  }
  if (typeof reason !== "string" || reason.trim().length < REASON_CHARS_MIN) {
    faults.push(`reason must have at least ${REASON_CHARS_MIN} characters`);
  }
  if (version === undefined && expires === undefined) {
    faults.push("needs version or expires");
  }
  if (version !== undefined && typeof version !== "string") {
    faults.push("version must be a text");
  }
  if (expires !== undefined && !isDay(expires)) {
    faults.push("expires must be a day, YYYY-MM-DD");
  }
  return faults;
}

function isDay(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) {
    return false;
  }
  const day = new Date(value);
  return !Number.isNaN(day.valueOf()) && day.toISOString().startsWith(value);
}

/** Whether an entry allows an advisory now. */
export function isAllowed(
  allowed: Allowed,
  { id, package: name, version }: Advisory,
  nowMs: number,
): boolean {
  return allowed.id === id && allowed.package === name &&
    (allowed.version === undefined || allowed.version === version) &&
    !isExpired(allowed, nowMs);
}

export function isExpired({ expires }: Allowed, nowMs: number): boolean {
  return expires !== undefined && nowMs >= Date.parse(expires) + DAY_MS;
}

/** Why an entry is of no use, or null. Without `advisories` only what needs no service is checked. */
export function uselessness(
  allowed: Allowed,
  packages: readonly Versioned[],
  advisories: readonly Advisory[] | null,
  nowMs: number,
): string | null {
  const { id, package: name, version, expires } = allowed;
  if (isExpired(allowed, nowMs)) return `has expired on ${expires}`;
  const loaded = packages.filter((one) => one.name === name);
  if (loaded.length === 0) return `start does not load ${name}`;
  if (version !== undefined && !loaded.some((p) => p.version === version)) {
    return `start loads ${name} ${loaded[0]!.version}, not ${version}`;
  }
  if (advisories === null) return null;
  return advisories.some((one) => isAllowed(allowed, one, nowMs))
    ? null
    : `no advisory ${id} affects ${name} ${loaded[0]!.version}`;
}
