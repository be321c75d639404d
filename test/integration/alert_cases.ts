// Unit tests of deploy/prometheus/alerts.yaml for `promtool test rules`: an hour of one instance, a value a minute.
// Invariant: while all is quiet nothing fires; each case changes one series, and its alert alone fires.

/** Counters that are above zero, and refusals that are the clients' own. */
const QUIET: Readonly<Record<string, string>> = {
  'up{job="qanat", instance="a"}': "1x60",
  'qanat_ready{instance="a"}': "1x60",
  'qanat_source_reachable{instance="a"}': "1x60",
  'qanat_upstream_connected{instance="a", upstream="b:80"}': "1x60",
  'qanat_upstream_connected{instance="a", upstream="c:80"}': "0x60",
  'qanat_clients{instance="a"}': "5x60",
  'qanat_blocks_total{instance="a"}': "0+240x60",
  'qanat_rows_late_total{instance="a"}': "3x60",
  'qanat_messages_bad_total{instance="a"}': "2x60",
  'qanat_records_refused_total{instance="a"}': "1x60",
  'qanat_offset_holes_total{instance="a"}': "4x60",
  'qanat_blocks_future_total{instance="a"}': "1x60",
  'qanat_clock_wall_ahead_seconds{instance="a"}': "0x60",
  'qanat_clock_behind_seconds{instance="a"}': "0x60",
  'qanat_clients_refused_total{instance="a", limit="clients"}': "7x60",
  'qanat_clients_refused_total{instance="a", limit="address"}': "0+1x60",
  'qanat_slab_reserved_bytes{instance="a"}': "100x60",
  'qanat_slab_budget_bytes{instance="a"}': "1000x60",
  'qanat_slab_short_total{instance="a"}': "1x60",
  'qanat_gaps_total{instance="a", reason="slow"}': "1x60",
  'qanat_gaps_total{instance="a", reason="missing"}': "5x60",
  'qanat_topics_missing{instance="a"}': "0x60",
  'qanat_topic_newest_age_seconds{instance="a", topic="t", publisher="p"}':
    "0.2x60",
  'qanat_topic_silent_after_seconds{instance="a", topic="t", publisher="p"}':
    "11x60",
  'qanat_topic_newest_age_seconds{instance="a", topic="u", publisher="p"}':
    "40x60",
  'qanat_topic_silent_after_seconds{instance="a", topic="u", publisher="p"}':
    "41x60",
  'qanat_blocks_missed_total{instance="a"}': "9x60",
  'qanat_blocks_too_large_total{instance="a"}': "1x60",
  'qanat_channels_refused_total{instance="a", reason="rate"}': "3x60",
  'qanat_topic_restarts_total{instance="a"}': "1x60",
  'qanat_kafka_reconnects_total{instance="a"}': "2x60",
  'qanat_event_loop_wait_seconds_sum{instance="a"}': "0+0.1x60",
  'qanat_kafka_uncommitted_messages{instance="a"}': "16x60",
  'qanat_event_loop_delay_seconds{instance="a"}': "0.004x60",
  'qanat_memory_management_seconds_total{instance="a"}': "0+0.06x60",
  'qanat_kafka_behind_messages{instance="a"}': "12x60",
  'qanat_kafka_leaders_unreachable{instance="a"}': "0x60",
  'qanat_topics_with_more_partitions{instance="a"}': "0x60",
  'qanat_fan_out_busy_seconds{instance="a"}': "0.05x60",
  'qanat_workers_replaced_total{instance="a"}': "3x60",
  'qanat_worker_answers{instance="a", worker="0"}': "1x60",
  'qanat_log_lines_lost_total{instance="a"}': "0x60",
  'qanat_usage_log_failing{instance="a"}': "0x60",
  'qanat_usage_log_lines_lost_total{instance="a"}': "0x60",
  'qanat_auth_file_valid{instance="a", file="tokens"}': "1x60",
  'qanat_channel_notes_valid{instance="a"}': "1x60",
  'qanat_auth_requests_total{instance="a", outcome="unavailable"}': "4x60",
  'qanat_auth_jwt_busy_total{instance="a", limit="share"}': "4x60",
  'qanat_auth_issuer_failing_seconds{instance="a", issuer="https://issuer.example.org"}':
    "0x60",
  'qanat_tls_certificate_not_after_seconds{instance="a"}': "2000000x60",
  'qanat_tls_certificate_current{instance="a"}': "1x60",
};

interface Case {
  readonly alert: string;
  /** How its series begins; exactly one in QUIET does. */
  readonly series: string;
  readonly values: string;
  /** Labels besides instance and severity. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What `$value` reads as, where the summary has it. */
  readonly value?: string;
}

