// Metrics of authentication: requests by outcome, catalogs by grant, and the files that say who may read what.
import type { AccessControl } from "../../auth/access_control.ts";
import type { AuthFileState } from "../../auth/auth_files.ts";
import type { Prometheus } from "./prometheus.ts";

export interface AuthParts {
  readonly access: Pick<
    AccessControl,
    "counters" | "denied" | "fileStates" | "views"
  >;
}

export function authMetrics(metrics: Prometheus, { access }: AuthParts): void {
  const { views } = access;
  metrics.counters(
    {
      name: "auth_requests_total",
      help: "Requests by what was found of their credential",
      label: "outcome",
    },
    () => requestsByOutcome(access),
  );
  metrics.gauge(
    "auth_views",
    "Catalogs that hold what one kind of grant allows",
    () => views.size,
  );
  metrics.gauge(
    "auth_view_channels",
    "Channels of all these catalogs together",
    () => views.channels,
  );
  metrics.counter(
    "auth_views_made_total",
    "Such catalogs that were made, each from the whole catalog",
    () => views.counters.gathered,
  );
  metrics.counter(
    "auth_views_dropped_total",
    "Such catalogs that were dropped because there were too many",
    () => views.counters.dropped,
  );
  fileMetrics(metrics, access);
}

/** Requests by outcome, as /metrics and the status name it. Without authentication all are 0. */
export function requestsByOutcome(
  { counters, denied }: AuthParts["access"],
): Record<string, number> {
  const { none, ...others } = denied;
  return { ...counters, no_credential: none, ...others };
}

function fileMetrics(
  metrics: Prometheus,
  access: Pick<AccessControl, "fileStates">,
): void {
  const each = (read: (file: AuthFileState) => number) => () =>
    Object.fromEntries(
      access.fileStates().map((file) => [file.kind, read(file)]),
    );
  const label = "file";
  metrics.gauges(
    {
      name: "auth_file_valid",
      help: "1 while the newest content of the file is in force",
      label,
    },
    each(({ isValid }) => isValid ? 1 : 0),
  );
  metrics.gauges(
    {
      name: "auth_file_entries",
      help: "Tokens, grants or keys that are in force",
      label,
    },
    each(({ entries }) => entries),
  );
  metrics.counters(
    {
      name: "auth_file_loads_total",
      help: "Contents of the file that came into force",
      label,
    },
    each(({ loads }) => loads.valid),
  );
  metrics.counters(
    {
      name: "auth_file_faults_total",
      help: "Contents of the file that were refused",
      label,
    },
    each(({ loads }) => loads.invalid),
  );
}
