// `--workers 2` while threads throw, hang, and run out of memory, and while the port is taken.
// Invariant: no client loses a row or gets one twice; whatever a thread does, the process serves or ends.
// QANAT_SECONDS=600 (the long tier) throws 20 times in 5 minutes with Kafka, and 3 times with the embedded source; without,
// 3 times in 24 s with Kafka.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, afterEach, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { Breakable, type BreakableOptions } from "./breakable.ts";
import { PAUSE_MS } from "./control_port.ts";
import {
  type Chain,
  freePort,
  launchQanat,
  PARTS,
  Process,
  say,
  sleep,
  startChain,
} from "./chain.ts";
import { Published } from "./published.ts";
import type { ResumingFound, ResumingPlan } from "./resuming_clients.ts";

const isLong = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600;
const inLongTier: typeof it | (() => void) = isLong ? it : () => {};
/** How often threads throw, and how long after each other. */
interface Drill {
  readonly throws: number;
  readonly everyMs: number;
}
const SHORT: Drill = { throws: 3, everyMs: 8000 };
const FULL: Drill = isLong ? { throws: 20, everyMs: 15_000 } : SHORT;
const CLIENTS = 500;
const ATTACH_MS = 90_000;
/** After the last throw a client waits for 3 s before it connects, and the clients for all of them. */
const BACK_MAX_MS = 60_000;
const PROBES_MAX = 4;
/** Five seconds are promised; the machine is busy with other tests. */
const STOP_MAX_MS = 10_000;
const STRIDE_NS = "62500000";
const EMBEDDED = [
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-COUNT_I64_16,L1:QANAT-COUNT_I64_16",
  "H1:GWOSC-4KHZ_R1_WHITENED",
];
const LIMITS = [
  "--log-level=warn",
  "--clients-per-address-max=1000",
  "--address-share-percent=100",
  // The clients share the machine: what they have not read when a worker ends is lost with its connections, and where
  // the machine is busy that may be more than a minute.
  "--resume-window-ms=600000",
];
/** A process that is out of memory ends by SIGTRAP. */
const OUT_OF_MEMORY = 128 + 5;

const trials: Breakable[] = [];

async function start(
  options: Partial<BreakableOptions> = {},
): Promise<Breakable> {
  const { args = [], ...others } = options;
  const trial = new Breakable({
    workers: 2,
    args: [...LIMITS, ...args],
    ...others,
  });
  trials.push(trial);
  await trial.qanat.says(/is serving on/);
  return trial;
}

/** Requests for blocks that a process has sent to its broker. */
async function fetches({ url }: Breakable): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const [, count] = text.match(/^qanat_kafka_fetches_total (\d+)$/m) ?? [];
  return Number(count);
}

/** Throws in one worker after the other under many clients. */
async function drill(
  trial: Breakable,
  { throws, everyMs }: Drill,
  plan: Omit<ResumingPlan, "url" | "clients">,
): Promise<ResumingFound> {
  const clients = new Process("resuming_clients.ts", Deno.execPath(), [
    ..."run --no-prompt --allow-net=127.0.0.1 test/integration/resuming_clients.ts"
      .split(" "),
    JSON.stringify({ ...plan, url: trial.url, clients: CLIENTS }),
  ]);
  try {
    await clients.says(/attached/, ATTACH_MS);
    for (let i = 0; i < throws; i++) {
      await trial.break(i % 3 === 2 ? "reject" : "throw", i % 2);
      await sleep(everyMs);
    }
    assert.ok(trial.qanat.isRunning, trial.qanat.log);
    await clients.stop(BACK_MAX_MS);
    return JSON.parse(clients.output.trim().split("\n").at(-1)!);
  } finally {
    await clients.kill9();
  }
}

