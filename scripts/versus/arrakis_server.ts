// An arrakis-server of its own for each load, so that no load suffers from the one before.
// Invariant: it knows the channels of the world's publisher; the caller ends it.
import {
  freePort,
  PARTS,
  Process,
  sleep,
} from "../../test/integration/chain.ts";
import type { World } from "./world.ts";

const LISTEN_MAX_MS = 60_000;
const POLL_MS = 100;

export interface ArrakisServer {
  readonly port: number;
  readonly process: Process;
  stop(): Promise<void>;
}

/** Starts one on the world's broker, with a copy of the metadata that its publisher has registered. */
export async function launchArrakis(world: World): Promise<ArrakisServer> {
  const { directory, brokerAddress } = world;
  const port = freePort();
  const cache = await Deno.makeTempDir({ dir: directory, prefix: "arrakis-" });
  await copyDirectory(`${directory}/cache`, cache);
  const process = new Process("arrakis-server", "/usr/bin/env", [
    `XDG_CACHE_HOME=${cache}`,
    PARTS.python.program!.replace(/[^/]+$/, "arrakis-server"),
    "-u",
    `grpc://127.0.0.1:${port}`,
    "KAFKA",
    "--kafka-url",
    brokerAddress,
    "--publisher-config",
    `${directory}/publishers`,
  ]);
  const stop = async () => {
    await process.stop();
    await Deno.remove(cache, { recursive: true });
  };
  try {
    await untilListening(port, process);
    return { port, process, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilListening(port: number, process: Process): Promise<void> {
  const endMs = Date.now() + LISTEN_MAX_MS;
  for (;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (!process.isRunning || Date.now() > endMs) {
        throw new Error(`arrakis-server does not listen: ${process.log}`, {
          cause: error,
        });
      }
      await sleep(POLL_MS);
    }
  }
}

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyDirectory(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
