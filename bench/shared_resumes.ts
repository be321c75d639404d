// How long 50 and 200 equal resumes take until each client has its newest row, and what they cost the server: clients share
// one reading of history, or each reads by itself. Run `deno task bench:resumes`.
// Invariant: both are measured in turns in the same run, over real sockets; the log is in memory, and a read of it takes
// READ_MS, about as long as one of Kafka does.
import { cpuUsage } from "node:process";
import { roundsOrExit } from "./rounds.ts";
import { Qanat } from "../src/app.ts";
import { serve } from "../src/http/server.ts";
import { median } from "../scripts/versus/side.ts";
import { BlockClock, configWith, silent } from "../test/driven_source.ts";
import { HeldOutlet } from "../test/clients/held_outlet.ts";
import {
  END,
  FIRST,
  LoggedSource,
  NAMES,
  publishLive,
  START,
  STRIDE_NS,
} from "../test/clients/resuming_world.ts";
import { say } from "../test/integration/chain.ts";

const ROUNDS = roundsOrExit(
  "bench:resumes",
  "Measure how long 50 and 200 equal resumes take, compared with each reading history by itself",
);
const CLIENTS = [50, 200] as const;
const READ_MS = 5;
const READ_ROWS = 64;

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly reads: number;
}

async function measure(clients: number, isSharing: boolean): Promise<Cost> {
  const source = new LoggedSource(NAMES, READ_MS);
  source.readRows = READ_ROWS;
  const clock = new BlockClock(FIRST);
  const config = configWith({
    port: 0,
    sliceMs: 4,
    poisonSlots: false,
    retentionMb: 1,
    addressSharePercent: 100,
  });
  const qanat = new Qanat({ config, source, log: silent, clocks: clock });
  qanat.hub.history.isSharing = isSharing;
  await qanat.start();
  const server = await serve(qanat);
  try {
    // Keeps the timeline.
    const admission = qanat.hub.admission.admit(
      NAMES.map((name) => source.catalog.get(name, null)!),
      "events",
      { address: "" },
    );
    if (admission.kind !== "ready") throw new Error(JSON.stringify(admission));
    admission.open(new HeldOutlet());
    publishLive(source, clock);
    const id = (row: number) => String(BigInt(row + 1) * STRIDE_NS);
    const url = `http://127.0.0.1:${server.port}/v1/events?channels=${
      NAMES.join(",")
    }&after=${id(START - 1)}`;
    const before = cpuUsage();
    const found = await readAll(clients, url, id(END - 1));
    const { user, system } = cpuUsage(before);
    if (new Set(found.bytes).size !== 1) {
      throw new Error(`Clients got different answers: ${found.bytes}`);
    }
    const cpuMs = (user + system) / 1000;
    return { ms: found.ms, cpuMs, reads: source.reads };
  } finally {
    qanat.drain();
    await server.close(500);
    await qanat.close();
  }
}

async function readAll(
  clients: number,
  url: string,
  lastId: string,
): Promise<{ readonly ms: number; readonly bytes: readonly number[] }> {
  const reader = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-net=127.0.0.1",
      "bench/resume_reader.ts",
      String(clients),
      url,
      lastId,
    ],
    stdout: "piped",
    stderr: "inherit",
  });
  const { success, stdout } = await reader.output();
  if (!success) throw new Error("The reader failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

function show(of: readonly Cost[]): string {
  const middle = (key: keyof Cost) => median(of.map((cost) => cost[key]));
  return `${middle("ms").toFixed(0)} ms, ${
    middle("cpuMs").toFixed(0)
  } ms of CPU, ${middle("reads")} reads`;
}

// All code is compiled first.
await measure(10, true);
await measure(10, false);
for (const clients of CLIENTS) {
  const alone: Cost[] = [];
  const shared: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await measure(clients, false));
    shared.push(await measure(clients, true));
  }
  const ratio = (key: keyof Cost) =>
    median(alone.map((cost, i) => cost[key] / shared[i]![key])).toFixed(1);
  say(
    `${clients} equal resumes, medians of ${ROUNDS}: each alone ${
      show(alone)
    }; shared ${show(shared)}; ${ratio("ms")} times faster, ${
      ratio("cpuMs")
    } times less CPU, ${ratio("reads")} times fewer reads`,
  );
}
Deno.exit(0);
