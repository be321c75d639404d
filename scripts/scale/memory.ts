// Memory per client: resident memory against the number of clients, idle and under load, with a line through it.
// Invariant: each point is measured on a new Qanat, with a new heap.
import { sleep } from "../../test/integration/chain.ts";
import { fitLine, type Line, type Point2 } from "./line_fit.ts";
import { budgetBytes, Metrics, processFigures } from "./process_figures.ts";
import { Reader } from "./reader.ts";
import { type Format, type Mode, requestLines } from "./selections.ts";
import type { World } from "./world.ts";

const CONNECT_RATE = 800;
const ATTACH_MAX_MS = 60_000;
/** Clients are quiet (or read) for so long before memory is read. */
const SETTLE_MS = 8000;

export interface Series {
  readonly name: string;
  /** Clients and resident bytes without ring and slab. */
  readonly points: readonly Point2[];
  readonly line: Line;
  /** Rows that came: 0 for idle clients. */
  readonly rows: number;
}

export interface SeriesOptions {
  readonly program: string;
  readonly name: string;
  readonly counts: readonly number[];
  readonly mode: Mode;
  readonly format: Format;
  readonly onBegin: (clients: number) => void;
}

/** Clients that get nothing when the world's publisher is silent, else under load. */
export async function memorySeries(
  world: World,
  options: SeriesOptions,
): Promise<Series> {
  const points: Point2[] = [];
  let rows = 0;
  for (const clients of options.counts) {
    options.onBegin(clients);
    const point = await memoryAt(world, clients, options);
    points.push({ x: clients, y: point.bytes });
    rows += point.rows;
  }
  return { name: options.name, points, line: fitLine(points), rows };
}

async function memoryAt(
  world: World,
  clients: number,
  { program, mode, format }: SeriesOptions,
): Promise<{ bytes: number; rows: number }> {
  const instance = await world.launch();
  try {
    const reader = new Reader(program, {
      port: instance.port,
      clients,
      format: format === "arrow" ? "arrow" : "events",
      lines: requestLines(instance.names, { clients, mode, format }),
      home: world,
      settleS: 0,
      seconds: SETTLE_MS / 1000 + 30,
      flags: ["--rate", `${CONNECT_RATE}`],
    });
    try {
      const { clients: attached, refused } = await reader.attached(
        ATTACH_MAX_MS + 1000 * clients / CONNECT_RATE + 10_000,
      );
      if (attached < clients) {
        throw new Error(
          `${attached} of ${clients} clients have a stream, ${refused} were refused`,
        );
      }
      await sleep(SETTLE_MS);
      const metrics = await Metrics.of(instance.url);
      const { rssBytes } = processFigures(instance.process.pid);
      reader.end();
      const { steady } = await reader.figures();
      return { bytes: rssBytes - budgetBytes(metrics), rows: steady.rows };
    } finally {
      await reader.stop();
    }
  } finally {
    await instance.process.stop();
  }
}
