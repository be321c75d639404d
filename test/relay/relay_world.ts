// Instances in memory that read from each other: an origin on a driven source, and relays whose `fetch` calls it.
import { setImmediate } from "node:timers";
import { Qanat } from "../../src/app.ts";
import type { AccessControl } from "../../src/auth/access_control.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { Config } from "../../src/config.ts";
import type { StreamFormat } from "../../src/frames/stream_format.ts";
import { honoApp } from "../../src/http/routes/hono_app.ts";
import { UpstreamSource } from "../../src/relay/upstream_source.ts";
import type { ReadFrom, Source } from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

export const FIRST = 23_671_510_000;
export const NAMES = [
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-RAMP_I16_64",
  "H1:QANAT-SINE_F32_256",
];
export const CHANNELS = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

/** Answers requests for some host. */
export type Server = (request: Request) => Response | Promise<Response>;

/** Of the clock. */
const STEPS_OF_SECOND = 16;

/** The instances of one test. They share one clock. */
export class RelayWorld {
  readonly clock = new BlockClock(FIRST);
  /** By host. A host that is missing refuses connections. */
  readonly servers = new Map<string, Server>();
  /** What arrives of a piece of an answer; after less than all of it all connections break. */
  onPiece: (piece: Uint8Array, url: URL) => Uint8Array = (piece) => piece;
  requests = 0;
  /** What relays have logged. */
  readonly lines: Record<string, unknown>[] = [];
  readonly #instances: Qanat[] = [];
  readonly #ticks: (() => void)[] = [];
  readonly #log = {
    ...silent,
    info: this.#line.bind(this),
    warn: this.#line.bind(this),
  };
  readonly #connections = new Set<(error: Error) => void>();

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input as string, {
      ...init,
      redirect: "follow",
    });
    this.requests++;
    const url = new URL(request.url);
    const server = this.servers.get(url.host);
    if (server === undefined) throw new TypeError("connection refused");
    const response = await server(request);
    if (response.body === null) return response;
    const body = this.#wired(response.body, url, init?.signal ?? null);
    return new Response(body, response);
  };

  /** An instance over a source. It serves relays at a host, if one is given. */
  async instance(
    source: Source,
    { host, access, ...changes }: Partial<Config> & {
      host?: string;
      access?: AccessControl;
    } = {},
  ): Promise<Qanat> {
    const qanat = new Qanat({
      config: configWith({
        retentionMb: 4,
        lingerMs: 0,
        relayStreamsMax: host === undefined ? 0 : 100,
        addressSharePercent: 100,
        ...changes,
      }),
      source,
      log: silent,
      clocks: this.clock,
      ...access === undefined ? {} : { access },
    });
    await qanat.start();
    this.#instances.push(qanat);
    if (host !== undefined) {
      const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
      this.servers.set(host, (request) => app.fetch(request));
    }
    return qanat;
  }

  /** The source of a relay. */
  upstream(hosts: readonly string[], token = ""): UpstreamSource {
    const source = new UpstreamSource({
      addresses: hosts.map((host) => `http://${host}`),
      catalog: new Catalog(),
      log: this.#log,
      token: () => Promise.resolve(token),
      readyGraceMs: 2000,
      fetch: this.fetch,
      clockMs: this.clock.clockMs,
      unixMs: this.clock.nowMs,
      every: (call) => {
        this.#ticks.push(call);
        return { close: () => {} };
      },
    });
    return source;
  }

  /** Lets seconds pass. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.clock.index += STEPS_OF_SECOND;
      this.tick();
      await settle();
    }
  }

  /** Calls what relays do each second; the clock stays. */
  tick(): void {
    for (const call of this.#ticks) call();
  }

  #line(event: string, fields: Record<string, unknown> = {}): void {
    this.lines.push({ event, ...fields });
  }

  /** Breaks all connections. */
  cut(): void {
    const cuts = [...this.#connections];
    this.#connections.clear();
    for (const cut of cuts) cut(new TypeError("connection reset"));
  }

  async close(): Promise<void> {
    for (const qanat of this.#instances.reverse()) {
      qanat.drain();
      await qanat.close();
    }
    this.cut();
    await settle();
  }

  /** A body as a network delivers it: it can break, and its pieces can be changed. */
  #wired(
    body: ReadableStream<Uint8Array>,
    url: URL,
    signal: AbortSignal | null,
  ): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    let fail: (error: Error) => void = () => {};
    const broken = new Promise<never>((_, reject) => fail = reject);
    broken.catch(() => {});
    const end = (error: Error) => {
      this.#connections.delete(end);
      fail(error);
      reader.cancel().catch(() => {});
    };
    this.#connections.add(end);
    const abort = () => end(new DOMException("aborted", "AbortError"));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const { value, done } = await Promise.race([reader.read(), broken]);
          if (done) {
            this.#connections.delete(end);
            return controller.close();
          }
          const piece = this.onPiece(value, url);
          if (piece.byteLength > 0) controller.enqueue(piece);
          if (piece.byteLength < value.byteLength) this.cut();
        } catch (error) {
          end(error as Error);
          controller.error(error);
        }
      },
      cancel: () => end(new TypeError("cancelled")),
    }, { highWaterMark: 0 });
  }
}

