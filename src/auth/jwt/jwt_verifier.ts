// Verifies JWTs of the configured issuers: SciTokens, Keycloak and any other that follows OpenID Connect.
// Invariant: nothing is fetched for an issuer that is not configured; the work that untrusted tokens cause is limited.
import type { TokenVerifier } from "../access_control.ts";
import type { Claims } from "../claims.ts";
import { type Denial, denial } from "../denial.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { PoolRefusal } from "../../shares/share_pool.ts";
import type { JwtFigures } from "../jwt_figures.ts";
import { CheckSlots } from "./check_slots.ts";
import { IssuerKeys } from "./issuer_keys.ts";
import { type JsonReader, readJson } from "./json_reader.ts";
import { claimsOf } from "./jwt_claims.ts";
import type { IssuerKey } from "./key_set.ts";
import { verifySignature } from "./signature.ts";
import { TokenCache, tokenHashOf } from "./token_cache.ts";
import { timeFault } from "./token_time.ts";
import {
  looksLikeJwt,
  readUnverified,
  refused,
  type UnverifiedToken,
} from "./unverified_token.ts";

/** Signatures that are checked at once, by threads of the runtime. Divided by the threads that serve. */
const CHECKS_MAX = 4;
/** Tokens that wait for their check, which takes 0.2 to 0.3 ms of CPU. Divided in the same way. */
const WAITING_MAX = 2048;
/** How often is looked whether keys have to be read. */
const REFRESH_CHECK_MS = 5000;

export interface JwtVerifierOptions {
  readonly issuers: readonly string[];
  /** `HOST:PORT` that may hold keys, in addition to the issuers' own. */
  readonly keyHosts: readonly string[];
  readonly audiences: readonly string[];
  /** By how much clocks may differ. */
  readonly toleranceS: number;
  /** The claim that holds groups. */
  readonly groupsClaim: string;
  /** The most of all waiting tokens that one address may have, percent of what others leave. */
  readonly addressSharePercent: number;
  /** Threads that serve. @default 1 */
  readonly workers?: number;
  readonly log: Logger;
  readonly unixMs: () => number;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
  /** @default over HTTP */
  readonly read?: JsonReader;
}

const UNKNOWN_ISSUER = refused(
  "The token's issuer ('iss') is not one that this instance accepts (--auth-issuer); they must be equal, also in a slash at the end",
);
const UNKNOWN_KEY = refused(
  "The token is signed with a key ('kid') that its issuer does not list; after a change of keys try again in a minute",
);
const OTHER_ALGORITHM = refused(
  "The token's key ('kid') is not for the algorithm that its header names",
);
const KEYS_UNAVAILABLE = denial(
  "unavailable",
  "The keys of the token's issuer cannot be read now",
);
/** By whose places are taken. */
const BUSY = {
  all: denial("unavailable", "Too many tokens are being checked now"),
  share: denial(
    "unavailable",
    "Too many tokens of your address wait to be checked; send fewer different ones at a time",
  ),
};

/** Verifies JWTs. Close it after use. */
export class JwtVerifier implements TokenVerifier, JwtFigures {
  readonly kindText = "a signed JWT (three parts with dots between them)";
  readonly counters = { checks: 0, remembered: 0 };
  readonly busy = { all: 0, share: 0 };
  readonly #options: JwtVerifierOptions;
  readonly #issuers: ReadonlyMap<string, IssuerKeys>;
  readonly #cache: TokenCache;
  readonly #slots: CheckSlots;
  /** Tokens that are being verified, by hash: a token that comes again meanwhile waits for the same outcome. */
  readonly #verifying = new Map<string, Promise<Claims | Denial>>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(options: JwtVerifierOptions) {
    const { issuers, read = readJson, workers = 1 } = options;
    this.#options = options;
    this.#slots = new CheckSlots({
      slots: Math.max(1, Math.floor(CHECKS_MAX / workers)),
      waitingMax: Math.floor(WAITING_MAX / workers),
      sharePercent: options.addressSharePercent,
    });
    this.#issuers = new Map(
      issuers.map((issuer) => [
        issuer,
        new IssuerKeys({ ...options, workers, issuer, read }),
      ]),
    );
    this.#cache = new TokenCache({
      ...options,
      isCurrent: (issuer, key) =>
        this.#issuers.get(issuer)?.isCurrent(key) ?? false,
    });
  }

  get jwtFigures(): JwtFigures {
    return this;
  }

  get issuers(): Iterable<IssuerKeys> {
    return this.#issuers.values();
  }

  /** Tokens that wait for their check. */
  get waiting(): number {
    return this.#slots.waiting;
  }

  /** Tokens that are remembered as valid. */
  get remembered(): number {
    return this.#cache.size;
  }

  /** Reads all keys a first time, and from then on in the background. Resolves also when some cannot be read. */
  async start(): Promise<void> {
    const refresh = () =>
      Promise.all([...this.issuers].map((keys) => keys.refresh()));
    this.#timer = setInterval(refresh, REFRESH_CHECK_MS);
    await refresh();
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer);
  }

  vouchesFor({ kind, issuer }: Claims): boolean {
    return kind === "jwt" && this.#issuers.has(issuer);
  }

  recognizes(token: string): boolean {
    return looksLikeJwt(token);
  }

  verify(
    token: string,
    address: string,
  ): Claims | Denial | Promise<Claims | Denial> {
    const hash = tokenHashOf(token);
    const known = this.#cache.get(hash);
    if (known !== null) {
      this.counters.remembered++;
      return known;
    }
    const verifying = this.#verifying.get(hash);
    if (verifying) return verifying;
    const unverified = readUnverified(token);
    if ("error" in unverified) return unverified;
    const { unixMs, toleranceS } = this.#options;
    const { iss } = unverified.claims;
    const issuer = typeof iss === "string" && this.#issuers.get(iss);
    if (!issuer) return UNKNOWN_ISSUER;
    const late = timeFault(unverified.claims, unixMs(), toleranceS);
    if (late !== null) return refused(late);
    const outcome = this.#verify({ token, hash, address }, unverified, issuer)
      .finally(() => this.#verifying.delete(hash));
    this.#verifying.set(hash, outcome);
    return outcome;
  }

  async #verify(
    { token, hash, address }: {
      readonly token: string;
      readonly hash: string;
      readonly address: string;
    },
    { keyId, algorithm }: UnverifiedToken,
    keys: IssuerKeys,
  ): Promise<Claims | Denial> {
    const key = await keys.find(keyId, address);
    if (key === "unavailable") return KEYS_UNAVAILABLE;
    if (key === "unknown") return UNKNOWN_KEY;
    if (typeof key === "string") return this.#busy(key);
    if (key.algorithm !== algorithm) return OTHER_ALGORITHM;
    const checking = this.#slots.run(
      address,
      () => this.#check(token, key, keys.issuer),
    );
    if (typeof checking === "string") return this.#busy(checking);
    const claims = await checking;
    if ("error" in claims) this.#cache.refuse(hash, claims);
    else this.#cache.accept(hash, { claims, key });
    return claims;
  }

  #busy(refusal: PoolRefusal): Denial {
    const whose = refusal === "full" ? "all" : "share";
    this.busy[whose]++;
    return BUSY[whose];
  }

  async #check(
    token: string,
    key: IssuerKey,
    issuer: string,
  ): Promise<Claims | Denial> {
    const { unixMs } = this.#options;
    this.counters.checks++;
    const verified = await verifySignature(token, key, {
      ...this.#options,
      issuer,
      unixMs: unixMs(),
    });
    return "error" in verified
      ? verified
      : claimsOf(verified.payload, issuer, this.#options);
  }
}
