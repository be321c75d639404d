// What /metrics shows of TLS. Imports nothing of node, so that app.ts can hold it on any runtime.

/** How a handshake ended: `not_tls` for plain HTTP and other bytes that are no TLS at all. */
export type HandshakeEnd = "done" | "failed" | "not_tls" | "timed_out";

/** Figures of the certificate and of all handshakes. */
export class TlsFigures {
  readonly handshakes: Record<HandshakeEnd, number> = {
    done: 0,
    failed: 0,
    not_tls: 0,
    timed_out: 0,
  };
  /** The end of the certificate in use, and of its chain if that is earlier: Unix time, ms. */
  notAfterMs = 0;
  /** Changes of the files that were taken, and that were refused. */
  readonly reloads: Record<"taken" | "refused", number> = {
    taken: 0,
    refused: 0,
  };
  /** Whether the certificate in use is what the files contain. */
  isCurrent = true;
}