function check(
  trial: Breakable,
  { throws }: Drill,
  name: string,
  found: ResumingFound,
): void {
  const { rows, short, breaks, silentMs } = found;
  say(
    `${name}: a worker thrown ${throws} times under ${CLIENTS} clients: ${rows} rows (${short} short), ` +
      `${found.lost} lost, ${found.twice} twice, ${breaks} streams broken, longest silence ${silentMs} ms, ` +
      `refused ${JSON.stringify(found.refused)}`,
  );
  assert.deepEqual(found.gaps, []);
  const { lost, twice, different, silent } = found;
  assert.deepEqual(
    { lost, twice, different, silent },
    { lost: 0, twice: 0, different: 0, silent: 0 },
  );
  // Half of all streams are on each worker, about.
  assert.ok(breaks > throws * CLIENTS / 4, `${breaks} streams broke`);
  assert.ok(rows > throws * CLIENTS * 10, `${rows} rows`);
  const lines = trial.lines("worker-replaced");
  assert.ok(lines.length > 0, trial.qanat.log);
  for (const { worker } of lines) assert.ok(worker === 0 || worker === 1);
}

describe("a worker that throws", () => {
  afterEach(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
  });

  inLongTier(
    "is replaced, and no client loses a row or gets one twice: the embedded source",
    async () => {
      const trial = await start();
      const found = await drill(trial, SHORT, {
        selections: EMBEDDED,
        strideNs: STRIDE_NS,
      });
      check(trial, SHORT, "embedded", found);
      assert.equal((await trial.qanat.stop()).code, 0, trial.qanat.log);
    },
  );

  it("during a stop delays nothing: the process ends in time, exit 1", async () => {
    const trial = await start({ args: ["--drain-spread-s=60"] });
    const stream = await fetch(
      `${trial.url}/v1/events?channels=${EMBEDDED[0]}`,
    );
    const stopping = trial.qanat.stop(STOP_MAX_MS + 60_000);
    await sleep(500);
    for (const number of [0, 1]) {
      await trial.break("throw", number).catch(() => {});
    }
    const { code, tookMs } = await stopping;
    await stream.body?.cancel().catch(() => {});
    assert.equal(code, 1, trial.qanat.log);
    assert.ok(tookMs < STOP_MAX_MS, `${tookMs} ms`);
    assert.equal(trial.lines("worker-replaced").length, 0);
  });
});

describe("a worker that throws, with Kafka", {
  ignore: !canRun([PARTS.kafka, PARTS.python]),
  skip: !canRun([PARTS.kafka, PARTS.python]),
}, () => {
  let chain: Chain;

  before(async () => {
    chain = await startChain({ channels: 12, secondsMax: 900 });
    await chain.qanat.stop();
  });
  after(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
    await chain?.close();
  });

  it("is replaced, and no client loses a row or gets one twice", async () => {
    const trial = await start({ args: [`--kafka=${chain.brokerAddress}`] });
    const { channels, strideNs } = new Published(chain.directory);
    // Small rows: the clients, which share the machine, must keep up.
    const names = channels.filter(({ samples }) => samples <= 16)
      .map(({ name }) => name).sort();
    const found = await drill(trial, FULL, {
      selections: [names[0]!, names[1]!, names.join()],
      strideNs: String(strideNs),
    });
    check(trial, FULL, "Kafka", found);
    assert.equal((await trial.qanat.stop()).code, 0, trial.qanat.log);
  });

  it("reads on time while all workers are too busy to serve", async () => {
    const trial = await start({ args: [`--kafka=${chain.brokerAddress}`] });
    const { channels } = new Published(chain.directory);
    const stream = await fetch(
      `${trial.url}/v1/events?channels=${channels[0]!.name}`,
    );
    await sleep(1000);
    const beforeMs = performance.now();
    const before = await fetches(trial);
    await Promise.all([0, 1].map((worker) => trial.break("pause", worker)));
    // Both answer again only after the pause; who reads late would have asked the broker once or twice by then.
    const count = await fetches(trial) - before;
    const tookMs = performance.now() - beforeMs;
    await stream.body?.cancel();
    say(`${count} fetches in ${tookMs.toFixed(0)} ms without a worker`);
    assert.ok(tookMs > PAUSE_MS, `${tookMs} ms`);
    // 16 blocks a second and partition, each of which is fetched at once.
    assert.ok(count > 10 * PAUSE_MS / 1000, `${count} fetches`);
    assert.equal((await trial.qanat.stop()).code, 0, trial.qanat.log);
  });
});

