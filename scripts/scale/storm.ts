// Thousands of clients come within a second, or at once, and leave at once, while steady readers read.
// Invariant: each event reports the worst delay of the steady readers while it lasted, and the rows that they lost.
import { sleep } from "../../test/integration/chain.ts";
import { Reader, type Tick } from "./reader.ts";
import { differentSelections, type Format, requestLine } from "./selections.ts";
import { STRIDE_MS, type World } from "./world.ts";

const STEADY = 200;
const TICK_MS = 50;
const QUIET_MS = 5000;
const AFTER_MS = 1500;
const STAY_MS = 4000;
/** From the steady readers' start to the first measurement. */
const SETTLE_MS = 3000;
const STEADY_S = 120;
const ATTACH_MAX_MS = 60_000;

export interface StormEvent {
  readonly name: string;
  readonly worstMs: number;
  readonly worstStrides: number;
  readonly lost: number;
  /** Time until the last newcomer had a response, or until all had disconnected. */
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

/** A part of the run, by the wall clock. */
interface Span {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly tookMs: number;
  readonly refused: number;
}

export async function storm(
  world: World,
  { program, format, clients, onBegin }: StormOptions,
): Promise<StormEvent[]> {
  const instance = await world.launch();
  const all = differentSelections(instance.names, STEADY + clients)
    .map((selection) => requestLine(selection, format));
  const readers: Reader[] = [];
  const start = (lines: readonly string[], flags: readonly string[]) => {
    const reader = new Reader(program, {
      port: instance.port,
      clients: lines.length,
      format: format === "arrow" ? "arrow" : "events",
      lines,
      home: world,
      settleS: 0,
      seconds: STEADY_S,
      flags,
    });
    readers.push(reader);
    return reader;
  };
  try {
    onBegin(`${STEADY} steady readers`);
    const steady = start(all.slice(0, STEADY), ["--tick-ms", `${TICK_MS}`]);
    await steady.attached(ATTACH_MAX_MS);
    await sleep(SETTLE_MS);
    const spans = [await quiet("quiet", QUIET_MS)];
    const crowds = [
      [`${clients} come within 1 s`, ["--rate", `${clients}`]],
      [`${clients} come at once`, ["--storm"]],
    ] as const;
    for (const [name, flags] of crowds) {
      onBegin(name);
      const crowd = () => start(all.slice(STEADY), flags);
      spans.push(...await crowdSpans(name, clients, crowd));
    }
    const ticks = steady.ticks();
    return spans.map((span) => eventOf(span, ticks));
  } finally {
    for (const reader of readers) await reader.stop();
    await instance.process.stop();
  }
}

async function quiet(name: string, tookMs: number): Promise<Span> {
  const fromMs = Date.now();
  await sleep(tookMs);
  return { name, fromMs, toMs: Date.now(), tookMs, refused: 0 };
}

/** Newcomers come, stay and leave. */
async function crowdSpans(
  name: string,
  clients: number,
  start: () => Reader,
): Promise<Span[]> {
  const comeMs = Date.now();
  const crowd = start();
  const { afterMs, refused } = await crowd.attached(ATTACH_MAX_MS);
  await sleep(AFTER_MS);
  const come = {
    name,
    fromMs: comeMs,
    toMs: Date.now(),
    tookMs: afterMs,
    refused,
  };
  const stay = await quiet(`with ${clients}`, STAY_MS);
  const leaveMs = Date.now();
  await crowd.stop();
  const tookMs = Date.now() - leaveMs;
  await sleep(AFTER_MS);
  const leave = {
    name: `${clients} leave at once`,
    fromMs: leaveMs,
    toMs: Date.now(),
    tookMs,
    refused: 0,
  };
  await sleep(AFTER_MS);
  return [come, stay, leave];
}

function eventOf(span: Span, ticks: readonly Tick[]): StormEvent {
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
