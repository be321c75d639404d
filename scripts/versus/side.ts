// The figures of one server with one number of clients, and medians over runs.

/** A client that gets less than this has not been served in full, rows/s. */
const ROWS_ENOUGH = 15.9;

/** One measurement. Latencies in ms from a block's end to its row being read. */
export interface Side {
  readonly clients: number;
  /** Rows per second of the worst client. */
  readonly rowsMin: number;
  readonly rowsMedian: number;
  readonly lost: number;
  /** Clients whose latency grew by more than a stride while they were measured. */
  readonly behind: number;
  readonly failed: number;
  /** Every client got every row, and none fell behind. */
  readonly held: boolean;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly serverCores: number;
  readonly readerCores: number;
  readonly cpuMicrosPerRow: number;
  /** Given to others by the host of this machine: above 0, nothing here was at its best. */
  readonly stolenCores: number;
}

/** How late a consumer that does nothing else has the blocks, ms from a block's end. */
export type Receipt = Pick<Side, "p50" | "p99" | "p999" | "max">;

/** Whether so many rows in so many seconds are all that was due; one may lie across the window's edge. */
export function isAll(rows: number, seconds: number): boolean {
  return rows >= Math.floor(ROWS_ENOUGH * seconds);
}

/** The largest number of clients that was held; 0 where none was. */
export function clientsHeld(sides: readonly Side[]): number {
  return Math.max(0, ...sides.filter((s) => s.held).map((s) => s.clients));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Each figure's median over the rounds; losses are added up. */
export function medianSide(rounds: readonly Side[]): Side {
  const of = (figure: (side: Side) => number) => median(rounds.map(figure));
  const sum = (figure: (side: Side) => number) =>
    rounds.reduce((total, side) => total + figure(side), 0);
  return {
    clients: rounds[0]!.clients,
    rowsMin: of((s) => s.rowsMin),
    rowsMedian: of((s) => s.rowsMedian),
    lost: sum((s) => s.lost),
    behind: of((s) => s.behind),
    failed: sum((s) => s.failed),
    held: 2 * sum((s) => s.held ? 1 : 0) > rounds.length,
    ...medianReceipt(rounds),
    serverCores: of((s) => s.serverCores),
    readerCores: of((s) => s.readerCores),
    cpuMicrosPerRow: of((s) => s.cpuMicrosPerRow),
    stolenCores: of((s) => s.stolenCores),
  };
}

export function medianReceipt(rounds: readonly Receipt[]): Receipt {
  const of = (figure: (receipt: Receipt) => number) =>
    median(rounds.map(figure));
  return {
    p50: of((r) => r.p50),
    p99: of((r) => r.p99),
    p999: of((r) => r.p999),
    max: of((r) => r.max),
  };
}
