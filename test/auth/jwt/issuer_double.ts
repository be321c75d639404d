// An issuer of tokens for tests: keys that are made here, documents without a network, a clock that tests set.
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from "jose";
import { JwtVerifier } from "../../../src/auth/jwt/jwt_verifier.ts";
import type { Logger } from "../../../src/telemetry/log.ts";

export const ISSUER = "https://issuer.example.org/realm";
export const AUDIENCE = "https://qanat.example.org";
/** Unix seconds at the start of each test. */
export const NOW_S = 1_800_000_000;

export interface TestKey {
  readonly id: string;
  readonly algorithm: "RS256" | "ES256";
  readonly privateKey: CryptoKey;
  readonly jwk: Record<string, unknown>;
}

export async function newKey(
  id: string,
  algorithm: TestKey["algorithm"] = "ES256",
): Promise<TestKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, {
    extractable: true,
  });
  const jwk = { ...await exportJWK(publicKey), kid: id, use: "sig" };
  return { id, algorithm, privateKey, jwk };
}

/** A signed token; `undefined` leaves a claim out. */
export function signed(
  key: TestKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: "alice",
    exp: NOW_S + 600,
    scope: "arrakis.read:/",
    ...claims,
  };
  return new SignJWT(all as JWTPayload).setProtectedHeader({
    alg: key.algorithm,
    kid: key.id,
    ...header,
  }).sign(key.privateKey);
}

/** Base64url of JSON: a part of a token. */
export function part(value: unknown): string {
  return new TextEncoder().encode(JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The documents of one or more issuers, and how often each was read. */
export class Documents {
  readonly reads: string[] = [];
  readonly #documents = new Map<string, unknown>();

  /** Sets the keys of an issuer. */
  publish(keys: readonly TestKey[], issuer: string = ISSUER): void {
    const jwksUri = `${issuer}/keys`;
    this.set(`${issuer}/.well-known/openid-configuration`, {
      issuer,
      jwks_uri: jwksUri,
    });
    this.set(jwksUri, { keys: keys.map(({ jwk }) => jwk) });
  }

  set(url: string, document: unknown): void {
    this.#documents.set(url, document);
  }

  /** From now on nothing can be read. */
  fail(): void {
    this.#documents.clear();
  }

  readonly read = (url: string): Promise<unknown> => {
    this.reads.push(url);
    return this.#documents.has(url)
      ? Promise.resolve(this.#documents.get(url))
      : Promise.reject(new Error("connection refused"));
  };
}

/** A log that keeps its lines as `level event {fields}`. */
export function keptLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (event: string, fields?: unknown) => {
    lines.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
  };
  return {
    lines,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}

/** A clock that tests move. */
export class TestClock {
  ms = 0;
  readonly clockMs = (): number => this.ms;
  readonly unixMs = (): number => NOW_S * 1000 + this.ms;
}

export interface VerifierDouble {
  readonly verifier: JwtVerifier;
  readonly documents: Documents;
  readonly clock: TestClock;
  readonly log: ReturnType<typeof keptLog>;
}

/** A verifier of the issuers, whose keys are known. */
export async function startedVerifier(
  keys: readonly TestKey[],
  options: Partial<ConstructorParameters<typeof JwtVerifier>[0]> = {},
): Promise<VerifierDouble> {
  const documents = new Documents();
  const clock = new TestClock();
  const log = keptLog();
  documents.publish(keys);
  const verifier = new JwtVerifier({
    issuers: [ISSUER],
    keyHosts: [],
    audiences: [AUDIENCE],
    toleranceS: 5,
    groupsClaim: "groups",
    addressSharePercent: 90,
    log,
    ...clock,
    read: documents.read,
    ...options,
  });
  await verifier.start();
  return { verifier, documents, clock, log };
}
