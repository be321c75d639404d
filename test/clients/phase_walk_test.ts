// Random walks of clients through the phases, against the real parts: rows come, readers stall and continue, permits run
// out, the page ring loses rows, clients come and leave. QANAT_SEED=123 repeats one walk, QANAT_WALKS=1000 takes more.
// Invariants, after each event: one part feeds a client; its cursor only grows; every reservation is released.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import { permitOf } from "../../src/clients/client_phase.ts";
import { Client } from "../../src/clients/client.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Frame } from "../../src/frames/frame.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
} from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { Random } from "../random.ts";
import { HeldOutlet } from "./held_outlet.ts";

const WALKS = 25;
const STEPS = 100;
const FIRST = 23_671_510_000;
/** Rows that only history has, at the start. */
const HISTORY_ROWS = 100;
/** 24 rows: most resumes are older. */
const RESUME_WINDOW_MS = 1500;
const STRIDE_NS = 62_500_000n;
const NAMES = ["H1:QANAT-COUNT_I64_16", "H1:QANAT-SINE_F32_16"];
const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

/** The phase in which each part may send rows. */
const PHASE_OF_PART = {
  live_delivery: "live",
  catch_up: "behind",
  history_feed: "history",
} as const;
const PART = /(live_delivery|catch_up|history_feed)\.ts/;

/** Transitions that no walk may miss. */
const TRANSITIONS = [
  "starting→behind",
  "starting→ended",
  "behind→live",
  "behind→behind",
  "behind→history",
  "behind→waiting",
  "behind→ended",
  "live→behind",
  "live→live",
  "live→ended",
  "history→behind",
  "history→waiting",
  "history→ended",
  "waiting→history",
  "waiting→ended",
];

/** All blocks that were published, and those before the first one. */
class LogSource extends DrivenSource {
  openReaders = 0;
  end = FIRST;
  readonly missing = new Set<number>();

  /** What is older than the first block is not read on a first lease. */
  override subscribe(topic: string, _from: ReadFrom): number {
    return super.subscribe(topic, { kind: "block-time", ms: FIRST * 62.5 });
  }

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    const next = new Map(
      topics.map(({ topic, fromMs }) => [topic, Math.floor(fromMs / 62.5)]),
    );
    let isOpen = true;
    this.openReaders++;
    return {
      read: (wanted) => Promise.resolve(wanted.map((t) => this.#read(next, t))),
      close: () => {
        if (isOpen) this.openReaders--;
        isOpen = false;
      },
    };
  }

  #read(next: Map<string, number>, topic: string): HistoryMessages {
    const messages = [];
    let index = Math.max(next.get(topic)!, FIRST - HISTORY_ROWS);
    for (let i = 0; i < 16 && index < this.end; i++, index++) {
      if (this.missing.has(index)) continue;
      messages.push({
        value: this.blocks.blockOf(topic, index),
        timestampMs: unixMsOfGpsMs((index + 1) * 62.5),
      });
    }
    next.set(topic, index);
    return { topic, messages, isAtEnd: index >= this.end, isCut: false };
  }
}

/** Holds that each row is written by the part that feeds its client. */
class WatchedOutlet extends HeldOutlet {
  violation = "";

  override write(frame: Frame): void {
    const { stack = "" } = new Error();
    if (/sendRow|sendFrame/.test(stack) && !/writeCharged/.test(stack)) {
      const part = PART.exec(stack)?.[1] as keyof typeof PHASE_OF_PART;
      const { phase } = this.owner as GroupClient;
      if (phase.kind !== PHASE_OF_PART[part]) {
        this.violation = `${part} sends a row in the phase ${phase.kind}`;
      }
    }
    super.write(frame);
  }
}

interface Walker {
  readonly client: GroupClient;
  readonly outlet: WatchedOutlet;
  readonly isJson: boolean;
  cursor: number;
  /** End of the last row that was sent or reported, ns; null before the first. */
  positionNs: bigint | null;
  /** Pieces of the text that have been read. */
  read: number;
}

