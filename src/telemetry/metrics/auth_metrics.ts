// Metrics of authentication: requests by outcome, catalogs by grant, and the files that say who may read what.
import type { AccessControl } from "../../auth/access_control.ts";
import type { AuthFileState } from "../../auth/auth_files.ts";
import type { IssuerFigures, JwtFigures } from "../../auth/jwt_figures.ts";
import type { NameAndHelp, Prometheus } from "./prometheus.ts";

export interface AuthParts {
  readonly access: Pick<
    AccessControl,
    "counters" | "denied" | "fileStates" | "jwtFigures" | "sessions" | "views"
  >;
}

const JWT_COUNTERS = {
  checks: ["auth_jwt_checks_total", "Signatures of JWTs that were checked"],
  remembered: [
    "auth_jwt_remembered_total",
    "Requests with a JWT that had been verified or refused before",
  ],
} satisfies Record<keyof JwtFigures["counters"], NameAndHelp>;

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
  jwtMetrics(metrics, access);
  sessionMetrics(metrics, access);
}

/** Without authentication there are no sessions, and all are 0. */
function sessionMetrics(
  metrics: Prometheus,
  { sessions }: Pick<AccessControl, "sessions">,
): void {
  metrics.counters(
    {
      name: "auth_sessions_total",
      help: "Sessions of browsers by what became of them",
      label: "outcome",
    },
    () => ({
      begun: sessions?.counters.begun ?? 0,
      ended: sessions?.counters.ended ?? 0,
      too_large: sessions?.counters.tooLarge ?? 0,
    }),
  );
  metrics.counter(
    "auth_session_overflows_total",
    "How often the list of ended sessions was full, so that more sessions were ended",
    () => sessions?.ended.overflows ?? 0,
  );
}

/** Without JWTs all are 0, and there is no issuer. */
function jwtMetrics(
  metrics: Prometheus,
  access: Pick<AccessControl, "jwtFigures">,
): void {
  metrics.counterTable(
    JWT_COUNTERS,
    (counter) => access.jwtFigures?.counters[counter] ?? 0,
  );
  metrics.counters(
    {
      name: "auth_jwt_busy_total",
      help:
        "JWTs that were refused because too many waited, of all or of their address's share",
      label: "limit",
    },
    () => ({ ...access.jwtFigures?.busy ?? { all: 0, share: 0 } }),
  );
  metrics.gauge(
    "auth_jwt_waiting",
    "JWTs that wait for the check of their signature",
    () => access.jwtFigures?.waiting ?? 0,
  );
  metrics.gauge(
    "auth_jwt_known",
    "Verified JWTs that are remembered",
    () => access.jwtFigures?.remembered ?? 0,
  );
  const each = (read: (issuer: IssuerFigures) => number) => () =>
    Object.fromEntries(
      [...access.jwtFigures?.issuers ?? []].map((figures) => [
        figures.issuer,
        read(figures),
      ]),
    );
  const label = "issuer";
  metrics.gauges(
    {
      name: "auth_issuer_failing_seconds",
      help: "For how long the keys of the issuer could not be read",
      label,
    },
    each(({ failingMs }) => failingMs / 1000),
  );
  metrics.counters(
    {
      name: "auth_issuer_reads_total",
      help: "Fetches of the issuer's keys that succeeded",
      label,
    },
    each(({ counters }) => counters.reads),
  );
  metrics.counters(
    {
      name: "auth_issuer_failures_total",
      help: "Fetches of the issuer's keys that failed",
      label,
    },
    each(({ counters }) => counters.failures),
  );
}

/** Requests by outcome. Without authentication all are 0. */
function requestsByOutcome(
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
