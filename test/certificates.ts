// Self-signed certificates for tests, made when a test needs them: no program and no key on disk is needed.
import { generateKeyPairSync, sign } from "node:crypto";

/** A certificate with its key, both PEM. */
export interface TestPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestPairOptions {
  readonly name?: string;
  /** Host names that it is for. @default `localhost` */
  readonly hosts?: readonly string[];
  /** Addresses that it is for, each 4 or 16 bytes. @default 127.0.0.1 */
  readonly addresses?: readonly Uint8Array[];
  /** Unix time, ms. @default a day ago */
  readonly notBeforeMs?: number;
  /** Unix time, ms. @default in 30 days */
  readonly notAfterMs?: number;
}

const DAY_MS = 86_400_000;
const ECDSA_SHA256 = [1, 2, 840, 10045, 4, 3, 2];
const COMMON_NAME = [2, 5, 4, 3];
const SUBJECT_ALT_NAME = [2, 5, 29, 17];
const encoder = new TextEncoder();
let serial = 1;

/** A new pair, on the curve P-256. */
export function testPair(options: TestPairOptions = {}): TestPair {
  const {
    name = "qanat test",
    hosts = ["localhost"],
    addresses = [Uint8Array.of(127, 0, 0, 1)],
    notBeforeMs = Date.now() - DAY_MS,
    notAfterMs = Date.now() + 30 * DAY_MS,
  } = options;
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  const algorithm = sequence(objectId(ECDSA_SHA256));
  const subject = sequence(
    tagged(0x31, sequence(objectId(COMMON_NAME), utf8(name))),
  );
  const names = sequence(
    ...hosts.map((host) => tagged(0x82, encoder.encode(host))),
    ...addresses.map((address) => tagged(0x87, address)),
  );
  const body = sequence(
    tagged(0xa0, tagged(0x02, Uint8Array.of(2))),
    tagged(0x02, Uint8Array.of(1, serial++ & 0x7f)),
    algorithm,
    subject,
    sequence(time(notBeforeMs), time(notAfterMs)),
    subject,
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    tagged(
      0xa3,
      sequence(sequence(objectId(SUBJECT_ALT_NAME), tagged(0x04, names))),
    ),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(
    body,
    algorithm,
    tagged(0x03, joined(Uint8Array.of(0), new Uint8Array(signature))),
  );
  return {
    cert: pem("CERTIFICATE", certificate),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One value of DER. */
function tagged(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const head = length < 128
    ? [tag, length]
    : length < 256
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 255];
  return joined(Uint8Array.from(head), content);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, joined(...parts));
}

function utf8(text: string): Uint8Array {
  return tagged(0x0c, encoder.encode(text));
}

function objectId([first, second, ...rest]: readonly number[]): Uint8Array {
  const bytes = [first! * 40 + second!];
  for (const part of rest) {
    const sevens = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) {
      sevens.unshift(left & 127 | 128);
    }
    bytes.push(...sevens);
  }
  return tagged(0x06, Uint8Array.from(bytes));
}

/** GeneralizedTime, to the second. */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14);
  return tagged(0x18, encoder.encode(`${digits}Z`));
}

function pem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