/** One walk. */
class Walk {
  readonly source = new LogSource(channels);
  readonly clock = new BlockClock(FIRST);
  readonly qanat: Qanat;
  readonly #random: Random;
  readonly #rounds: (() => void)[] = [];
  #walkers: Walker[] = [];
  readonly #historiesMax: number;
  #shortClaims = 0;

  constructor(seed: number) {
    const random = this.#random = new Random(seed);
    const isSliced = random.once(2);
    this.#historiesMax = random.once(5) ? 0 : 2;
    this.qanat = new Qanat({
      config: configWith({
        retentionMb: 1,
        lingerMs: 0,
        clientsMax: 16,
        historyReadersMax: this.#historiesMax,
        resumeWindowMs: RESUME_WINDOW_MS,
        historyStallMs: 5000,
        writeStallMs: 60_000,
        gapFillRowsMax: 8,
        inFlightFrames: 2,
        addressSharePercent: 100,
        trendHours: 1,
        ...(isSliced ? { sliceMs: 0, catchUpRowsMax: 3 } : {}),
      }),
      source: this.source,
      log: silent,
      clocks: this.clock,
      ...(isSliced
        ? { later: (round: () => void) => void this.#rounds.push(round) }
        : {}),
    });
    const { slab } = this.qanat;
    const claim = slab.claim.bind(slab);
    slab.claim = (bytes) => this.#shortClaims-- > 0 ? -1 : claim(bytes);
  }

  async run(): Promise<void> {
    await this.qanat.start();
    try {
      this.#open();
      this.#publish(2);
      for (let step = 0; step < STEPS; step++) {
        this.#step();
        this.#check();
        if (this.#random.once(4)) await this.#pause();
        this.#check();
      }
      await this.#allLive();
      await this.#allLeave();
    } catch (error) {
      // What is left open would hide the reason.
      await this.#close().catch(() => {});
      throw error;
    }
    await this.#close();
  }

  async #close(): Promise<void> {
    this.qanat.drain();
    await this.qanat.close();
  }

  #step(): void {
    const random = this.#random;
    const walker = this.#walkers.length > 0 ? random.of(this.#walkers) : null;
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
        return this.#open();
      case 3:
      case 4:
      case 5:
        return this.#publish(1 + random.below(3));
      case 6:
        return this.#publish(random.once(6) ? 300 : 20);
      case 7:
      case 8:
        if (walker) walker.outlet.isStalled = true;
        return;
      case 9:
      case 10:
        if (walker) {
          walker.outlet.isStalled = random.once(2);
          walker.outlet.finish();
        }
        return;
      case 11:
        this.clock.pass(1 + random.below(12), () => this.qanat.hub.tick());
        return;
      case 12:
        if (random.once(2)) this.#leave();
        return;
      case 13:
        this.source.missing.add(this.clock.index + random.below(3));
        return;
      case 14:
        this.#shortClaims = random.once(3) ? 1 : 0;
        return;
      case 15:
        if (random.once(8)) {
          for (const topic of this.source.blocks.topics) {
            this.source.sink!.onRestart(topic, 0);
          }
        }
        return this.#goRound();
    }
  }

  /** A client leaves, rather one that waits. */
  #leave(): void {
    const waiting = this.#walkers.find(({ client }) =>
      client.phase.kind === "waiting"
    );
    const walker = waiting ?? this.#walkers[0];
    walker?.outlet.owner.onClose();
  }

  /** Opens a client, or lets its request be cancelled. */
  #open(): void {
    const random = this.#random;
    const { hub } = this.qanat;
    const ago = random.once(3)
      ? this.clock.index - 1 - random.below(60)
      : FIRST - random.below(HISTORY_ROWS);
    const agoNs = BigInt(ago) * STRIDE_NS;
    const lengthNs = BigInt(1 + random.below(60)) * STRIDE_NS;
    const startNs = agoNs - BigInt(random.below(20)) * STRIDE_NS;
    const start: Partial<ClientOptions> = random.of([
      {},
      { durationNs: lengthNs },
      { startNs: agoNs },
      { startNs: agoNs, durationNs: lengthNs },
      { startNs: agoNs, endNs: agoNs + lengthNs },
      { afterNs: agoNs },
      { afterNs: agoNs },
      { afterNs: agoNs },
      // Its first request began some rows before.
      { startNs, afterNs: agoNs },
      { startNs, afterNs: agoNs },
      { startNs, afterNs: agoNs, endNs: agoNs + lengthNs },
      { startNs, afterNs: agoNs, durationNs: agoNs - startNs + lengthNs },
      { afterNs: null },
    ]);
    const format = random.once(4) ? "arrow" : "events";
    const names = random.once(2) ? NAMES.slice(0, 1) : NAMES;
    const admission = hub.admission.admit(
      names.map((name) => this.source.catalog.get(name, null)!),
      format,
      {
        ...start,
        address: random.of(ADDRESSES),
        gaps: random.of(["fill", "skip", "fail"]),
        slow: random.of(["gap", "latest", "close", "trend"]),
      },
    );
    if (admission.kind !== "ready") return;
    if (random.once(8)) return admission.cancel();
    const outlet = new WatchedOutlet();
    outlet.isStalled = random.once(2);
    const client = admission.open(outlet);
    const fromNs = start.afterNs ?? start.startNs ?? null;
    this.#walkers.push({
      client,
      outlet,
      isJson: format === "events",
      cursor: -1,
      positionNs: fromNs,
      read: 0,
    });
  }

  #publish(rows: number): void {
    const { source, clock } = this;
    for (let i = 0; i < rows; i++) {
      const index = clock.index++;
      source.end = clock.index;
      for (const topic of source.blocks.topics) {
        if (!source.wanted.has(topic)) continue;
        if (!source.missing.has(index)) {
          const block = source.blocks.blockOf(topic, index);
          source.sink!.onMessage(topic, block, index, 0);
        }
        source.sink!.onCaughtUp(topic, clock.clockMs());
      }
      if (this.#random.once(2)) this.#goRound();
    }
  }

  #goRound(): void {
    for (const round of this.#rounds.splice(0)) round();
  }

  #check(): void {
    const { hub, slab } = this.qanat;
    const { books } = hub.lifecycle;
    let idleBytes = 0;
    let reservedBytes = 0;
    for (const client of hub.lifecycle.clients()) {
      assert.notEqual(client.phase.kind, "ended");
      assert.ok(client.listIndex >= 0, "a client is in its group's list");
      reservedBytes += client.group.slotBytes;
      if (!client.hasInFlight) idleBytes += client.group.slotBytes;
    }
    assert.equal(books.idleReserveBytes, idleBytes, "idle reserve");
    assert.equal(slab.reservedBytes, reservedBytes, "reserved bytes");
    assert.equal(hub.admission.slabShares.used, reservedBytes, "slab shares");
    assert.equal(hub.admission.shares.used, hub.figures.clients);
    this.#checkPermits();
    for (const walker of this.#walkers) checkWalker(walker);
    this.#walkers = this.#walkers.filter(({ client }) => client.ended === null);
  }

  #checkPermits(): void {
    const { hub } = this.qanat;
    const { histories, resumes, waiting } = hub.history;
    assert.ok(histories <= this.#historiesMax && resumes <= 4);
    const inLine = [...hub.lifecycle.clients()].filter(({ phase }) =>
      phase.kind === "waiting" && phase.until === "permit"
    );
    assert.equal(waiting, inLine.length, "in line");
  }

  /** Lets suspended clients lose their readers: then each feed that reads history has a permit. */
  async #pause(): Promise<void> {
    await pause(0);
    const { hub } = this.qanat;
    const { histories, resumes } = hub.history;
    const reading = new Set(
      [...hub.lifecycle.clients()].map(({ phase }) =>
        phase.kind === "history" ? phase.handle : permitOf(phase)
      ).filter((reader) => reader !== null),
    );
    assert.ok(reading.size <= histories + resumes, "permits");
  }

  /** Every reader continues, and rows come: each client reaches its end, or the newest row. */
  async #allLive(): Promise<void> {
    this.#shortClaims = 0;
    this.source.missing.clear();
    for (let i = 0; i < 3; i++) {
      this.clock.pass(1, () => this.qanat.hub.tick());
      this.#publish(2);
      await this.#until(() =>
        this.#walkers.every(({ client: { phase, cursor, group } }) =>
          // Further on only after a restart: the timeline begins again before the rows of history.
          phase.kind === "live" && cursor >= group.served
        )
      );
    }
  }

  async #until(isReached: () => boolean): Promise<void> {
    for (let i = 0; i < 5000 && !isReached(); i++) {
      for (const { outlet } of this.#walkers) {
        outlet.isStalled = false;
        outlet.finish();
      }
      // Finds clients whose rows left the page ring before they were released.
      if (i % 10 === 9) this.qanat.hub.tick();
      for (let round = 0; round < 100; round++) this.#goRound();
      this.#check();
      await pause(1);
    }
    assert.ok(
      isReached(),
      JSON.stringify(this.#walkers.map(({ client }) => client.phase)),
    );
  }

  async #allLeave(): Promise<void> {
    const { hub, slab, trends } = this.qanat;
    for (const { outlet } of this.#walkers) outlet.owner.onClose();
    await this.#until(() =>
      this.source.openReaders === 0 && this.qanat.hub.figures.selections === 0
    );
    const { histories, resumes, waiting } = hub.history;
    assert.deepEqual(
      { histories, resumes, waiting, readers: this.source.openReaders },
      { histories: 0, resumes: 0, waiting: 0, readers: 0 },
    );
    assert.equal(slab.usedSlots, 0);
    this.clock.index += 16;
    trends.tick();
    assert.equal(trends.channelCount, 0);
  }
}

