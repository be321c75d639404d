// The channels that each client of a load requests, as request lines of bench/floor/reader.c.
// Invariant: seeded, so that two runs request the same; with "different", no two lines request the same set.

export type Mode = "same" | "different";
export const FORMATS = ["events", "events+gzip", "arrow", "flight"] as const;
export type Format = typeof FORMATS[number];

const CHANNELS_EACH = 10;

/** A selection of `count` of these channels for each of `clients`, all different. */
export function differentSelections(
  names: readonly string[],
  clients: number,
  count: number = CHANNELS_EACH,
): string[][] {
  const seen = new Set<string>();
  const selections: string[][] = [];
  let state = 12345;
  const below = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * n);
  };
  let tries = 0;
  while (selections.length < clients) {
    if (++tries > 100 * clients + 1000) {
      throw new RangeError(
        `${names.length} channels have no ${clients} different selections of ${count}`,
      );
    }
    const chosen = new Set<string>();
    while (chosen.size < count) chosen.add(names[below(names.length)]!);
    const selection = [...chosen].sort();
    const key = selection.join();
    if (seen.has(key)) continue;
    seen.add(key);
    selections.push(selection);
  }
  return selections;
}

/** One line for each client, or one for all. */
export function requestLines(
  names: readonly string[],
  { clients, mode, format }: { clients: number; mode: Mode; format: Format },
): string[] {
  return differentSelections(names, mode === "same" ? 1 : clients).map(
    (selection) => requestLine(selection, format),
  );
}

/** Arrakis's request schema, of which the ticket is. */
const SCHEMA_VERSION = "0.5.0";

/** A call of Arrow Flight for the live rows of a selection: DoGet with Arrakis's command as its ticket. */
export function flightLine(selection: readonly string[]): string {
  const ticket = {
    request: "Stream",
    args: {
      channels: selection,
      start: null,
      end: null,
      replay_start: null,
      replay_end: null,
      replay_id: null,
    },
    version: SCHEMA_VERSION,
  };
  return `POST\t/arrow.flight.protocol.FlightService/DoGet\t\t${
    JSON.stringify(ticket)
  }`;
}

/** A request of a selection. */
export function requestLine(
  selection: readonly string[],
  format: Format,
): string {
  if (format === "flight") return flightLine(selection);
  const path = format === "arrow" ? "/v1/arrow" : "/v1/events";
  const gzip = format === "events+gzip" ? "\tAccept-Encoding: gzip" : "";
  return `GET\t${path}?channels=${selection.join(",")}${gzip}`;
}