const CASES: readonly Case[] = [
  {
    alert: "QanatDown",
    series: "up",
    values: "1x20 0x40",
    labels: { job: "qanat" },
  },
  { alert: "QanatNotReady", series: "qanat_ready", values: "1x20 0x40" },
  {
    alert: "QanatSourceUnreachable",
    series: "qanat_source_reachable",
    values: "1x20 0x40",
  },
  {
    alert: "QanatUpstreamAway",
    series: 'qanat_upstream_connected{instance="a", upstream="b:80"}',
    values: "1x20 0x40",
  },
  {
    alert: "QanatNothingComesIn",
    series: "qanat_blocks_total",
    values: "0+240x20 5040x40",
  },
  {
    alert: "QanatLeaderUnreachable",
    series: "qanat_kafka_leaders_unreachable",
    values: "0x20 2x40",
    value: "2",
  },
  {
    alert: "QanatTopicHasMorePartitions",
    series: "qanat_topics_with_more_partitions",
    values: "0x20 3x40",
    value: "3",
  },
  {
    alert: "QanatTopicMissing",
    series: "qanat_topics_missing",
    values: "0x20 2x40",
    value: "2",
  },
  {
    alert: "QanatPublisherSilent",
    series: 'qanat_topic_newest_age_seconds{instance="a", topic="t"',
    values: "0.2x20 90x40",
    labels: { topic: "t", publisher: "p" },
    value: "1m 30s",
  },
  {
    alert: "QanatGapsMissing",
    series: 'qanat_gaps_total{instance="a", reason="missing"',
    values: "5x15 5+1x45",
  },
  {
    alert: "QanatBlocksMissed",
    series: "qanat_blocks_missed_total",
    values: "9x15 9+1x45",
  },
  {
    alert: "QanatChannelsRefused",
    series: "qanat_channels_refused_total",
    values: "3x25 15068x35",
  },
  {
    alert: "QanatBlocksTooLarge",
    series: "qanat_blocks_too_large_total",
    values: "1x25 2x35",
  },
  {
    alert: "QanatTopicRestarted",
    series: "qanat_topic_restarts_total",
    values: "1x25 2x35",
  },
  {
    alert: "QanatKafkaReconnects",
    series: "qanat_kafka_reconnects_total",
    values: "2x25 3x35",
  },
  {
    alert: "QanatStoodStill",
    series: "qanat_event_loop_wait_seconds_sum",
    values: "0+0.1x27 60x33",
  },
  {
    alert: "QanatTransactionOpen",
    series: "qanat_kafka_uncommitted_messages",
    values: "16x20 4000x40",
    value: "4k",
  },
  {
    alert: "QanatBehind",
    series: "qanat_kafka_behind_messages",
    values: "12x20 4000x40",
    value: "4k",
  },
  {
    alert: "QanatOverloaded",
    series: "qanat_fan_out_busy_seconds",
    values: "0.05x20 42x40",
    value: "42s",
  },
  {
    alert: "QanatRowsLate",
    series: "qanat_rows_late_total",
    values: "3x20 3+1x40",
  },
  {
    alert: "QanatMessagesBad",
    series: "qanat_messages_bad_total",
    values: "2x25 3x35",
  },
  {
    alert: "QanatRecordsRefused",
    series: "qanat_records_refused_total",
    values: "1x25 2x35",
  },
  {
    alert: "QanatOffsetHoles",
    series: "qanat_offset_holes_total",
    values: "4x25 9x35",
  },
  {
    alert: "QanatClockWrong",
    series: "qanat_clock_wall_ahead_seconds",
    values: "0x20 -3600x40",
  },
  {
    alert: "QanatClockBehind",
    series: "qanat_clock_behind_seconds",
    values: "0x20 3600x40",
    value: "1h 0m 0s",
  },
  {
    alert: "QanatFutureBlocks",
    series: "qanat_blocks_future_total",
    values: "1x25 2x35",
  },
  {
    alert: "QanatRefusesClients",
    series: 'qanat_clients_refused_total{instance="a", limit="clients"',
    values: "7x27 9x33",
    labels: { limit: "clients" },
  },
  {
    alert: "QanatAuthFileInvalid",
    series: "qanat_auth_file_valid",
    values: "1x20 0x40",
    labels: { file: "tokens" },
  },
  {
    alert: "QanatChannelNotesInvalid",
    series: "qanat_channel_notes_valid",
    values: "1x20 0x40",
  },
  {
    alert: "QanatIssuerKeys",
    series: "qanat_auth_issuer_failing_seconds",
    values: "0x20 901x40",
    labels: { issuer: "https://issuer.example.org" },
    value: "15m 1s",
  },
  {
    alert: "QanatTokensUnchecked",
    series: "qanat_auth_requests_total",
    values: "4x20 5+1x40",
  },
  {
    alert: "QanatNearlyFull",
    series: "qanat_slab_reserved_bytes",
    values: "100x20 950x40",
    value: "95%",
  },
  {
    alert: "QanatSlabShort",
    series: "qanat_slab_short_total",
    values: "1x27 2x33",
  },
  {
    alert: "QanatSlowClients",
    series: 'qanat_gaps_total{instance="a", reason="slow"',
    values: "1x10 1+1x50",
    labels: { reason: "slow" },
  },
  {
    alert: "QanatEventLoopSlow",
    series: "qanat_event_loop_delay_seconds",
    values: "0.004x20 0.25x40",
    value: "250ms",
  },
  {
    alert: "QanatMemoryManagement",
    series: "qanat_memory_management_seconds_total",
    values: "0+0.06x5 0+6x55",
    // Of two threads: the worker and the one that reads.
    value: "5%",
  },
  {
    alert: "QanatWorkerReplaced",
    series: "qanat_workers_replaced_total",
    values: "3x25 4x35",
  },
  {
    alert: "QanatWorkerSilent",
    series: "qanat_worker_answers",
    values: "1x25 0x35",
    labels: { worker: "0" },
  },
  {
    alert: "QanatLogLost",
    series: "qanat_log_lines_lost_total",
    values: "0x25 3x35",
  },
  {
    alert: "QanatUsageLogFailing",
    series: "qanat_usage_log_failing",
    values: "0x25 1x35",
  },
  {
    alert: "QanatCertificateExpires",
    series: "qanat_tls_certificate_not_after_seconds",
    values: "2000000x20 600000x40",
  },
  {
    alert: "QanatCertificateRefused",
    series: "qanat_tls_certificate_current",
    values: "1x20 0x40",
  },
];

