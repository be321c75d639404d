// Which suites of test/integration may run at the same time as another one.
// Invariant: a suite that is not listed runs alone. A suite that measures frames, throughput, memory or latency, or needs
// both cores, is not listed.
import type { Group } from "./test_lanes.ts";

/** The longest first, those of the long tier before the others, so that none runs on alone at the end. */
const SHARED: readonly string[] = [
  "faults",
  "relay_faults",
  "flight_parity",
  "page",
  "page_matrix",
  "workers_crash",
  "clocks",
  "proxy",
  "relay_tree",
  "relay",
  "noninterference_kafka",
  "kafka_faults",
  "client_package",
  "watchdog",
  "trends",
  "sign_in",
  "resume_clients",
  "parity",
  "recipes",
  "readme",
  "topics",
  "packages_npm",
  "grafana",
  "available",
  "end_to_end",
  "kafka",
  "publish",
  "workers_trends",
  "flight_h2spec",
  "schemathesis",
  "tail",
  "gzip",
  "pasted_process",
  "cache",
  "auth_tokens",
  "bare_commands",
  "task_help",
  "channel_notes",
  "tls",
  "worker_limits",
  "flight_tls",
  "proxy_sign_in",
  "fault_alerts",
  "metrics",
  "kafka_committed",
  "kafka_fuzz",
  "deploy",
  "image",
  "systemd",
  "flight_abort",
  "forbidden_times",
  "page_firefox",
  "page_overlay",
  "page_thresholds",
  "page_layout",
  "page_card",
  "page_idle",
  "page_loading",
  "page_touch",
  "scitokens",
  "firefox",
  "security",
  "copy_as",
  "page_tasks",
  "page_spectra",
  "jupyter",
  "packed_arrow",
  "lines",
  "workers",
  "api_page",
  "operators",
  "unwritable_output",
  "reader",
  "workers_figures",
  "unread_log",
  "chart",
  "workers_sessions",
  "same_streams",
];

/** Suites that take most of an hour in the long tier, together with {@linkcode SOAK_OF_WORKERS}. */
const LONG: readonly string[] = ["relay_tree"];
const SOAK_OF_WORKERS: Group = {
  name: "test/integration/soak_test.ts, QANAT_WORKERS=2",
  paths: ["test/integration/soak_test.ts"],
  env: { QANAT_WORKERS: "2" },
  hasPriority: true,
};

/** What runs two at a time, the longest first, and the files that run alone. */
export interface Parts {
  readonly shared: readonly Group[];
  readonly alone: readonly string[];
}

/**
 * Parts the files of suites. In the whole long tier the longest ones have one lane, at normal priority; other suites run in
 * the other lane at a lower one, so that they cannot disturb them.
 */
export function partSuites(
  files: readonly string[],
  isWholeLongTier: boolean,
): Parts {
  const isLong = (file: string) =>
    isWholeLongTier && LONG.includes(nameOf(file));
  const rank = (file: string) => SHARED.indexOf(nameOf(file));
  const longest = files.filter(isLong).map((file) => ({
    ...groupOf(file),
    hasPriority: true,
  }));
  const others = files.filter((file) => !isLong(file));
  const shared = others.filter((file) => rank(file) >= 0)
    .sort((a, b) => rank(a) - rank(b)).map(groupOf);
  const alone = others.filter((file) => rank(file) < 0);
  if (isWholeLongTier) {
    return { shared: [SOAK_OF_WORKERS, ...longest, ...shared], alone };
  }
  // A single one shows its progress.
  return shared.length > 1 ? { shared, alone } : { shared: [], alone: files };
}

function groupOf(file: string): Group {
  return { name: file, paths: [file] };
}

/** Listed names without a file among these: mistakes. */
export function unknownSuites(files: readonly string[]): string[] {
  const names = files.map(nameOf);
  return [...SHARED, ...LONG].filter((name) => !names.includes(name));
}

function nameOf(file: string): string {
  return file.split("/").at(-1)!.replace(/_test\.ts$/, "");
}
