// How the values of several threads become one value of /metrics, for each metric.
// Invariant: each gauge is in the table; counters and histograms that are not are summed (test/telemetry/metrics/adding_test.ts).

/**
 * `sum`: of all threads. `max`, `min`: all threads see the same, or the worst counts. `reading`: the thread that reads has
 * the value; the others show it only if that thread does not answer.
 */
export type Adding = "sum" | "max" | "min" | "reading";

/** By the metric's name without `qanat_`. */
export const ADDING = {
  // Facts about the process, and about what all threads share.
  build_info: "max",
  uptime_seconds: "max",
  rss_bytes: "max",
  memory_per_client_bytes: "reading",
  raw_socket_writes: "min",
  ring_capacity_bytes: "max",
  ring_occupied_bytes: "max",
  ring_high_water_bytes: "max",
  ring_held_seconds: "max",
  ring_pages_reclaimed_total: "max",
  // All threads count in the same pools.
  client_addresses: "max",
  histories: "max",
  resumes: "max",
  // The worst thread counts.
  ready: "min",
  event_loop_delay_seconds: "max",
  fan_out_busy_seconds: "max",
  request_steps_max: "max",
  clock_wall_ahead_seconds: "max",
  clock_behind_seconds: "max",
  partitions_silent: "max",
  partitions_ahead: "max",
  // Each thread looks at the same clock, the same files and the same list, and counts each event once.
  clock_steps_total: "max",
  auth_file_valid: "min",
  auth_file_entries: "max",
  auth_file_loads_total: "max",
  auth_file_faults_total: "max",
  auth_session_overflows_total: "max",
  auth_issuer_failing_seconds: "max",
  tls_certificate_not_after_seconds: "min",
  tls_certificate_current: "min",
  tls_certificate_reloads_total: "max",
  // The source is in the thread that reads, and so is the usage log.
  source_reachable: "reading",
  source_counter: "reading",
  channels: "reading",
  channels_refused_total: "reading",
  topics_missing: "reading",
  topics_with_more_partitions: "reading",
  kafka_leaders_unreachable: "reading",
  kafka_behind_messages: "reading",
  kafka_uncommitted_messages: "reading",
  kafka_seconds_total: "reading",
  upstream_connected: "reading",
  upstream_failures_total: "reading",
  usage_log_lines_total: "reading",
  usage_log_lines_lost_total: "reading",
  usage_log_failing: "reading",
  // What each thread has of its own.
  heap_bytes: "sum",
  heap_used_bytes: "sum",
  external_bytes: "sum",
  slab_budget_bytes: "sum",
  slab_committed_bytes: "sum",
  slab_used_bytes: "sum",
  slab_used_slots: "sum",
  slab_high_water_bytes: "sum",
  slab_reserved_bytes: "sum",
  clients: "sum",
  clients_to_drain: "sum",
  selections: "sum",
  openings_waiting: "sum",
  histories_waiting: "sum",
  resumes_waiting: "sum",
  relay_streams: "sum",
  request_works: "sum",
  request_bodies_bytes: "sum",
  connections: "sum",
  connection_held_bytes: "sum",
  connection_unread_bytes: "sum",
  flight_connections: "sum",
  flight_calls: "sum",
  flight_message_bytes: "sum",
  auth_views: "sum",
  auth_view_channels: "sum",
  auth_jwt_waiting: "sum",
  auth_jwt_known: "sum",
  trend_channels: "reading",
  trend_bytes: "reading",
  trend_budget_bytes: "reading",
} as const satisfies Readonly<Record<string, Adding>>;

/** By the full name. */
export function addingOf(name: string): Adding {
  const table: Readonly<Record<string, Adding>> = ADDING;
  return table[name.replace(/^qanat_/, "")] ?? "sum";
}
