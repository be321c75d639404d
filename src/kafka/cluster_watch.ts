// Asks the cluster for its metadata, again and again: the topics and their leaders.
// Invariant: one request at a time; after a failure it continues with the next address after a back-off, until closed.
import type { ClusterMetadata } from "./cluster_metadata.ts";
import type { BrokerConnection, KafkaProtocol } from "./kafka_protocol.ts";

export interface ClusterWatchOptions {
  /** `host:port` of the brokers that are asked first; those that the cluster names are asked, too. */
  readonly brokers: readonly string[];
  readonly protocol: KafkaProtocol;
  /**
   * Takes an answer. `isStale`: a refresh was requested while it was under way, so another answer follows at once.
   * Returns false while something is missing: then the cluster is asked again soon.
   */
  readonly onMetadata: (
    metadata: ClusterMetadata,
    address: string,
    isStale: boolean,
  ) => boolean;
  /** An address has failed. `isAll`: so has every other one since the last answer. */
  readonly onLost: (address: string, error: Error, isAll: boolean) => void;
}

const EVERY_MS = 5000;
/** While something is missing, the interval begins with this and grows by it. */
const MISSING_STEP_MS = 250;
const REFRESH_DELAY_MS = 20;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 500;

/** Follows a cluster's metadata. */
export class ClusterWatch {
  readonly #options: ClusterWatchOptions;
  #addresses: readonly string[];
  #index = 0;
  #failures = 0;
  #seed: BrokerConnection | null = null;
  #isDue = false;
  #isClosed = false;
  #wake: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ClusterWatchOptions) {
    this.#options = options;
    this.#addresses = options.brokers;
  }

  /** Begins; resolves after the first answer or the first failure. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#running = this.#run(resolve));
  }

  /** Asks at once. */
  refresh(): void {
    this.#isDue = true;
    this.#wake?.();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#seed?.destroy();
    this.#wake?.();
    await this.#running;
  }

  async #run(first: () => void): Promise<void> {
    let backOffMs = BACK_OFF_MIN_MS;
    let incomplete = 0;
    while (!this.#isClosed) {
      this.#isDue = false;
      const seed = this.#seed ??= this.#next();
      try {
        const metadata = await seed.metadata();
        if (this.#isClosed) break;
        this.#failures = 0;
        backOffMs = BACK_OFF_MIN_MS;
        this.#learn(metadata);
        const { address } = seed;
        const isStale = this.#isDue;
        const isComplete = this.#options.onMetadata(metadata, address, isStale);
        first();
        incomplete = isComplete || isStale ? 0 : incomplete + 1;
        await this.#pause(
          this.#isDue
            ? BACK_OFF_MIN_MS
            : incomplete === 0
            ? EVERY_MS
            : Math.min(incomplete * MISSING_STEP_MS, EVERY_MS),
        );
      } catch (error) {
        if (this.#isClosed) break;
        const isAll = ++this.#failures >= this.#addresses.length;
        this.#options.onLost(seed.address, error as Error, isAll);
        first();
        seed.destroy();
        this.#seed = null;
        await this.#pause(backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    first();
    this.#seed?.destroy();
  }

  #next(): BrokerConnection {
    const address = this.#addresses[this.#index++ % this.#addresses.length]!;
    const colon = address.lastIndexOf(":");
    return this.#options.protocol.connectionTo({
      host: address.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(address.slice(colon + 1)),
    });
  }

  #learn({ brokers }: ClusterMetadata): void {
    const named = brokers.map(({ host, port }) => `${host}:${port}`);
    this.#addresses = [...new Set([...this.#options.brokers, ...named])];
  }

  #pause(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      let timer = setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        timer = setTimeout(resolve, this.#isClosed ? 0 : REFRESH_DELAY_MS);
      };
    });
  }
}
