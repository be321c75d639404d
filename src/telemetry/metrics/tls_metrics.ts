// Metrics of TLS; where the service listens without it, the expiry and all counts are 0.
import type { ConnectionFigures } from "../../http/transport/connection_figures.ts";
import type { Prometheus } from "./prometheus.ts";

export interface TlsParts {
  readonly connections: ConnectionFigures;
}

export function tlsMetrics(
  metrics: Prometheus,
  { connections }: TlsParts,
): void {
  metrics.gauge(
    "tls_certificate_not_after_seconds",
    "When the certificate in use, or its chain, expires (Unix time); 0 without TLS",
    () => connections.tls.notAfterMs / 1000,
  );
  metrics.gauge(
    "tls_certificate_current",
    "1 while the certificate in use is what --tls-cert and --tls-key contain",
    () => connections.tls.isCurrent ? 1 : 0,
  );
  metrics.counters(
    {
      name: "tls_certificate_reloads_total",
      help: "Changes of the certificate's files, by outcome",
      label: "outcome",
    },
    () => connections.tls.reloads,
  );
  metrics.counters(
    {
      name: "tls_handshakes_total",
      help: "TLS handshakes, by how they ended",
      label: "end",
    },
    () => connections.tls.handshakes,
  );
}
