// Thousands of clients that come within a second, at once, and leave at once, beside steady readers.
// Invariant: what is told of each event is the steady readers' worst delay while it lasted, and what they lost.
import { sleep } from "../../test/integration/chain.ts";
import { Reader, type Tick } from "./reader.ts";
import { differentSelections, type Format, requestLine } from "./selections.ts";
import { STRIDE_MS, type World } from "./world.ts";

const STEADY = 200;
const TICK_MS = 50;
const QUIET_MS = 5000;
const AFTER_MS = 1500;
const STAY_MS = 4000;
const STEADY_S = 120;
const ATTACH_MAX_MS = 60_000;

export interface StormEvent {
  readonly name: string;
  readonly worstMs: number;
  readonly worstStrides: number;
  readonly lost: number;
  /** How long it took: to the last newcomer's response, or of the leaving. */
  readonly tookMs: number;
  readonly refused: number;
}

export interface StormOptions {
  readonly program: string;
  readonly format: Format;
  /** Newcomers. */
  readonly clients: number;
  readonly onBegin: (what: string) => void;
}

export async function storm(
  world: World,
  { program, format, clients, onBegin }: StormOptions,
): Promise<StormEvent[]> {
  const instance = await world.launch();
  const all = differentSelections(instance.names, STEADY + clients)
    .map((selection) => requestLine(selection, format));
  const readers: Reader[] = [];
  const start = (
    lines: readonly string[],
    seconds: number,
    flags: readonly string[],
  ) => {
    const reader = new Reader(program, {
      port: instance.port,
      clients: lines.length,
      format: format === "arrow" ? "arrow" : "events",
      lines,
      home: world,
      settleS: 0,
      seconds,
      flags,
    });
    readers.push(reader);
    return reader;
  };
  const spans: {
    name: string;
    fromMs: number;
    toMs: number;
    tookMs: number;
    refused: number;
  }[] = [];
  try {
    onBegin(`${STEADY} steady readers`);
    const steady = start(all.slice(0, STEADY), STEADY_S, [
      "--tick-ms",
      `${TICK_MS}`,
    ]);
    await steady.attached(ATTACH_MAX_MS);
    await sleep(3000);
    const quietMs = Date.now();
    await sleep(QUIET_MS);
    spans.push({
      name: "quiet",
      fromMs: quietMs,
      toMs: Date.now(),
      tookMs: QUIET_MS,
      refused: 0,
    });
    for (
      const [name, flags] of [
        [`${clients} come within 1 s`, ["--rate", `${clients}`]],
        [`${clients} come at once`, ["--storm"]],
      ] as const
    ) {
      onBegin(name);
      const comeMs = Date.now();
      const crowd = start(all.slice(STEADY), STEADY_S, flags);
      const { afterMs, refused } = await crowd.attached(ATTACH_MAX_MS);
      await sleep(AFTER_MS);
      spans.push({
        name,
        fromMs: comeMs,
        toMs: Date.now(),
        tookMs: afterMs,
        refused,
      });
      const stayMs = Date.now();
      await sleep(STAY_MS);
      spans.push({
        name: `${clients} beside`,
        fromMs: stayMs,
        toMs: Date.now(),
        tookMs: STAY_MS,
        refused: 0,
      });
      const leaveMs = Date.now();
      await crowd.stop();
      const tookMs = Date.now() - leaveMs;
      await sleep(AFTER_MS);
      spans.push({
        name: `${clients} leave at once`,
        fromMs: leaveMs,
        toMs: Date.now(),
        tookMs,
        refused: 0,
      });
      await sleep(AFTER_MS);
    }
    const ticks = steady.ticks();
    return spans.map((span) => eventOf(span, ticks));
  } finally {
    for (const reader of readers) await reader.stop();
    await instance.process.stop();
  }
}

function eventOf(
  span: {
    name: string;
    fromMs: number;
    toMs: number;
    tookMs: number;
    refused: number;
  },
  ticks: readonly Tick[],
): StormEvent {
  const within = ticks.filter(({ unixMs }) =>
    unixMs >= span.fromMs && unixMs <= span.toMs + TICK_MS
  );
  const worstMs = Math.max(0, ...within.map((tick) => tick.maxMs));
  return {
    name: span.name,
    worstMs,
    worstStrides: worstMs / STRIDE_MS,
    lost: within.reduce((sum, tick) => sum + tick.lost, 0),
    tookMs: Math.round(span.tookMs),
    refused: span.refused,
  };
}

export function stormTable(events: readonly StormEvent[]): string {
  const width = Math.max(...events.map((e) => e.name.length));
  return events.map((e) =>
    `${e.name.padEnd(width)}  worst ${e.worstMs.toFixed(1).padStart(7)} ms = ${
      e.worstStrides.toFixed(2)
    } strides, lost ${e.lost}, took ${e.tookMs} ms, refused ${e.refused}`
  ).join("\n");
}
