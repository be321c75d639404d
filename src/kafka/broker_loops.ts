// One loop for each broker that the cluster names.
// Invariant: a loop reads at the address that the cluster stated last for its node; loops that were ended are awaited.
import { BrokerLoop, type ReadingPool } from "./broker_loop.ts";
import type { ClusterMetadata } from "./cluster_metadata.ts";
import type { BrokerAddress, KafkaProtocol } from "./kafka_protocol.ts";
import type { KafkaWork } from "./kafka_work.ts";

export interface BrokerLoopsOptions {
  readonly pool: ReadingPool;
  readonly protocol: KafkaProtocol;
  readonly work: KafkaWork;
  /** A node's loop was ended: the node was removed, or has another address. */
  readonly onEnd: (nodeId: number) => void;
}

export class BrokerLoops {
  readonly #options: BrokerLoopsOptions;
  readonly #byNode = new Map<number, BrokerLoop>();
  readonly #ending = new Set<Promise<unknown>>();
  #addresses: ReadonlyMap<number, BrokerAddress> = new Map();

  constructor(options: BrokerLoopsOptions) {
    this.#options = options;
  }

  /**
   * Starts a loop for each new broker, and ends the loops of those that were removed or have moved. True when a
   * broker was removed. Then: BrokerLoop.#run().
   */
  take({ brokers }: ClusterMetadata): boolean {
    const { pool, protocol, work } = this.#options;
    this.#addresses = new Map(brokers.map((b) => [b.nodeId, b]));
    let isGone = false;
    for (const loop of this.#byNode.values()) {
      if (this.#addresses.has(loop.nodeId)) continue;
      this.#end(loop);
      isGone = true;
    }
    for (const broker of brokers) {
      const { nodeId, host, port } = broker;
      const loop = this.#byNode.get(nodeId);
      if (loop?.address === `${host}:${port}`) continue;
      if (loop) this.#end(loop);
      const connection = protocol.connectionTo(broker);
      const options = { pool, nodeId, connection, work };
      this.#byNode.set(nodeId, new BrokerLoop(options));
    }
    return isGone;
  }

  /** Whether the cluster has named any brokers. */
  get isKnown(): boolean {
    return this.#addresses.size > 0;
  }

  has(nodeId: number): boolean {
    return this.#byNode.has(nodeId);
  }

  addressOf(nodeId: number): BrokerAddress | null {
    return this.#addresses.get(nodeId) ?? null;
  }

  /** A topic of the node may be due. */
  wake(nodeId: number): void {
    this.#byNode.get(nodeId)?.wake();
  }

  async close(): Promise<void> {
    for (const loop of this.#byNode.values()) this.#end(loop);
    await Promise.all(this.#ending);
  }

  #end(loop: BrokerLoop): void {
    this.#byNode.delete(loop.nodeId);
    this.#options.onEnd(loop.nodeId);
    loop.stop();
    const ending: Promise<unknown> = loop.running.finally(() =>
      this.#ending.delete(ending)
    );
    this.#ending.add(ending);
  }
}
