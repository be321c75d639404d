// What comparisons with Arrakis run on: a chain with a second publisher of another stride, which leaves channels out.
// Invariant: close() ends everything that was started here.
import {
  type Chain,
  type ChainOptions,
  PARTS,
  Process,
  startChain,
} from "./chain.ts";
import { Published } from "./published.ts";

const OTHER_STRIDE_NS = 250_000_000;
/** Two of each type, so that a partial block never is an empty one. */
const CHANNELS = 20;
/** Longest time to publish. */
const SECONDS_MAX = 1200;

export interface ParityWorld {
  readonly chain: Chain;
  /** Channels whose blocks are whole. */
  readonly names: string[];
  /** Channels of the second publisher. */
  readonly otherNames: string[];
  /** Where both write down what they publish. */
  readonly directories: readonly string[];
  close(): Promise<void>;
}

/** A publisher.py that publishes to a server which was started for it. */
export interface AddedPublisher {
  readonly process: Process;
  readonly directory: string;
  readonly names: string[];
  close(): Promise<void>;
}

/** Starts broker, arrakis-server, both publishers and Qanat. `also`: more publishers that arrakis-server must know. */
export async function startParityWorld(
  { also = [], ...options }: Pick<ChainOptions, "qanatArgs" | "also">,
): Promise<ParityWorld> {
  // Whole blocks: in its history arrakis-server 0.17.2 fails at a block that lacks a channel (KeyError).
  const chain = await startChain({
    channels: CHANNELS,
    secondsMax: SECONDS_MAX,
    also: [`H1OTH,OTH,${OTHER_STRIDE_NS},${CHANNELS}`, ...also],
    ...options,
  });
  try {
    const other = await startPublisher(chain, chain.arrakisUrl, [
      `--channels=${CHANNELS}`,
      "--publisher=H1OTH",
      "--tag=OTH",
      "--partial-every=3",
      `--stride-ns=${OTHER_STRIDE_NS}`,
    ]);
    return {
      chain,
      names: namesIn(chain.directory),
      otherNames: other.names,
      directories: [chain.directory, other.directory],
      close: async () => {
        await other.close();
        await chain.close();
      },
    };
  } catch (error) {
    await chain.close();
    throw error;
  }
}

/** Starts a publisher that registers with the server at `url`; resolves once it publishes. */
export async function startPublisher(
  { brokerAddress }: Pick<Chain, "brokerAddress">,
  url: string,
  args: readonly string[],
): Promise<AddedPublisher> {
  const directory = await Deno.makeTempDir({ prefix: "qanat-parity-" });
  const process = new Process("publisher.py", PARTS.python.program!, [
    "test/integration/python/publisher.py",
    `--kafka=${brokerAddress}`,
    `--dir=${directory}`,
    `--seconds=${SECONDS_MAX}`,
    `--server=${url}`,
    ...args,
  ]);
  const close = async () => {
    await process.stop();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    await process.says(/"event": "ready"/);
  } catch (error) {
    await close();
    throw error;
  }
  return { process, directory, names: namesIn(directory), close };
}

function namesIn(directory: string): string[] {
  return new Published(directory).channels.map((c) => c.name).sort();
}
