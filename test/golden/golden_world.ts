// One whole instance whose clocks, timers and source a scenario holds in its hand, and a record of what clients get.
// Invariant: nothing here depends on real time; clients come by fetch alone.
import { Qanat } from "../../src/app.ts";
import type { AccessControl } from "../../src/auth/access_control.ts";
import type { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { Config } from "../../src/config.ts";
import { honoApp } from "../../src/http/routes/hono_app.ts";
import {
  type EmbeddedChannel,
  embeddedChannels,
} from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import { BlockClock, configWith } from "../driven_source.ts";
import { FrozenTime, realMs, round } from "../frozen_time.ts";
import { golden } from "./golden_file.ts";
import { GoldenSource } from "./golden_source.ts";
import {
  binaryBody,
  briefBody,
  gunzipped,
  joined,
  jsonBody,
  sha256,
  textBody,
} from "./recorded_body.ts";

/** The first block of a scenario: on the grid of 60 s. */
export const FIRST = 23_671_510_080;
export const STRIDE_NS = 62_500_000n;
/** Int64, one sample a block. */
export const A = "H1:QANAT-COUNT_I64_16";
/** Int16, four samples a block. */
export const B = "H1:QANAT-RAMP_I16_64";
/** Rounds of the event loop in which nothing happens before all has happened. */
const QUIET_ROUNDS = 2;
const ROUNDS_MAX = 5000;
const PROMISE_MAX_MS = 20_000;
/** Rounds in which timers run that are due soon. */
const SOON_ROUNDS = 3;

const embedded = await embeddedChannels();

export function embeddedOf(...names: string[]): EmbeddedChannel[] {
  return names.map((name) =>
    embedded.find(({ channel }) => channel.name === name)!
  );
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Where the client comes from. */
  readonly address?: string;
}

/** A client and what it has got so far. */
export class GoldenClient {
  readonly title: string;
  readonly writes: Uint8Array[] = [];
  response: Response | null = null;
  ending: "open" | "ended" | "broke off" | "left" = "open";
  isStalled = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #isReading = false;
  readonly #onRead: () => void;

  constructor(title: string, onRead: () => void) {
    this.title = title;
    this.#onRead = onRead;
  }

  begin(response: Response): void {
    this.response = response;
    this.#reader = response.body?.getReader() ?? null;
    if (this.#reader === null) this.ending = "ended";
    this.read();
  }

  /** Reads until it is stalled or nothing more comes. */
  async read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.ending === "open" && !this.isStalled) {
      try {
        const { value, done } = await this.#reader!.read();
        this.#onRead();
        if (done) this.ending = "ended";
        else this.writes.push(value.slice());
      } catch {
        this.ending = "broke off";
      }
    }
    this.#isReading = false;
  }

  /** Stops reading; the read that waits already gets one write more. */
  stall(): void {
    this.isStalled = true;
  }

  goOn(): void {
    this.isStalled = false;
    this.read();
  }

  async leave(): Promise<void> {
    this.ending = "left";
    // Rejects where the stream has broken off before.
    await this.#reader?.cancel().catch(() => {});
  }

  async record(): Promise<string> {
    const { response } = this;
    const lines = [`=== ${this.title}`, `HTTP ${response!.status}`];
    for (const [name, value] of response!.headers) {
      lines.push(`${name}: ${value}`);
    }
    lines.push(`--- ${this.ending}`);
    return `${lines.join("\n")}\n${await this.#body()}`;
  }

  async #body(): Promise<string> {
    const { headers } = this.response!;
    if (this.writes.length === 0) return "";
    const type = headers.get("content-type") ?? "";
    if (type.endsWith("json")) return jsonBody(this.writes);
    const isArrow = type.includes("arrow");
    if (headers.get("content-encoding") === "gzip") {
      const text = await gunzipped(joined(this.writes));
      return binaryBody(this.writes, true) +
        `unpacked: ${text.byteLength} bytes, ${sha256(text)}\n`;
    }
    if (isArrow) return binaryBody(this.writes, type.includes("codecs="));
    return textBody(this.writes);
  }
}

export interface WorldOptions {
  readonly config?: Partial<Config>;
  readonly channels?: readonly EmbeddedChannel[];
  /** Events of the log that are not recorded. */
  readonly unlogged?: readonly string[];
  /** Who may read what. @default everyone everything */
  readonly access?: (catalog: Catalog) => AccessControl;
}

