// Which blocks a publisher has to publish next, by its clock.

/**
 * The first block to publish, of those that end by now (before index `end`), when `next` was due so far. After a jump of
 * the clock ahead, blocks that are older than the backlog are skipped. After a jump back by more than the backlog, the
 * publisher begins again at `end`; after a smaller one it waits.
 */
export function dueFrom(
  next: number,
  end: number,
  { backlog }: { readonly backlog: number },
): { from: number; skipped: number } {
  if (next - end > backlog) return { from: end, skipped: 0 };
  const from = Math.max(next, end - backlog);
  return { from, skipped: from - next };
}

/** Index of the block that spans a GPS ms; at least 0. */
export function indexAt(strideNs: bigint, gpsMs: number): number {
  return Math.max(0, Math.floor(gpsMs / (Number(strideNs) / 1e6)));
}
