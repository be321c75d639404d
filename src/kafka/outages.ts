// Knows which brokers cannot be reached, and logs each address once when it is lost and once when it is back.
// Invariant: an address at which a broker did not answer fetches is back only when that broker has answered a fetch
// there; answers to other requests do not count.
import type { Logger } from "../telemetry/log.ts";

/** The addresses of one cluster. */
export class Outages {
  readonly #log: Logger;
  /** Addresses that did not answer a metadata request. */
  readonly #seeds = new Set<string>();
  /** The addresses at which brokers do not answer fetches, by node. */
  readonly #leaders = new Map<number, string>();
  #hasAnswered = false;
  /** The last metadata request failed at every address. */
  #isClusterLost = true;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** An address has answered. `nodeId`: it has answered a fetch as that node. */
  answered(address: string, nodeId?: number): void {
    const wasLost = this.#isLost(address);
    this.#seeds.delete(address);
    if (nodeId !== undefined) this.#leaders.delete(nodeId);
    const isBack = wasLost && !this.#isLost(address);
    if (isBack || !this.#hasAnswered) {
      this.#log.info("kafka-reached", { address });
    }
    this.#hasAnswered = true;
    this.#isClusterLost = false;
  }

  /** An address did not answer a metadata request. `isAll`: since the last answer, all other addresses have failed, too. */
  failed(address: string, error: Error, isAll: boolean): void {
    if (isAll) this.#isClusterLost = true;
    if (!this.#isLost(address)) {
      this.#log.warn("kafka-lost", { address, error: error.message });
    }
    this.#seeds.add(address);
  }

  /** A node did not answer a fetch at the address that the cluster states for it. */
  leaderFailed(
    { nodeId, address }: { nodeId: number; address: string },
    error: Error,
  ): void {
    if (!this.#isLost(address)) {
      this.#log.warn("kafka-lost", {
        address,
        error: error.message,
        advertised: `the cluster names this address for its broker ${nodeId}`,
      });
    }
    this.#leaders.set(nodeId, address);
  }

  /** The cluster no longer names this node, or states another address for it. */
  forget(nodeId: number): void {
    this.#leaders.delete(nodeId);
  }

  /** Forgets the failures of nodes that are not in `leaders`: they lead no subscribed topic. */
  keep(leaders: ReadonlySet<number>): void {
    for (const nodeId of this.#leaders.keys()) {
      if (!leaders.has(nodeId)) this.#leaders.delete(nodeId);
    }
  }

  /** Whether the cluster answers and at least one node of `leaders` does; without any, the cluster's answer is enough. */
  isReachable(leaders: ReadonlySet<number>): boolean {
    if (!this.#hasAnswered || this.#isClusterLost) return false;
    for (const nodeId of leaders) if (!this.#leaders.has(nodeId)) return true;
    return leaders.size === 0;
  }

  /** Addresses of the nodes in `leaders` that cannot be reached. */
  lostLeaders(leaders: ReadonlySet<number>): string[] {
    const addresses = new Set<string>();
    for (const [nodeId, address] of this.#leaders) {
      if (leaders.has(nodeId)) addresses.add(address);
    }
    return [...addresses];
  }

  #isLost(address: string): boolean {
    if (this.#seeds.has(address)) return true;
    for (const lost of this.#leaders.values()) {
      if (lost === address) return true;
    }
    return false;
  }
}