export class GoldenWorld {
  readonly source: GoldenSource;
  readonly clock = new BlockClock(FIRST);
  readonly qanat: Qanat;
  /** Index of the next block. */
  row = FIRST;
  readonly #time: FrozenTime;
  readonly #later: (() => void)[] = [];
  readonly #log: string[] = [];
  readonly #records: (() => Promise<string> | string)[] = [];
  readonly #app: ReturnType<typeof honoApp>;
  #address = "192.0.2.1";
  #offset = 0;
  #events = 0;

  private constructor(options: WorldOptions) {
    this.#time = new FrozenTime(this.clock);
    this.source = new GoldenSource(options.channels ?? embeddedOf(A, B));
    this.source.newest = FIRST;
    this.source.oldest = FIRST - 16 * 600;
    const log = (level: string) => (event: string, fields?: object) => {
      if (options.unlogged?.includes(event)) return;
      this.#log.push(`${level} ${event} ${JSON.stringify(fields ?? {})}`);
    };
    this.qanat = new Qanat({
      config: configWith({
        retentionMb: 1,
        slabMb: 16,
        lingerMs: 0,
        outageGraceMs: 0,
        gapFillRowsMax: 8,
        revision: "golden",
        ...options.config,
      }),
      source: this.source,
      log: {
        debug: () => {},
        info: log("info"),
        warn: log("warn"),
        error: log("error"),
      },
      clocks: this.clock,
      later: (turn) => void this.#later.push(turn),
      ...(options.access
        ? { access: options.access(this.source.catalog) }
        : {}),
    });
    this.#app = honoApp(this.qanat, {
      addressOf: () => this.#address,
      alreadySent: null,
      newRequestId: () => "golden",
    });
  }

  /** Plays a scenario and holds its record against the one of this name. */
  static async play(
    name: string,
    options: WorldOptions,
    scenario: (world: GoldenWorld) => Promise<void> | void,
  ): Promise<void> {
    golden(name, await GoldenWorld.record(options, scenario));
  }

  /** Plays a scenario and returns its record. */
  static async record(
    options: WorldOptions,
    scenario: (world: GoldenWorld) => Promise<void> | void,
  ): Promise<string> {
    const world = new GoldenWorld(options);
    try {
      await world.qanat.start();
      await scenario(world);
      return await world.#end();
    } finally {
      world.#time.restore();
    }
  }

  /** Opens a stream, or makes any other request, whose answer is recorded at the end. */
  async open(
    title: string,
    path: string,
    ask: Ask = {},
  ): Promise<GoldenClient> {
    const about = [
      ask.method ?? "GET",
      path,
      ...Object.entries(ask.headers ?? {}).map(([k, v]) => `[${k}: ${v}]`),
      ...(ask.body === undefined ? [] : [ask.body.slice(0, 200)]),
    ].join(" ");
    const client = new GoldenClient(`${title}: ${about}`, () => this.#events++);
    this.#address = ask.address ?? "192.0.2.1";
    const request = new Request(`http://qanat.test${path}`, {
      method: ask.method ?? "GET",
      ...(ask.headers ? { headers: ask.headers } : {}),
      ...(ask.body === undefined ? {} : { body: ask.body }),
    });
    await this.#until(
      Promise.resolve(this.#app.fetch(request)).then((r) => client.begin(r)),
    );
    await this.settle();
    this.#records.push(() => client.record());
    return client;
  }

  /**
   * Opens a stream past HTTP, into an outlet that holds frames as a socket does: StreamOutlet copies them. Recorded are
   * the hashes of its writes.
   */
  hold(
    title: string,
    names: readonly string[],
    format: "events" | "arrow",
  ): HeldOutlet {
    const channels = names.map((name) => this.channel(name));
    const admission = this.qanat.hub.admission.admit(channels, { format }, {
      address: "",
    });
    if (admission.kind !== "ready") {
      throw new Error(`${title}: ${JSON.stringify(admission)}`);
    }
    const outlet = new HeldOutlet();
    admission.open(outlet);
    this.#records.push(() =>
      `=== ${title}\n--- ${outlet.ending}\n${briefBody(outlet.written)}`
    );
    return outlet;
  }

  /** Adds a line to the record. */
  note(text: string): void {
    this.#records.push(() => `=== ${text}\n`);
  }

  /** Runs turns and timers until nothing happens any more. */
  async settle(): Promise<void> {
    let quiet = 0;
    for (let i = 0; quiet < QUIET_ROUNDS; i++) {
      if (i === ROUNDS_MAX) throw new Error("The scenario does not settle");
      const before = this.#events;
      const turns = this.#later.splice(0);
      for (const turn of turns) turn();
      // A timer that sets itself again must not keep it from settling.
      const isSoonEnough = i < SOON_ROUNDS;
      const fired = this.#time.fire({ isSoonEnough });
      await round();
      const isQuiet = turns.length + fired === 0 && before === this.#events;
      quiet = isQuiet ? quiet + 1 : 0;
    }
  }

  /** What the timers of the instance do. */
  tick(): void {
    this.#time.tick();
  }

  topicOf(name: string): string {
    const { partitionId } =
      embedded.find(({ channel }) => channel.name === name)!.channel;
    return this.source.blocks.topics.find((t) => t.endsWith(partitionId))!;
  }

  channel(name: string): Channel {
    return this.source.catalog.get(name, null)!;
  }

  /** Hands in one block of a topic, if it is read. */
  hand(topic: string, row: number, value?: Uint8Array): void {
    if (!this.source.wanted.has(topic)) return;
    const strideNs = this.source.blocks.strideNs(topic);
    // A topic without a publisher.
    if (strideNs === undefined) return;
    const ratio = Number(strideNs / STRIDE_NS);
    if ((row + 1) % ratio !== 0) return;
    const index = (row + 1) / ratio - 1;
    const block = value ?? this.source.blocks.blockOf(topic, index);
    const atMs = this.clock.nowMs() - 10;
    this.source.sink!.onMessage(topic, block, this.#offset++, atMs);
  }

  /** Says of every topic, but of some, that its log was read to the end. */
  caughtUp(except: readonly string[] = []): void {
    for (const topic of [...this.source.wanted]) {
      if (except.includes(topic)) continue;
      this.source.sink?.onCaughtUp(topic, this.clock.clockMs());
    }
  }

  /** Publishes so many rows of all topics but some; the log of those has an end, too, unless `away`. */
  async publish(
    count: number,
    options: { except?: readonly string[]; away?: readonly string[] } = {},
  ): Promise<void> {
    const away = options.away ?? [];
    const except = [...(options.except ?? []), ...away];
    for (let i = 0; i < count; i++) {
      const row = this.row++;
      this.clock.index = row + 1;
      this.source.newest = row + 1;
      for (const topic of [...this.source.wanted]) {
        if (!except.includes(topic)) this.hand(topic, row);
      }
      this.caughtUp(away);
      if (this.row % 2 === 0) this.tick();
      await this.settle();
    }
  }

  /** Lets rows pass of which no block ever comes. */
  lose(count: number): void {
    this.row += count;
  }

  /** Lets time pass without blocks, with a tick each second. */
  async pass(seconds: number, away: readonly string[] = []): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.index += 16;
      this.caughtUp(away);
      this.tick();
      await this.settle();
    }
    this.row = this.clock.index;
  }

  /** Records counters of /metrics that are not 0, by the beginning of their name. */
  async figures(...beginnings: string[]): Promise<void> {
    const { text } = await this.qanat.metrics();
    const lines = text.split("\n").filter((line) =>
      beginnings.some((b) => line.startsWith(`qanat_${b}`)) && !/ 0$/.test(line)
    );
    this.#records.push(() => ["=== figures", ...lines, ""].join("\n"));
  }

  /** Resolves a promise while turns and timers continue. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = promise.finally(() => isOver = true);
    over.catch(() => {});
    // By the real clock: a module may have to be loaded first.
    const stopAtMs = realMs() + PROMISE_MAX_MS;
    while (!isOver) {
      if (realMs() > stopAtMs) throw new Error("The promise does not resolve");
      for (const turn of this.#later.splice(0)) turn();
      this.#time.fire({ isSoonEnough: true });
      await round();
    }
    return await over;
  }

  async #end(): Promise<string> {
    await this.settle();
    this.qanat.drain();
    await this.settle();
    await this.#until(this.qanat.close());
    await this.settle();
    let text = "";
    for (const record of this.#records) text += `${await record()}\n`;
    return `${text}=== log\n${this.#log.map((line) => line + "\n").join("")}`;
  }
}
