// Feeds clients that want rows which the page ring does not have, each at its own pace, until the ring can go on.
// Invariant: a permit is given back exactly once; at most `historiesMax` histories and RESUMES_MAX resumes are read
// at a time, and a resume waits for its turn instead of being refused.
import type { BlockStore } from "../blocks/block_store.ts";
import type { PastRows } from "../blocks/past_rows.ts";
import type { GapReason } from "../blocks/timeline.ts";
import type { RowEncoder } from "../frames/arrow_rows.ts";
import type { Logger } from "../log.ts";
import type { Client, EndReason } from "./client.ts";

/** What feeding needs of the broadcast. */
export interface PastHost {
  /** Milliseconds, monotonic. */
  readonly clockMs: () => number;
  /** Whether a client may have one more frame. */
  canTake(client: Client): boolean;
  readonly log: Logger;
  readonly store: BlockStore;
  /** Tells a span without rows by the client's policy. */
  tellGap(client: Client, to: number, reason: GapReason): void;
  end(client: Client, reason: EndReason): void;
  slabIsShort(): void;
  /** The ring can go on with a client. */
  takeBack(client: Client): void;
}

/** Resumes that are read from the source at a time; the others wait. */
const RESUMES_MAX = 4;
/** Longest work in one turn of the event loop, ms, so that live rows never wait for the past. */
const SLICE_MS = 2;
/** After a turn all of the past rests for so many times its length: a third of the loop is the most that it takes. */
const REST = 2;
const SHORT_RETRY_MS = 20;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 2000;

/** Who reads the past, and who waits for it. */
export class PastDesk {
  readonly counters = { rows: 0, reads: 0, failures: 0, refused: 0 };
  readonly #host: PastHost;
  readonly #historiesMax: number;
  readonly #failureWaitMs: number;
  readonly #waiting: Client[] = [];
  /** Ends with the turn that was asked for last, and its rest. */
  #turns: Promise<void> = Promise.resolve();
  #histories = 0;
  #resumes = 0;

  constructor(
    host: PastHost,
    options: { historiesMax: number; failureWaitMs: number },
  ) {
    this.#host = host;
    this.#historiesMax = options.historiesMax;
    this.#failureWaitMs = options.failureWaitMs;
  }

  get histories(): number {
    return this.#histories;
  }