/** Names of the alerts that have a case. */
export const TESTED_ALERTS: readonly string[] = CASES.map((c) => c.alert);

/** A file for `promtool test rules`: JSON, which is YAML as well. `rules` is the text of alerts.yaml at `path`. */
export function promtoolTests(path: string, rules: string): string {
  const tests = [
    { name: "quiet", series: QUIET, firing: null },
    ...CASES.map((firing) => ({
      name: firing.alert,
      series: { ...QUIET, [seriesOf(firing)]: firing.values },
      firing,
    })),
  ];
  return JSON.stringify({
    rule_files: [path],
    evaluation_interval: "15s",
    tests: tests.map(({ name, series, firing }) => ({
      name,
      interval: "1m",
      input_series: Object.entries(series).map(([series, values]) => ({
        series,
        values,
      })),
      alert_rule_test: CASES.map((each) => ({
        eval_time: "30m",
        alertname: each.alert,
        exp_alerts: each === firing ? [expected(each, rules)] : [],
      })),
    })),
  });
}

function seriesOf({ alert, series }: Case): string {
  const found = Object.keys(QUIET).filter((s) => s.startsWith(series));
  if (found.length !== 1) throw new Error(`${alert}: ${found.length} series`);
  return found[0]!;
}

function expected(each: Case, rules: string) {
  const block = rules.split(/^ +- alert: /m)
    .find((text) => text.startsWith(each.alert + "\n")) ?? "";
  const field = (name: string) =>
    new RegExp(`${name}: "(.*)"`).exec(block)?.[1] ?? "";
  const summary = field("summary")
    .replaceAll("{{ $labels.instance }}", "a")
    .replaceAll("{{ $labels.limit }}", each.labels?.limit ?? "")
    .replaceAll("{{ $labels.file }}", each.labels?.file ?? "")
    .replaceAll("{{ $labels.worker }}", each.labels?.worker ?? "")
    .replaceAll("{{ $labels.issuer }}", each.labels?.issuer ?? "")
    .replaceAll("{{ $labels.publisher }}", each.labels?.publisher ?? "")
    .replaceAll("{{ $labels.topic }}", each.labels?.topic ?? "")
    .replace(/\{\{ \$value.*?\}\}/, each.value ?? "");
  return {
    exp_labels: {
      severity: /severity: (\w+)/.exec(block)?.[1],
      instance: "a",
      ...each.labels,
    },
    exp_annotations: { summary, action: field("action") },
  };
}
