// A certificate chain with its private key, as the server shows it to clients.
// Invariant: a pair that is returned works, so that no handshake fails because of it; an error shows nothing of the key.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

export interface TlsIdentity {
  readonly context: SecureContext;
  /** Times between which all certificates of the chain are valid: Unix time, ms. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const CERTIFICATE =
  /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Checks the content of `--tls-cert` and `--tls-key`. Throws an error whose message is for the operator. */
export function tlsIdentityOf(cert: string, key: string): TlsIdentity {
  const chain = chainOf(cert);
  if (!chain[0]!.checkPrivateKey(keyOf(key))) {
    throw new Error(
      "the key of --tls-key does not belong to the first certificate of --tls-cert",
    );
  }
  checkWithRuntime(cert, key);
  return {
    context: createSecureContext({ cert, key, minVersion: "TLSv1.2" }),
    notBeforeMs: Math.max(...chain.map((c) => Date.parse(c.validFrom))),
    notAfterMs: Math.min(...chain.map((c) => Date.parse(c.validTo))),
  };
}

function chainOf(cert: string): X509Certificate[] {
  const texts = cert.match(CERTIFICATE) ?? [];
  if (texts.length === 0) {
    throw new Error("the file of --tls-cert has no PEM certificate");
  }
  return texts.map((text, i) => {
    try {
      return new X509Certificate(text);
    } catch {
      throw new Error(`certificate ${i + 1} of --tls-cert cannot be read`);
    }
  });
}

function keyOf(key: string): KeyObject {
  try {
    return createPrivateKey(key);
  } catch {
    throw new Error(
      "the file of --tls-key has no PEM private key that can be read; a key with a passphrase cannot be used",
    );
  }
}

/** Deno's own TLS refuses kinds of keys that can be read; without this, each handshake would fail. */
function checkWithRuntime(cert: string, key: string): void {
  const { Deno: deno } = globalThis as { Deno?: typeof Deno };
  try {
    deno?.createHttpClient({ cert, key }).close();
  } catch {
    throw new Error(
      "TLS cannot use the key of --tls-key: use an RSA key of at least 2048 bits, or a key on the curve P-256 or P-384",
    );
  }
}
