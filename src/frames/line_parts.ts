// The text around the cells of a line, by format: the separators, the end of a line with the state of its cells, the
// heading. Invariant: with the time, they have at most LINE_BYTES_MAX bytes, besides what each channel adds.
import type { Channel } from "../channels/channel.ts";
import { csvCell } from "../text/csv_cell.ts";
import { keyOf } from "./row_size.ts";
import type { LineFormat } from "./stream_format.ts";

/** The state of a line of which each channel has its sample. */
const OK = "ok";
/** The state of a line that fills a reported gap; the first such line has the reason and the span instead. */
const FILLED = "gap";
const encoder = new TextEncoder();
const COMMA = encoder.encode(",");
const LINE_FEED = "\n";

/** A channel that is null in a line, and why: null where its block arrived without it. */
export interface LineMiss {
  readonly channel: Channel;
  readonly reason: string | null;
}

/** The texts before each channel's cell: `,`, or in ndjson `"name":` with a comma before all but the first. */
export function leadsOf(
  format: LineFormat,
  channels: readonly Channel[],
): Uint8Array[] {
  if (format !== "ndjson") return channels.map(() => COMMA);
  return channels.map((channel, i) => {
    const key = keyOf(channel);
    if (i === 0) return key;
    const lead = new Uint8Array(COMMA.byteLength + key.byteLength);
    lead.set(COMMA);
    lead.set(key, COMMA.byteLength);
    return lead;
  });
}

/** The end of a line. `missing`: its channels that are null; those of a line that fills a gap have no reason. */
export function lineTail(
  format: LineFormat,
  missing: readonly LineMiss[] = [],
  isFill = false,
): Uint8Array {
  if (format === "gwpy") return encoder.encode(LINE_FEED);
  if (format === "csv") {
    return encoder.encode(`,${isFill ? FILLED : stateOf(missing)}${LINE_FEED}`);
  }
  const reasons = missing.filter(({ reason }) => reason !== null);
  if (isFill || reasons.length === 0) return encoder.encode(`}}${LINE_FEED}`);
  const fields = reasons.map(({ channel, reason }) => [channel.name, reason]);
  const text = JSON.stringify(Object.fromEntries(fields));
  return encoder.encode(`},"missing":${text}}${LINE_FEED}`);
}

/** Why cells of a line are empty, each reason once; `ok` where none is. */
function stateOf(missing: readonly LineMiss[]): string {
  if (missing.length === 0) return OK;
  const reasons = missing.map(({ reason }) => reason ?? "null");
  return [...new Set(reasons)].sort().join("+");
}

/** The names of the columns that a channel has: one, or those of its bins. A number of samples has no unit. */
function columnNames(
  { name }: Channel,
  { isTrend, unit }: {
    readonly isTrend: boolean;
    readonly unit: string | null;
  },
): string[] {
  if (!isTrend) return [withUnit(name, unit)];
  const values = ["min", "mean", "max"].map((value) =>
    withUnit(`${name}.${value}`, unit)
  );
  return [...values, `${name}.count`];
}

function withUnit(name: string, unit: string | null): string {
  return unit === null ? name : `${name} [${unit}]`;
}

/** What a body begins with. `units`: of each channel, null where none is known; null where they are not asked for. */
export function lineHeading(
  format: LineFormat,
  channels: readonly Channel[],
  { isTrend, units }: {
    readonly isTrend: boolean;
    readonly units: readonly (string | null)[] | null;
  },
): string {
  const names = channels.map((channel, i) =>
    columnNames(channel, { isTrend, unit: units?.[i] ?? null })
  );
  switch (format) {
    case "ndjson": {
      if (units === null) return "";
      const pairs = channels.map(({ name }, i) => [name, units[i] ?? null]);
      const all = JSON.stringify(Object.fromEntries(pairs));
      return `{"units":${all}}${LINE_FEED}`;
    }
    case "gwpy": {
      // A spreadsheet, which has no comments, finds two cells in this line. Of bins it has the mean.
      const [first] = names as [string[]];
      return `# gps_s,${csvCell(first[isTrend ? 1 : 0]!)}${LINE_FEED}`;
    }
    case "csv": {
      const cells = names.flat().map(csvCell);
      return `${["time", "gps_ns", ...cells, "status"].join(",")}${LINE_FEED}`;
    }
  }
}
