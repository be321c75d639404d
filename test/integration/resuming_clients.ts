// A process that reads many live streams of one Qanat, half as events and half as Arrow, and resumes each by its last id
// whenever it breaks. Invariant: each row is counted once: as next, as lost, or as twice.
// deno run … resuming_clients.ts PLAN: {"url", "clients", "selections", "strideNs"}; says `attached` once all have rows;
// on SIGTERM it waits until all have rows again, says what it found as one line of JSON, and ends.
import { crc32 } from "node:zlib";
import { ArrowFramer } from "../../src/tail/arrow_framer.ts";

const CLIENTS_MAX = 1000;
/** One without a row for so long has none. */
const SILENT_MS = 2000;
const BACK_MAX_MS = 30_000;
/** As --retry-ms and --retry-spread-ms, which most libraries follow. */
const RETRY_MS = 1000;
const SPREAD_MS = 2000;

export interface ResumingPlan {
  readonly url: string;
  readonly clients: number;
  /** Names of channels with one stride; the clients take turns. */
  readonly selections: readonly string[];
  readonly strideNs: string;
}

/** What all clients found. */
export interface ResumingFound {
  readonly rows: number;
  readonly lost: number;
  readonly twice: number;
  readonly gaps: readonly string[];
  /** Events in which a channel is missing, as its block was late. */
  readonly short: number;
  /** Whole events whose bytes were not those that another client got. */
  readonly different: number;
  /** Times that a stream broke. */
  readonly breaks: number;
  /** Requests that got no stream, by what the answer was about. */
  readonly refused: Readonly<Record<string, number>>;
  /** Longest time without a row, ms, and the clients that have none at the end. */
  readonly silentMs: number;
  readonly silent: number;
}

const found = {
  rows: 0,
  lost: 0,
  twice: 0,
  gaps: [] as string[],
  short: 0,
  different: 0,
  breaks: 0,
  refused: {} as Record<string, number>,
};

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** Digests of whole events by selection and time. */
const digests = new Map<string, number>();

class Client {
  readonly #plan: ResumingPlan;
  readonly #channels: string;
  readonly #kind: "events" | "arrow";
  readonly #strideNs: bigint;
  /** End of the last row. */
  #endNs: bigint | null = null;
  #lastRowMs = performance.now();
  silentMs = 0;

  constructor(plan: ResumingPlan, index: number) {
    this.#plan = plan;
    this.#kind = index % 2 === 0 ? "events" : "arrow";
    const { selections } = plan;
    this.#channels = selections[(index >> 1) % selections.length]!;
    this.#strideNs = BigInt(plan.strideNs);
  }

  get hasRows(): boolean {
    return this.#endNs !== null;
  }

  get silentNowMs(): number {
    return performance.now() - this.#lastRowMs;
  }

  async run(): Promise<never> {
    for (;;) {
      const refused = await this.#readOne().catch(() => null);
      if (refused === null) found.breaks++;
      else found.refused[refused] = (found.refused[refused] ?? 0) + 1;
      const waitMs = RETRY_MS + Math.random() * SPREAD_MS;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** One stream, until it breaks. Resolves with why there is none. */
  async #readOne(): Promise<string | null> {
    const { url } = this.#plan;
    const after = this.#endNs === null ? "" : `&after=${this.#endNs}`;
    let response: Response;
    try {
      response = await fetch(
        `${url}/v1/${this.#kind}?channels=${this.#channels}${after}`,
      );
    } catch {
      return "no connection";
    }
    if (!response.ok) {
      const text = await response.text();
      return `${response.status} ${text.match(/"limit":"[^"]*"/)?.[0] ?? text}`;
    }
    if (this.#kind === "events") await this.#readEvents(response.body!);
    else await this.#readArrow(response.body!);
    return null;
  }

  async #readEvents(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const bytes of body) {
      const events = (rest + decoder.decode(bytes, { stream: true })).split(
        "\n\n",
      );
      rest = events.pop()!;
      for (const event of events) this.#takeEvent(event);
    }
  }

  #takeEvent(text: string): void {
    const lines = text.split("\n");
    const data = lines.find((line) => line.startsWith("data: "));
    const name = lines.find((line) => line.startsWith("event: "));
    if (name === "event: gap") found.gaps.push(`${this.#channels} ${data}`);
    if (name !== undefined || data === undefined) return;
    const id = lines.find((line) => line.startsWith("id: "))!;
    const isShort = data.includes('":null');
    if (isShort) found.short++;
    const digest = isShort ? null : crc32(data);
    this.#takeRow(BigInt(id.slice(4)) - this.#strideNs, digest);
  }

  async #readArrow(body: ReadableStream<Uint8Array>): Promise<void> {
    const framer = new ArrowFramer();
    for await (const bytes of body) {
      for (const message of framer.push(bytes)) {
        if (message.kind !== "batch") continue;
        if (message.gap) found.gaps.push(`${this.#channels} ${message.gap}`);
        if (message.rowCount === 0) continue;
        if (message.rowCount > 1) throw new Error("a batch of several rows");
        this.#takeRow(message.timeNs!, null);
      }
    }
  }

  /** `digest`: null where it is not compared. */
  #takeRow(timeNs: bigint, digest: number | null): void {
    const strides = this.#endNs === null
      ? 0
      : Number((timeNs - this.#endNs) / this.#strideNs);
    if (strides < 0) found.twice++;
    else {
      found.lost += strides;
      found.rows++;
      this.#endNs = timeNs + this.#strideNs;
    }
    this.silentMs = Math.max(this.silentMs, this.silentNowMs);
    this.#lastRowMs = performance.now();
    if (digest === null) return;
    const key = `${this.#channels} ${timeNs}`;
    const known = digests.get(key);
    if (known === undefined) digests.set(key, digest);
    else if (known !== digest) found.different++;
  }
}

async function main(): Promise<void> {
  const plan = JSON.parse(Deno.args[0]!) as ResumingPlan;
  if (plan.clients > CLIENTS_MAX) {
    throw new Error(`At most ${CLIENTS_MAX} clients, not ${plan.clients}`);
  }
  if (new URL(plan.url).hostname !== "127.0.0.1") {
    throw new Error(`Only 127.0.0.1 is read, not ${plan.url}`);
  }
  const clients = Array.from(
    { length: plan.clients },
    (_, index) => new Client(plan, index),
  );
  const silent = () =>
    clients.filter(({ silentNowMs }) => silentNowMs > SILENT_MS).length;
  Deno.addSignalListener("SIGTERM", async () => {
    const endMs = performance.now() + BACK_MAX_MS;
    while (silent() > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const silentMs = Math.max(...clients.map((client) => client.silentMs));
    const all: ResumingFound = {
      ...found,
      gaps: found.gaps.slice(0, 10),
      silentMs: Math.round(silentMs),
      silent: silent(),
    };
    say(JSON.stringify(all));
    Deno.exit(0);
  });
  const timer = setInterval(() => {
    if (!clients.every(({ hasRows }) => hasRows)) return;
    clearInterval(timer);
    say("attached");
  }, 200);
  await Promise.all(clients.map((client) => client.run()));
}

if (import.meta.main) await main();