/** A source that has a log: a subscription gets what was published before. */
export class LoggedSource extends DrivenSource {
  readonly #clock: BlockClock;
  /** Indexes of the rows of each topic, in the order of publication. */
  readonly #log: Map<string, number[]>;

  /** Sources of one log are given the same map. */
  constructor(clock: BlockClock, log = new Map<string, number[]>()) {
    super(CHANNELS);
    this.#clock = clock;
    this.#log = log;
  }

  override subscribe(topic: string, from: ReadFrom): number {
    super.subscribe(topic, from);
    queueMicrotask(() => {
      for (const index of this.#log.get(topic) ?? []) {
        if (index * 62.5 >= from.ms) this.#deliver(topic, index);
      }
      if (this.wanted.has(topic)) {
        this.sink?.onCaughtUp(topic, this.#clock.clockMs());
      }
    });
    return from.ms;
  }

  /** Publishes row `index`; of topics that do not have it only the end of the log is reported. */
  publishRow(index: number, has: (topic: string) => boolean = () => true) {
    for (const topic of this.blocks.topics) {
      if (has(topic)) {
        const log = this.#log.get(topic) ?? [];
        if (!log.includes(index)) this.#log.set(topic, [...log, index]);
        this.#deliver(topic, index);
      }
      if (!this.wanted.has(topic)) continue;
      this.sink?.onCaughtUp(topic, this.#clock.clockMs());
    }
  }

  #deliver(topic: string, index: number): void {
    if (!this.wanted.has(topic)) return;
    const block = this.blocks.blockOf(topic, index);
    this.sink?.onMessage(topic, block, index, this.#clock.nowMs());
  }
}

/** Until what was published has come through. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client of an instance. */
export function open(
  qanat: Qanat,
  format: StreamFormat,
  options: Partial<ClientOptions> = {},
): HeldOutlet {
  const admission = qanat.hub.admission.admit(
    NAMES.map((name) => qanat.catalog.get(name, null) as Channel),
    { format },
    { address: "", ...options },
  );
  if (admission.kind !== "ready") throw new Error(admission.kind);
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

/** Row `index` of the topics that a source reads, and the end of their logs. */
export function publish(
  clock: BlockClock,
  source: DrivenSource,
  index: number,
  has: (topic: string) => boolean = () => true,
): void {
  clock.index = index + 1;
  for (const topic of source.blocks.topics) {
    if (!source.wanted.has(topic)) continue;
    if (has(topic)) {
      const block = source.blocks.blockOf(topic, index);
      source.sink!.onMessage(topic, block, index, clock.nowMs());
    }
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
}
