// Which suites of test/integration may run at the same time as another one.
// Invariant: a suite that is not listed runs alone. A suite that measures frames, throughput, memory or latency, or needs
// both cores, is not listed.
import type { Group } from "./test_lanes.ts";

/** The longest first, those of the long tier before the others, so that none runs on alone at the end. */
const SHARED: readonly string[] = [
  "faults",
  "relay_faults",
  "flight_parity",
  "roll",
  "page_matrix",
  "workers_crash",
  "clocks",
  "proxy",
  "relay",
  "noninterference_kafka",
  "kafka_faults",
  "client_package",
  "watchdog",
  "trends",
  "sign_in",
  "resume_clients",
  "two_instances",
  "parity",
  "recipes",
  "end_to_end",
  "kafka",
  "publish",
  "workers_trends",
  "flight_h2spec",
  "schemathesis",
  "tail",
  "gzip",
  "flight_torture",
  "auth_tokens",
  "bare_commands",
  "tls",
  "worker_limits",
  "flight_tls",
  "proxy_sign_in",
  "fault_alerts",
  "kafka_committed",
  "kafka_fuzz",
  "deploy",
  "flight_abort",
  "forbidden_times",
  "page_firefox",
  "scitokens",
  "firefox",
  "security",
  "copy_as",
  "packed_arrow",
  "workers",
  "api_page",
  "operators",
  "unwritable_output",
  "reader",
  "workers_figures",
  "unread_log",
  "workers_sessions",
  "same_streams",
];

/**
 * Of the long tier only, the 20 minutes of a soak with two workers: in one lane, at normal priority, while other suites
 * run in the other lane at a lower one, so that they cannot disturb it.
 */
const SOAK = "test/integration/soak_test.ts";
export const LONG_GROUPS: readonly Group[] = [{
  name: `${SOAK}, QANAT_WORKERS=2`,
  paths: [SOAK],
  env: { QANAT_WORKERS: "2" },
  hasPriority: true,
}];

/** Files of suites in two parts: those that run two at a time, the longest first, and those that run alone. */
export function partSuites(
  files: readonly string[],
): { readonly shared: string[]; readonly alone: string[] } {
  const rank = (file: string) => SHARED.indexOf(nameOf(file));
  return {
    shared: files.filter((file) => rank(file) >= 0)
      .sort((a, b) => rank(a) - rank(b)),
    alone: files.filter((file) => rank(file) < 0),
  };
}

/** Listed names without a file among these: mistakes. */
export function unknownSuites(files: readonly string[]): string[] {
  const names = files.map(nameOf);
  return SHARED.filter((name) => !names.includes(name));
}

function nameOf(file: string): string {
  return file.split("/").at(-1)!.replace(/_test\.ts$/, "");
}
