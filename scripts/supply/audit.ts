// Compares the packages that `start` loads with advisories and with the list of those that are allowed.
// Invariant: 0 means that at least one service has answered, or that the caller accepts none; each outcome is a line.
import type {
  Advisory,
  AdvisoryService,
  Versioned,
} from "./advisory_services.ts";
import { type Allowed, isAllowed, uselessness } from "./allowed_advisories.ts";

/** An advisory that is not allowed, or a useless entry of the list. */
export const EXIT_FOUND = 1;
/** No service has answered, so nothing is known. */
export const EXIT_UNREACHABLE = 3;

export interface AuditOptions {
  readonly packages: readonly Versioned[];
  readonly services: readonly AdvisoryService[];
  readonly allowed: readonly Allowed[];
  readonly nowMs: number;
  /** Exit with 0 when no service answers. */
  readonly mayBeUnreachable: boolean;
}

export interface AuditResult {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** Asks all services; an advisory that several report counts once. */
export async function audit(
  { packages, services, allowed, nowMs, mayBeUnreachable }: AuditOptions,
): Promise<AuditResult> {
  const lines: string[] = [];
  const found = new Map<string, Advisory>();
  let answered = 0;
  for (const service of services) {
    try {
      for (const one of await service.ask(packages)) {
        found.set(`${one.id} ${one.package} ${one.version}`, one);
      }
      answered++;
      lines.push(`asked ${service.name}: ${packages.length} packages`);
    } catch (error) {
      lines.push(`UNREACHABLE: ${service.name}: ${reasonOf(error)}`);
    }
  }
  const advisories = answered > 0 ? [...found.values()] : null;
  const faults = [
    ...(advisories ?? []).filter((one) =>
      !allowed.some((entry) => isAllowed(entry, one, nowMs))
    ).map(lineOf),
    ...allowed.flatMap((entry) => {
      const why = uselessness(entry, packages, advisories, nowMs);
      return why === null
        ? []
        : [`REMOVE from the list: ${entry.id} of ${entry.package}: ${why}`];
    }),
  ];
  lines.push(
    ...faults,
    ...allowed.map(({ id, package: name, reason }) =>
      `allowed: ${id} of ${name}: ${reason}`
    ),
  );
  if (faults.length > 0) return { lines, exitCode: EXIT_FOUND };
  if (answered > 0) {
    return {
      lines: [...lines, "no advisory that is not allowed"],
      exitCode: 0,
    };
  }
  lines.push("NOT AUDITED: no advisory service has answered");
  return { lines, exitCode: mayBeUnreachable ? 0 : EXIT_UNREACHABLE };
}

function lineOf({ id, package: name, version, severity, title }: Advisory) {
  return `FOUND: ${name} ${version}: ${id} (${severity}) ${title}`.trim();
}

/** A message of fetch(), with its cause, on one line. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  const parts = [message, ...(cause instanceof Error ? [cause.message] : [])];
  return parts.join(": ").replaceAll(/\s+/g, " ");
}