  get resumes(): number {
    return this.#resumes;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the permit of one history; false when all are out. */
  takePermit(): boolean {
    if (this.#histories >= this.#historiesMax) {
      this.counters.refused++;
      return false;
    }
    this.#histories++;
    return true;
  }

  releasePermit(): void {
    this.#histories--;
  }

  /** Begins to feed a client from its cursor on, or lets it wait for its turn. */
  begin(client: Client): void {
    if (client.pastState !== "none") return;
    if (!client.hasPermit) {
      if (this.#resumes >= RESUMES_MAX) {
        client.pastState = "waiting";
        this.#waiting.push(client);
        return;
      }
      this.#resumes++;
    }
    client.pastState = "reading";
    const hasPermit = client.hasPermit;
    this.#feed(client).catch((error: Error) => {
      this.#host.log.error("past-failed", { error: error.stack });
      this.#host.end(client, "error");
    }).finally(() => {
      if (hasPermit) this.dropPermit(client);
      else this.#resumes--;
      this.#next();
    });
  }

  /** A client has left: its permit comes back when its feed sees it, or now. */
  forget(client: Client): void {
    if (client.pastState === "reading") return client.wakePast?.();
    const place = this.#waiting.indexOf(client);
    if (place >= 0) this.#waiting.splice(place, 1);
    this.dropPermit(client);
  }

  dropPermit(client: Client): void {
    if (!client.hasPermit) return;
    client.hasPermit = false;
    this.releasePermit();
  }

  #next(): void {
    const client = this.#waiting.shift();
    if (!client) return;
    client.pastState = "none";
    this.begin(client);
  }

  async #feed(client: Client): Promise<void> {
    const { group } = client;
    const host = this.#host;
    const past = host.store.openPast(
      group.shapes,
      group.timeline.strideNs,
      group.timeline.startNs(client.cursor),
    );
    try {
      const rows = group.encoderOf(past.timeline);
      const isBack = await this.#serve(client, past, rows);
      client.pastState = "none";
      if (isBack) host.takeBack(client);
    } finally {
      client.pastState = "none";
      past.close();
    }
  }

  /** True when the ring goes on. */
  async #serve(
    client: Client,
    past: PastRows,
    rows: RowEncoder,
  ): Promise<boolean> {
    const host = this.#host;
    while (client.ended === null) {
      if (!host.canTake(client)) {
        await untilWoken(client);
        continue;
      }
      const next = await this.#turn(() => this.#slice(client, past, rows));
      if (next === "back") return true;
      if (next === "short") await pause(client, SHORT_RETRY_MS);
      if (typeof next === "string") continue;
      if (!await this.#read(client, past, next)) host.end(client, "error");
    }
    return false;
  }

  /** Works while nobody else of the past does, and rests after it. */
  async #turn<T>(work: () => T): Promise<T> {
    const before = this.#turns;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turns = promise;
    await before;
    const beganMs = performance.now();
    try {
      return work();
    } finally {
      setTimeout(resolve, REST * (performance.now() - beganMs));
    }
  }

  /** Rows and gaps for a short while. What stopped it: topics to be read on, or a word. */
  #slice(
    client: Client,
    past: PastRows,
    rows: RowEncoder,
  ): readonly string[] | "back" | "short" | "on" {
    const host = this.#host;
    const { timeline } = client.group;
    const endMs = performance.now() + SLICE_MS;
    while (client.ended === null && performance.now() < endMs) {
      if (!host.canTake(client)) return "on";
      const row = client.cursor;
      const { released, seenRow } = timeline;
      if (released >= 0 && timeline.isWhole(row)) return "back";
      const reached = released >= 0
        ? released
        : seenRow >= 0
        ? seenRow
        : Infinity;
      if (row >= reached) return "back";
      const limit = Math.min(client.endRow, reached);
      const isFill = row < client.fillTo;
      const step = isFill ? { kind: "row" } as const : past.next(row, limit);
      if (step.kind === "need") return step.topics;
      if (step.kind === "gap") {
        host.tellGap(client, step.to, step.reason);
      } else if (step.kind === "end") {
        // Without a clock, as in a replay, the end of the logs is all there is.
        if (limit === Infinity) return "back";
        host.tellGap(client, limit, "missing");
      } else if (
        !isFill && client.endsAtGaps && past.timeline.isShort(row)
      ) host.tellGap(client, row + 1, "missing");
      else {
        const frame = rows.encode(row, isFill);
        if (frame === null) {
          host.slabIsShort();
          return "short";
        }
        client.sendRow(frame, row, host.clockMs());
        frame.release();
        this.counters.rows++;
        if (client.cursor >= client.endRow) host.end(client, "complete");
      }
    }
    return "on";
  }

  /** Reads on, as often as it takes; false once it has failed for too long. */
  async #read(
    client: Client,
    past: PastRows,
    topics: readonly string[],
  ): Promise<boolean> {
    const beganMs = this.#host.clockMs();
    let backOffMs = BACK_OFF_MIN_MS;
    while (client.ended === null) {
      try {
        this.counters.reads++;
        await past.read(topics);
        return true;
      } catch (error) {
        this.counters.failures++;
        const { message } = error as Error;
        this.#host.log.warn("past-read-failed", { topics, error: message });
        const waitedMs = this.#host.clockMs() - beganMs;
        if (waitedMs > this.#failureWaitMs) return false;
        await pause(client, backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    return true;
  }
}

/** Resolves after a while, or when the client leaves: no timer outlives it. */
function pause(client: Client, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      client.wakePast = null;
      resolve();
    };
    const timer = setTimeout(end, ms);
    // It is called after each finished write, too.
    client.wakePast = () => {
      if (client.ended !== null) end();
    };
  });
}

/** Resolves after the client's next finished write, or when it leaves. */
function untilWoken(client: Client): Promise<void> {
  return new Promise((resolve) => {
    client.wakePast = () => {
      client.wakePast = null;
      resolve();
    };
  });
}
