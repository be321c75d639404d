// The keys of one issuer, by its document `.well-known/openid-configuration` and the key set that this names.
// Invariant: at most one fetch at a time and one a minute; keys that are known stay in use for a day while the issuer is away.
import type { Logger } from "../../telemetry/log.ts";
import { LocalSharePool } from "../../shares/local_share_pool.ts";
import type { PoolRefusal, SharePool } from "../../shares/share_pool.ts";
import type { IssuerFigures } from "../jwt_figures.ts";
import { urlFault } from "./issuer_url.ts";
import type { JsonReader } from "./json_reader.ts";
import { isObject, type IssuerKey, KeySet } from "./key_set.ts";

/** How often keys are read in the background. */
export const REFRESH_MS = 600_000;
/** Shortest time between two fetches, whatever they are for. */
export const RETRY_MS = 60_000;
/** How long known keys stay in use while they cannot be read. */
export const KEYS_AGE_MAX_MS = 86_400_000;
/** Longest time of a fetch, both documents together. */
const FETCH_MS = 5000;
/** Most tokens that wait for a fetch. */
const WAITING_MAX = 256;

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** `HOST:PORT` that may hold the key set, in addition to the issuer's own. */
  readonly keyHosts: readonly string[];
  /** The most of all waiting tokens that one address may have, percent of what others leave. */
  readonly addressSharePercent: number;
  /** Threads that serve. @default 1 */
  readonly workers?: number;
  readonly read: JsonReader;
  readonly log: Logger;
  /** Monotonic, ms. */
  readonly clockMs: () => number;
}

/**
 * `unknown`: the issuer has no such key. `unavailable`: the keys cannot be read now. Else: too many tokens wait for them.
 */
export type KeyFound = IssuerKey | "unknown" | "unavailable" | PoolRefusal;

/** The keys of one issuer. */
export class IssuerKeys implements IssuerFigures {
  readonly issuer: string;
  readonly counters = { reads: 0, failures: 0 };
  readonly #options: IssuerKeysOptions;
  #keys: KeySet | null = null;
  #readMs = -Infinity;
  #triedMs = -Infinity;
  #failingSinceMs: number | null = null;
  #fetching: Promise<void> | null = null;
  readonly #waiting: SharePool;

  constructor(options: IssuerKeysOptions) {
    this.issuer = options.issuer;
    this.#waiting = new LocalSharePool({
      capacity: Math.floor(WAITING_MAX / (options.workers ?? 1)),
      sharePercent: options.addressSharePercent,
    });
    this.#options = options;
  }

  /** For how long the keys could not be read; 0 where the last fetch succeeded. */
  get failingMs(): number {
    return this.#failingSinceMs === null
      ? 0
      : this.#options.clockMs() - this.#failingSinceMs;
  }

  /** Fetches the keys when it is time to. Never rejects. */
  refresh(): Promise<void> {
    const dueMs = this.#failingSinceMs === null
      ? this.#readMs + REFRESH_MS
      : this.#triedMs + RETRY_MS;
    if (this.#options.clockMs() >= dueMs) return this.#fetch();
    return this.#fetching ?? Promise.resolve();
  }

  /** Finds a key by the id in a token's header. An unknown one is looked for in a new fetch, at most once a minute. */
  find(
    id: string | undefined,
    address: string,
  ): KeyFound | Promise<KeyFound> {
    const found = this.#known(id);
    if (typeof found !== "string") return found;
    const canTry = this.#fetching !== null ||
      this.#options.clockMs() >= this.#triedMs + RETRY_MS;
    if (!canTry) return found;
    return this.#waiting.take(address) ?? this.#findAfterFetch(id, address);
  }

  /** Whether the issuer still lists a key. */
  isCurrent(key: IssuerKey): boolean {
    return this.#current()?.has(key) ?? false;
  }

  /** In a waiting place that is taken. */
  async #findAfterFetch(
    id: string | undefined,
    address: string,
  ): Promise<KeyFound> {
    try {
      await this.#fetch();
    } finally {
      this.#waiting.release(address);
    }
    return this.#known(id);
  }

  #known(id: string | undefined): KeyFound {
    const keys = this.#current();
    const isFailing = this.#failingSinceMs !== null;
    return keys?.find(id) ??
      (keys === null || isFailing ? "unavailable" : "unknown");
  }

  /** The known keys, unless they are too old. */
  #current(): KeySet | null {
    const ageMs = this.#options.clockMs() - this.#readMs;
    return ageMs > KEYS_AGE_MAX_MS ? null : this.#keys;
  }

  #fetch(): Promise<void> {
    return this.#fetching ??= this.#fetchKeys().finally(() => {
      this.#fetching = null;
    });
  }

  async #fetchKeys(): Promise<void> {
    this.#triedMs = this.#options.clockMs();
    try {
      this.#take(await this.#readKeys());
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  async #readKeys(): Promise<KeySet> {
    const signal = AbortSignal.timeout(FETCH_MS);
    const document = await this.#read(configurationUrl(this.issuer), signal);
    const { issuer, jwks_uri: keysUrl } = isObject(document) ? document : {};
    if (issuer !== this.issuer) {
      throw new Error(
        "the document openid-configuration names another issuer; they must be equal, also in a slash at the end",
      );
    }
    const fault = urlFault(keysUrl, this.issuer, this.#options.keyHosts);
    if (fault !== null) throw new Error(`jwks_uri ${fault}`);
    const keys = await this.#read(keysUrl as string, signal);
    return await KeySet.of(keys).catch(({ message }) => {
      throw new Error(`${keysUrl}: ${message}`);
    });
  }

  async #read(url: string, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#options.read(url, signal);
    } catch (error) {
      const why = signal.aborted
        ? `no answer within ${FETCH_MS} ms`
        : (error as Error).message;
      throw new Error(`${url}: ${why}`);
    }
  }

  #take(keys: KeySet): void {
    const { clockMs, log } = this.#options;
    this.counters.reads++;
    const isNews = this.#failingSinceMs !== null ||
      this.#keys === null || !this.#keys.equals(keys);
    this.#keys = keys;
    this.#readMs = clockMs();
    this.#failingSinceMs = null;
    if (isNews) {
      log.info("issuer-keys", { issuer: this.issuer, keys: keys.keys.length });
    }
  }

  /** Only the first failure in a row is logged. */
  #fail({ message }: Error): void {
    const { clockMs, log } = this.#options;
    this.counters.failures++;
    if (this.#failingSinceMs !== null) return;
    this.#failingSinceMs = clockMs();
    log.warn("issuer-keys-failed", { issuer: this.issuer, error: message });
  }
}

/** OpenID Connect Discovery 1.0: a slash at the end of the issuer is left out. */
function configurationUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}
