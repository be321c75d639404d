// The certificate that the server shows: read from its files, and read again when their content changes.
// Invariant: certificate and key are replaced together, by a pair that works; otherwise the old pair stays in use.
import type { SecureContext } from "node:tls";
import { WatchedFiles } from "../files/watched_files.ts";
import type { Logger } from "../telemetry/log.ts";
import { TlsFigures } from "./tls_figures.ts";
import { type TlsIdentity, tlsIdentityOf } from "./tls_identity.ts";

export interface CertificateOptions {
  /** Paths of the files. */
  readonly tlsCert: string;
  readonly tlsKey: string;
  readonly log: Logger;
  /** Unix time. @default Date.now */
  readonly nowMs?: () => number;
}

/** A certificate in use. */
export class ServerCertificate {
  readonly figures: TlsFigures = new TlsFigures();
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #files: WatchedFiles<TlsIdentity>;
  #identity: TlsIdentity | null = null;

  private constructor(options: CertificateOptions) {
    this.#log = options.log;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#files = new WatchedFiles<TlsIdentity>({
      files: [
        { setting: "--tls-cert", path: options.tlsCert },
        { setting: "--tls-key", path: options.tlsKey },
      ],
      parse: (cert, key) => this.#check(tlsIdentityOf(cert, key)),
      listener: {
        changed: (identity) => this.#replace(identity),
        invalid: (reason) => this.#refuse(reason),
        valid: () => this.figures.isCurrent = true,
      },
    });
  }

  /** Reads the files and watches them from then on. Rejects with a message for the operator. */
  static async open(options: CertificateOptions): Promise<ServerCertificate> {
    const certificate = new ServerCertificate(options);
    certificate.#use(await certificate.#files.load());
    certificate.#files.watch();
    return certificate;
  }

  /** For new connections; open ones keep the certificate of their handshake. */
  get context(): SecureContext {
    return this.#identity!.context;
  }

  /** Looks at the files now. */
  poll(): Promise<void> {
    return this.#files.poll();
  }

  /** Stops to watch the files. Idempotent. */
  close(): void {
    this.#files.close();
  }

  /** A new pair must be valid now; the first one is used in any case, since this machine's clock may be wrong. */
  #check(identity: TlsIdentity): TlsIdentity {
    const fault = timeFault(identity, this.#nowMs());
    if (fault === null) return identity;
    if (this.#identity !== null) throw new Error(fault);
    this.#log.warn("tls-certificate-not-valid", { reason: fault });
    return identity;
  }

  #use(identity: TlsIdentity): void {
    this.#identity = identity;
    this.figures.notAfterMs = identity.notAfterMs;
  }

  #replace(identity: TlsIdentity): void {
    this.#use(identity);
    this.figures.reloads.taken++;
    this.#log.info("tls-certificate-loaded", {
      notAfter: timeText(identity.notAfterMs),
    });
  }

  #refuse(reason: string): void {
    this.figures.reloads.refused++;
    this.figures.isCurrent = false;
    this.#log.error("tls-certificate-refused", {
      reason,
      effect: "new connections get the certificate that was loaded before",
      notAfter: timeText(this.figures.notAfterMs),
    });
  }
}

function timeFault(
  { notBeforeMs, notAfterMs }: TlsIdentity,
  nowMs: number,
): string | null {
  if (nowMs > notAfterMs) {
    return `the certificate has expired: it was valid until ${
      timeText(notAfterMs)
    }`;
  }
  if (nowMs < notBeforeMs) {
    return `the certificate is not valid before ${timeText(notBeforeMs)}`;
  }
  return null;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
