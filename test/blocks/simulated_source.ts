// A simulated Kafka with a clock that the test controls: a log per partition, brokers that answer fetches, and the loops that ask them, as
// src/kafka/broker_loop.ts does. Invariant: an answer has a log's messages in order, and reports the end of a log
// only if it had reached it. Times are ms since the run began.
import type { Append, Schedule, Span } from "./random_schedule.ts";

const TICK_MS = 100;
/** Longest that a fetch waits at the broker. */
const MAX_WAIT_MS = 250;
const BACK_OFF_MS = 300;
/** The time after the last event at which everything has been read or counts as late. */
const REST_MS = 4000;

/** What the process sees. */
export interface Process {
  message(append: Append, nowMs: number): void;
  caughtUp(p: number, atMs: number, nowMs: number): void;
  restart(p: number, nowMs: number): void;
  tick(nowMs: number): void;
  lease(index: number, nowMs: number): void;
  release(index: number, nowMs: number): void;
}

interface Reading {
  readonly p: number;
  readonly fromMs: number;
  position: number;
  /** Its topic was made again, and it knows. */
  isAnew: boolean;
}

interface Fetch {
  readonly sentMs: number;
  /** When the broker made the answer. */
  readonly madeMs: number;
  readonly asked: readonly Reading[];
}

/** The loop of one broker. */
interface Loop {
  readonly broker: number;
  atMs: number;
  fetch: Fetch | null;
  turn: number;
}

/** Plays a schedule to a process. */
export class SimulatedSource {
  nowMs = 0;
  readonly #schedule: Schedule;
  readonly #logs: Append[][];
  readonly #wanted = new Map<number, Reading>();

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#logs = schedule.partitions.map(() => []);
    for (const append of schedule.appends) this.#logs[append.p]!.push(append);
  }

  subscribe(p: number, fromMs: number): void {
    this.#wanted.set(p, { p, fromMs, position: -1, isAnew: false });
  }

  unsubscribe(p: number): void {
    this.#wanted.delete(p);
  }

  play(process: Process): void {
    const { leases, freezes, outages, durationMs, ticksFirst, appends } =
      this.#schedule;
    const calls: { atMs: number; call: (nowMs: number) => void }[] = [];
    leases.forEach(({ fromMs, toMs }, i) => {
      calls.push({ atMs: fromMs, call: (nowMs) => process.lease(i, nowMs) });
      if (toMs === Infinity) return;
      calls.push({ atMs: toMs, call: (nowMs) => process.release(i, nowMs) });
    });
    calls.sort((a, b) => a.atMs - b.atMs);
    const ends = [durationMs, appends.at(-1)?.atMs ?? 0];
    for (const { toMs } of [...freezes, ...outages]) ends.push(toMs);
    const endMs = Math.max(...ends) + REST_MS;
    const loops = [...new Set(this.#schedule.partitions.map((p) => p.broker))]
      .map((broker): Loop => ({ broker, atMs: 0, fetch: null, turn: 0 }));
    let tickMs = 0;
    for (;;) {
      const loop = loops.reduce((a, b) => b.atMs < a.atMs ? b : a);
      const callMs = calls[0]?.atMs ?? Infinity;
      const nextMs = Math.max(
        this.nowMs,
        this.#thaw(Math.min(loop.atMs, callMs, tickMs)),
      );
      if (nextMs > endMs) return;
      this.nowMs = nextMs;
      const isTick = tickMs <= nextMs && (ticksFirst || loop.atMs > nextMs);
      if (callMs <= nextMs) calls.shift()!.call(nextMs);
      else if (isTick) {
        process.tick(nextMs);
        tickMs = nextMs + TICK_MS;
      } else if (loop.fetch) this.#read(loop, process);
      else this.#send(loop);
    }
  }

  /** When a frozen process gets to what was due. */
  #thaw(atMs: number): number {
    const isIn = ({ fromMs, toMs }: Span) => fromMs <= atMs && atMs < toMs;
    const freeze = this.#schedule.freezes.find(isIn);
    return freeze ? this.#thaw(freeze.toMs) : atMs;
  }

  #send(loop: Loop): void {
    const { nowMs } = this;
    const { partitions, outages, oneWayMs } = this.#schedule;
    const due = [...this.#wanted.values()].filter(({ p }) =>
      partitions[p]!.broker === loop.broker
    );
    if (due.length === 0) {
      loop.atMs = nowMs + MAX_WAIT_MS;
      return;
    }
    const first = loop.turn++ % due.length;
    const asked = [...due.slice(first), ...due.slice(0, first)];
    for (const reading of asked) {
      if (reading.position >= 0) continue;
      const restartMs = this.#restartMs(reading.p);
      reading.isAnew = restartMs <= nowMs;
      const fromMs = reading.isAnew
        ? Math.max(restartMs, reading.fromMs)
        : reading.fromMs;
      reading.position = this.#positionOf(reading.p, fromMs);
    }
    const thereMs = nowMs + oneWayMs;
    const news = asked.map(({ p, position }) =>
      this.#logs[p]![position]?.atMs ?? Infinity
    );
    const madeMs = Math.min(
      thereMs + MAX_WAIT_MS,
      Math.max(thereMs, Math.min(...news)),
    );
    const backMs = madeMs + oneWayMs;
    const outage = outages.find((o) =>
      o.broker === loop.broker && o.fromMs <= backMs && nowMs < o.toMs
    );
    if (outage) {
      loop.atMs = Math.max(nowMs, outage.fromMs) + BACK_OFF_MS;
      return;
    }
    loop.fetch = { sentMs: nowMs, madeMs, asked };
    loop.atMs = backMs;
  }

  #restartMs(p: number): number {
    const { restarts } = this.#schedule;
    return restarts.find((r) => r.p === p)?.atMs ?? Infinity;
  }

  /** The first message of a log that came then or later. */
  #positionOf(p: number, fromMs: number): number {
    const log = this.#logs[p]!;
    const from = log.findIndex(({ atMs }) => atMs >= fromMs);
    return from < 0 ? log.length : from;
  }

  #read(loop: Loop, process: Process): void {
    const { nowMs } = this;
    const { batch } = this.#schedule;
    const { sentMs, madeMs, asked } = loop.fetch!;
    loop.fetch = null;
    loop.atMs = nowMs;
    for (const reading of asked) {
      const restartMs = this.#restartMs(reading.p);
      if (reading.isAnew || restartMs > madeMs) continue;
      if (this.#wanted.get(reading.p) !== reading) continue;
      reading.isAnew = true;
      reading.position = this.#positionOf(reading.p, restartMs);
      process.restart(reading.p, nowMs);
    }
    const answers = asked.map((reading) => {
      const log = this.#logs[reading.p]!;
      const messages: Append[] = [];
      let at = reading.position;
      for (; at < log.length && log[at]!.atMs <= madeMs; at++) {
        if (messages.length < batch) messages.push(log[at]!);
      }
      return { reading, messages, end: at };
    });
    const isEmpty = answers.every(({ messages }) => messages.length === 0);
    const atMs = isEmpty ? Math.min(nowMs, sentMs + MAX_WAIT_MS) : sentMs;
    for (const { reading, messages, end } of answers) {
      if (this.#wanted.get(reading.p) !== reading) continue;
      reading.position += messages.length;
      for (const message of messages) process.message(message, nowMs);
      if (reading.position < end) continue;
      process.caughtUp(reading.p, atMs, nowMs);
    }
  }
}