/** What was written since the last check continues what was written before. */
function checkWalker(walker: Walker): void {
  const { client, outlet, isJson } = walker;
  assert.equal(outlet.violation, "");
  assert.ok(client.cursor >= walker.cursor, "the cursor only grows");
  walker.cursor = client.cursor;
  if (client.ended === null) {
    assert.equal(client.hasInFlight, outlet.inFlight > 0, "in flight");
  }
  if (!isJson) return;
  const decoder = new TextDecoder();
  const pieces = outlet.written.slice(walker.read);
  walker.read = outlet.written.length;
  const text = pieces.map((bytes) => decoder.decode(bytes)).join("");
  for (const event of text.split("\n\n")) checkEvent(walker, event);
}

function checkEvent(walker: Walker, event: string): void {
  const data = /^data: (.*)$/m.exec(event)?.[1];
  const name = /^event: (\w+)$/m.exec(event)?.[1] ?? "row";
  if (data === undefined || !["row", "gap"].includes(name)) return;
  const expected = walker.positionNs;
  if (name === "row") {
    const idNs = BigInt(/^id: (\d+)/m.exec(event)![1]!);
    if (expected !== null) assert.equal(idNs, expected + STRIDE_NS, event);
    walker.positionNs = idNs;
    return;
  }
  const gap = JSON.parse(data);
  if (gap.reason === "unknown-id") {
    walker.positionNs = BigInt(gap.to);
    return;
  }
  if (expected !== null) assert.equal(BigInt(gap.from), expected, event);
  walker.positionNs = BigInt(gap.filled ? gap.from : gap.to);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe("clients on random walks through their phases", () => {
  it("have one feeder, a cursor that only grows, and release all reservations", async () => {
    const only = Number(Deno.env.get("QANAT_SEED") ?? -1);
    const count = Number(Deno.env.get("QANAT_WALKS") ?? WALKS);
    const seeds = only < 0 ? [...Array(count).keys()] : [only];
    const seen = new Map<string, number>();
    const { become } = Client.prototype;
    Client.prototype.become = function (next) {
      if (this.phase !== next) {
        const transition = `${this.phase.kind}→${next.kind}`;
        seen.set(transition, (seen.get(transition) ?? 0) + 1);
      }
      become.call(this, next);
    };
    try {
      for (const seed of seeds) {
        try {
          await new Walk(seed).run();
        } catch (error) {
          (error as Error).message += `\nQANAT_SEED=${seed}`;
          throw error;
        }
      }
    } finally {
      Client.prototype.become = become;
    }
    if (only >= 0) return;
    const missed = TRANSITIONS.filter((one) => !seen.has(one));
    assert.deepEqual(missed, [], JSON.stringify([...seen]));
  });
});
