// Starts the whole way as processes of their own: a real broker, the real publisher, Qanat.
// Invariant: close() ends every process that was started here, in reverse order, and nothing else.
import { startKafka } from "../../scripts/kafka/broker.ts";
import { findOptionalParts } from "../../scripts/optional_parts.ts";
import { argsThroughRelay, IS_RELAYED } from "./relayed.ts";

const ROOT = new URL("../..", import.meta.url);
const READY_MS = 60_000;
const POLL_MS = 100;
const LOG_CHARS_MAX = 20_000;

export const PARTS = findOptionalParts(ROOT);

/** Below the ports that Linux gives to outgoing connections (32768 on), of which load tests use thousands. */
const PORT_MIN = 12_000;
const PORT_MAX = 32_000;
/** Two suites that run at a time take ports of different lanes (scripts/test.ts): a port is not free until it is taken. */
const LANES = 2;
const LANE_PORTS = (PORT_MAX - PORT_MIN) / LANES;
const PORT_TRIES = 100;

const given = new Set<number>();

/**
 * A port that was free a moment ago, and so was the next one, which a broker takes for its controller. Neither is given
 * again, since who asked for it may not listen yet.
 */
export function freePort(): number {
  const lane = Number(Deno.env.get("QANAT_TEST_LANE") || "0") % LANES;
  const first = PORT_MIN + lane * LANE_PORTS;
  for (let i = 0; i < PORT_TRIES; i++) {
    const port = first + Math.floor(Math.random() * (LANE_PORTS - 1));
    if (given.has(port) || given.has(port + 1)) continue;
    if (!isFree(port) || !isFree(port + 1)) continue;
    given.add(port).add(port + 1);
    return port;
  }
  throw new Error(`No free port from ${first} to ${first + LANE_PORTS}`);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** A child process whose lines are kept, so that a failure can show them. */
export class Process {
  readonly #child: Deno.ChildProcess;
  readonly #name: string;
  readonly #readers: Promise<void>[];
  readonly #status: Promise<Deno.CommandStatus>;
  /** The instance that it reads from, which is of no use after it. */
  readonly #origin: Process | null;
  #out = "";
  #log = "";
  #ended: number | null = null;

  /** `root`: the checkout in which it runs. `origin`: is ended after it. */
  constructor(
    name: string,
    program: string,
    args: readonly string[],
    root: URL = ROOT,
    origin: Process | null = null,
  ) {
    this.#name = name;
    this.#origin = origin;
    this.#child = new Deno.Command(program, {
      args: [...args],
      cwd: root,
      env: { PYTHONDONTWRITEBYTECODE: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#readers = [
      this.#keep(this.#child.stdout, (text) => this.#out += text),
      this.#keep(this.#child.stderr, () => {}),
    ];
    this.#status = this.#child.status.then((status) => {
      this.#ended = status.code;
      return status;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#ended === null;
  }

  /** Ends it as a power cut would. */
  async kill9(): Promise<void> {
    this.#signal("SIGKILL");
    await this.ends();
  }

  /** All it wrote to standard output so far. */
  get output(): string {
    return this.#out;
  }

  /** Resolves once its output matches. */
  async says(pattern: RegExp, timeoutMs = READY_MS): Promise<RegExpMatchArray> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      const match = this.#out.match(pattern);
      if (match !== null) return match;
      this.#throwIfEnded(`before it said ${pattern}`);
      if (Date.now() > endMs) {
        throw new Error(
          `${this.#name} did not say ${pattern} within ${timeoutMs} ms:\n${this.#logs}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Resolves once something listens on this port of 127.0.0.1. */
  async listens(port: number, timeoutMs = READY_MS): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      this.#throwIfEnded(`before it listened on ${port}`);
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
      if (Date.now() > endMs) {
        throw new Error(
          `${this.#name} did not listen on ${port} within ${timeoutMs} ms:\n${this.#logs}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Resolves once this URL answers 200. */
  async answers(url: string, timeoutMs = READY_MS): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    let last = "no answer";
    while (Date.now() < endMs) {
      this.#throwIfEnded(`before ${url} answered`);
      try {
        const response = await fetch(url, {
          signal: AbortSignal.timeout(2000),
        });
        last = `${response.status} ${await response.text()}`;
        if (response.ok) return;
      } catch (error) {
        last = String(error);
      }
      await sleep(POLL_MS);
    }
    throw new Error(
      `${url} is not ready after ${timeoutMs} ms: ${last}\n${this.#logs}`,
    );
  }

  /** Its exit code, once it ends by itself. */
  async ends(): Promise<number> {
    const status = await this.#status;
    await Promise.all(this.#readers);
    await this.#origin?.stop();
    return status.code;
  }

  /** Ends it: SIGTERM, then SIGKILL when the time is up. Its exit code, and how long it took. */
  async stop(withinMs = 10_000): Promise<{ code: number; tookMs: number }> {
    const startMs = Date.now();
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.#signal("SIGKILL"), withinMs);
    const { code } = await this.#status;
    const tookMs = Date.now() - startMs;
    clearTimeout(timer);
    await this.ends();
    return { code, tookMs };
  }

  #signal(name: Deno.Signal): void {
    try {
      this.#child.kill(name);
    } catch (error) {
      // It has ended, whether or not that has been reported yet.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** The end of what it wrote, both streams. */
  get log(): string {
    return this.#log;
  }

  get #logs(): string {
    const origin = this.#origin;
    return origin === null
      ? this.#log
      : `${this.#log}\n--- its origin:\n${origin.log}`;
  }

  async #keep(
    stream: ReadableStream<Uint8Array>,
    take: (text: string) => void,
  ) {
    for await (
      const text of stream.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      )
    ) {
      this.#log = (this.#log + text).slice(-LOG_CHARS_MAX);
      take(text);
    }
  }

  #throwIfEnded(when: string): void {
    if (this.#ended === null) return;
    throw new Error(
      `${this.#name} ended with ${this.#ended} ${when}:\n${this.#logs}`,
    );
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export interface ChainOptions {
  readonly channels: number;
  /** Longest time to publish; close() ends it earlier. */
  readonly secondsMax: number;
  /** Other publishers that arrakis-server must know: PUBLISHER,TAG,STRIDE_NS,CHANNELS[,MAX_LATENCY_MS]. */
  readonly also?: readonly string[];
  /** More flags for Qanat. */
  readonly qanatArgs?: readonly string[];
  /** Every how many blocks some channels are left out; 0 never. @default 0 */
  readonly partialEvery?: number;
  /** How late a block may be, ms. @default that of publisher.py, which a busy machine may exceed */
  readonly maxLatencyMs?: number;
  /** Of every channel, as publisher.py names it. @default they differ */
  readonly dataType?: string;
  /** Of every channel, Hz. @default they differ */
  readonly rate?: number;
  /** The checkout that Qanat runs from. @default this one */
  readonly qanatRoot?: URL;
}

/** Broker, publisher and Qanat, all running and ready. */
export interface Chain {
  readonly directory: string;
  readonly arrakisUrl: string;
  readonly brokerPid: number;
  readonly brokerAddress: string;
  readonly qanat: Process;
  readonly qanatUrl: string;
  close(): Promise<void>;
}

/** Flags of those that have a value. */
function flagsOf(values: Record<string, string | number | undefined>) {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`]
  );
}

/** Starts broker, publisher and Qanat; on failure ends what was started. */
export async function startChain(options: ChainOptions): Promise<Chain> {
  const closers: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (let last = closers.pop(); last !== undefined; last = closers.pop()) {
      await last();
    }
  };
  try {
    const directory = await Deno.makeTempDir({ prefix: "qanat-chain-" });
    closers.push(() => Deno.remove(directory, { recursive: true }));
    const broker = await startKafka({
      port: freePort(),
      dir: `${directory}/kafka`,
    });
    closers.push(() => broker.stop());
    const publisher = new Process("publisher.py", PARTS.python.program!, [
      "test/integration/python/publisher.py",
      `--kafka=${broker.address}`,
      `--dir=${directory}`,
      `--channels=${options.channels}`,
      `--seconds=${options.secondsMax}`,
      `--partial-every=${options.partialEvery ?? 0}`,
      ...flagsOf({
        "max-latency-ms": options.maxLatencyMs,
        "data-type": options.dataType,
        rate: options.rate,
      }),
      ...(options.also ?? []).map((also) => `--also=${also}`),
    ]);
    closers.push(() => publisher.stop());
    const [, arrakisUrl] = await publisher.says(/"arrakis": "([^"]+)"/);
    await publisher.says(/"event": "ready"/);
    const { qanat, url } = launchQanat(
      [`--kafka=${broker.address}`, ...options.qanatArgs ?? []],
      freePort(),
      [],
      options.qanatRoot,
    );
    closers.push(() => qanat.stop());
    await qanat.answers(`${url}/readyz`);
    return {
      directory,
      arrakisUrl: arrakisUrl!,
      brokerPid: broker.pid,
      brokerAddress: broker.address,
      qanat,
      qanatUrl: url,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Arguments of Deno for a Qanat, as `deno task start` of a checkout gives them. `more`: for its runtime. */
export function startArgs(
  more: readonly string[] = [],
  root: URL = ROOT,
): string[] {
  const file = new URL("deno.json", root);
  const { tasks } = JSON.parse(Deno.readTextFileSync(file)) as {
    tasks: Record<string, { command: string }>;
  };
  const args = tasks["start"]!.command.split(" ").slice(1);
  return [...args.slice(0, -1), ...more, args.at(-1)!];
}

/** A Qanat that was started. */
export interface Launched {
  readonly qanat: Process;
  readonly url: string;
  readonly port: number;
  /** What reads Kafka: `qanat`, or its origin where `qanat` is a relay (QANAT_RELAY). */
  readonly reader: Process;
}

/**
 * Starts a Qanat of a checkout on a port of its own (or the given one), behind `prefix`; it answers a little later. With
 * QANAT_RELAY=1 it is a relay, and its origin is ended after it.
 */
export function launchQanat(
  args: readonly string[],
  port: number = freePort(),
  prefix: readonly string[] = [],
  root: URL = ROOT,
): Launched {
  const [program, ...before] = [...prefix, Deno.execPath()];
  const launch = (
    { name, own, at, origin }: {
      name: string;
      own: readonly string[];
      at: number;
      origin: Process | null;
    },
  ) =>
    new Process(
      name,
      program!,
      [...before, ...startArgs([], root), `--port=${at}`, ...own],
      root,
      origin,
    );
  const originPort = IS_RELAYED ? freePort() : 0;
  const originUrl = `http://127.0.0.1:${originPort}`;
  const split = IS_RELAYED ? argsThroughRelay(args, originUrl) : null;
  const origin = split === null ? null : launch({
    name: "origin",
    own: split.origin,
    at: originPort,
    origin: null,
  });
  const own = split?.relay ?? args;
  const qanat = launch({ name: "qanat", own, at: port, origin });
  const url = `http://127.0.0.1:${port}`;
  return { qanat, url, port, reader: origin ?? qanat };
}

/** A figure of /metrics, which has no labels. */
export async function metric(base: string, name: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  const [, value] = text.match(new RegExp(`^${name} (\\S+)$`, "m")) ?? [];
  if (value === undefined) throw new Error(`${name} is not on /metrics`);
  return Number(value);
}

/** URL of a stream of these channels. */
export function streamUrl(
  base: string,
  kind: "events" | "arrow" | "latest" | "data",
  names: readonly string[],
  durationS?: number,
): string {
  const channels = encodeURIComponent(names.join(","));
  const duration = durationS === undefined ? "" : `&duration=${durationS}`;
  return `${base}/v1/${kind}?channels=${channels}${duration}`;
}

/** A line of a figure on standard output. */
export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
