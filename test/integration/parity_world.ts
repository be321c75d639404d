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

export interface ParityWorld {
  readonly chain: Chain;
  /** Channels whose blocks are whole. */
  readonly names: string[];
  /** Channels of the second publisher. */
  readonly otherNames: string[];
  close(): Promise<void>;
}

/** Starts broker, arrakis-server, both publishers and Qanat. */
export async function startParityWorld(
  options: Pick<ChainOptions, "qanatArgs">,
): Promise<ParityWorld> {
  // Whole blocks: in its history arrakis-server 0.17.2 fails at a block that lacks a channel (KeyError).
  const chain = await startChain({
    channels: CHANNELS,
    secondsMax: 300,
    also: `H1OTH,OTH,${OTHER_STRIDE_NS},${CHANNELS}`,
    ...options,
  });
  const directory = await Deno.makeTempDir({ prefix: "qanat-parity-" });
  const other = new Process("publisher.py", PARTS.python.program!, [
    "test/integration/python/publisher.py",
    `--kafka=${chain.brokerAddress}`,
    `--dir=${directory}`,
    `--channels=${CHANNELS}`,
    "--seconds=300",
    "--publisher=H1OTH",
    "--tag=OTH",
    `--server=${chain.arrakisUrl}`,
    "--partial-every=3",
    `--stride-ns=${OTHER_STRIDE_NS}`,
  ]);
  const close = async () => {
    await other.stop();
    await chain.close();
    await Deno.remove(directory, { recursive: true });
  };
  try {
    await other.says(/"event": "ready"/);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    chain,
    names: namesIn(chain.directory),
    otherNames: namesIn(directory),
    close,
  };
}

function namesIn(directory: string): string[] {
  return new Published(directory).channels.map((c) => c.name).sort();
}