describe("a reading thread that throws", () => {
  afterEach(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
  });

  for (const how of ["throw", "reject"]) {
    it(`ends the process, exit 1, with the error in the log (${how})`, async () => {
      const trial = await start();
      await trial.break(how, "reading");
      assert.equal(await trial.ends(), 1, trial.qanat.log);
      const [line, ...others] = trial.lines("crashed");
      assert.deepEqual(others, []);
      assert.match(line!.error as string, /by the test/);
    });
  }
});

describe("the watchdog of several threads", () => {
  afterEach(async () => {
    for (const { qanat } of trials.splice(0)) await qanat.kill9();
  });

  for (
    const { what, how, thread, gone, named } of [
      { what: "a worker", how: "hang", thread: 1, gone: "event-loop" },
      {
        what: "the reading thread",
        how: "hang",
        thread: "reading",
        gone: "event-loop",
        named: "reading",
      },
      {
        what: "the listener of a worker",
        how: "stop-accepting",
        thread: 1,
        gone: "listener",
      },
    ] as const
  ) {
    it(`${what} that hangs ends the process, exit 70, and the log names the thread`, async () => {
      const trial = await start({
        args: [`--watchdog-probes-max=${PROBES_MAX}`],
      });
      // It has reached both listeners; it judges none that it never reached.
      await sleep(2500);
      await trial.break(how, thread);
      assert.equal(await trial.ends(), 70, trial.qanat.log);
      const [line, ...others] = trial.lines("watchdog-ends-process");
      assert.deepEqual(others, []);
      assert.equal(line!.thread, named ?? `worker ${thread}`);
      assert.equal(line!.gone, gone);
    });
  }

  it("a worker without memory ends the process, and the log has a warning before", async () => {
    const trial = await start({
      // A young generation of a usual size would be a tenth of so small a heap.
      v8: ["--max-old-space-size=200", "--max-semi-space-size=1"],
      // Its last collections may take long on a busy machine.
      args: ["--watchdog-probes-max=0"],
    });
    await trial.break("fill-heap", 1);
    const code = await trial.ends();
    assert.equal(code, OUT_OF_MEMORY, trial.qanat.log);
    const [line, ...others] = trial.lines("heap-nearly-full");
    assert.deepEqual(others, []);
    assert.equal(line!.worker, 1);
  });
});

describe("a port that is taken", () => {
  /** The exit code of a Qanat on this port, and what it says. */
  async function refused(port: number, workers: number) {
    const { qanat } = launchQanat([`--workers=${workers}`], port);
    try {
      return { code: await qanat.ends(), said: qanat.log };
    } finally {
      await qanat.kill9();
    }
  }

  async function assertTaken(port: number, workers: number): Promise<void> {
    const { code, said } = await refused(port, workers);
    assert.equal(code, 1, said);
    const line = `Cannot listen on 127.0.0.1:${port}: ` +
      `listen EADDRINUSE: address already in use 127.0.0.1:${port}`;
    assert.ok(said.includes(line), said);
    assert.ok(!said.includes("serving"), said);
  }

  for (const workers of [1, 2]) {
    it(`by a Qanat with ${workers} worker(s) is refused to any other`, async () => {
      const { qanat, port } = launchQanat([`--workers=${workers}`]);
      try {
        await qanat.says(/is serving on/);
        await assertTaken(port, 2);
        if (workers === 2) await assertTaken(port, 1);
        assert.equal((await qanat.stop()).code, 0);
      } finally {
        await qanat.kill9();
      }
    });
  }

  it("by another program is refused, also if that one shares it", async () => {
    for (const reusePort of [false, true]) {
      const port = freePort();
      const server = createServer();
      await new Promise<void>((resolve) =>
        server.listen({ port, host: "127.0.0.1", reusePort }, resolve)
      );
      await assertTaken(port, 2);
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("by another process for operators, or for Flight, is refused as well", async () => {
    const port = freePort();
    const server = createServer();
    await new Promise<void>((resolve) =>
      server.listen({ port, host: "127.0.0.1", reusePort: true }, resolve)
    );
    for (const flag of ["--operator-port", "--flight-port"]) {
      const { qanat } = launchQanat(["--workers=2", `${flag}=${port}`]);
      assert.equal(await qanat.ends(), 1, qanat.log);
      assert.match(qanat.log, new RegExp(`Cannot listen on .*:${port}: `));
    }
    await new Promise((resolve) => server.close(resolve));
  });
});
