// What the kernel says of a process and of its sockets, and what Qanat says of itself.
// Invariant: reading them costs the measured process nothing (/proc), or one request (/metrics).

/** USER_HZ of /proc/PID/stat: 100 on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;
const METRICS_WAIT_MS = 10_000;

/** What a process has used up at a moment. */
export interface ProcessFigures {
  /** Monotonic, ms. */
  readonly atMs: number;
  readonly userS: number;
  readonly systemS: number;
  readonly rssBytes: number;
}

/** Deno reads /proc itself only with every permission; `cat` needs none. Empty for what is not there. */
function procText(path: string): string {
  const { stdout } = new Deno.Command("cat", {
    args: [path],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout);
}

/** Reads /proc/PID; zeros when the process has ended. */
export function processFigures(pid: number): ProcessFigures {
  const stat = procText(`/proc/${pid}/stat`);
  const atMs = performance.now();
  // The name in brackets may hold spaces; utime and stime are the 14th and 15th of all, the 12th and 13th behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = procText(`/proc/${pid}/status`);
  return {
    atMs,
    userS: Number(fields[11] ?? 0) / TICKS_PER_SECOND,
    systemS: Number(fields[12] ?? 0) / TICKS_PER_SECOND,
    rssBytes: 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
  };
}

/** CPU time used between two moments, s. */
export function cpuSecondsBetween(
  a: ProcessFigures,
  b: ProcessFigures,
): number {
  return b.userS + b.systemS - a.userS - a.systemS;
}

/** Cores used between two moments. */
export interface Cores {
  readonly user: number;
  readonly system: number;
  readonly all: number;
}

export function coresBetween(a: ProcessFigures, b: ProcessFigures): Cores {
  const seconds = (b.atMs - a.atMs) / 1000;
  const user = (b.userS - a.userS) / seconds;
  const system = (b.systemS - a.systemS) / seconds;
  return { user, system, all: user + system };
}

/** Memory that the kernel's TCP holds in this network namespace, bytes: "TCP … mem" of /proc/net/sockstat, in pages. */
export function tcpMemoryBytes(): number {
  const text = procText("/proc/net/sockstat");
  return PAGE_BYTES * Number(/^TCP:.* mem (\d+)/m.exec(text)?.[1] ?? 0);
}

/** Figures of /metrics by name, labels summed up; null when it does not answer. */
export class Metrics {
  readonly atMs = performance.now();
  readonly #values = new Map<string, number>();
  /** Of histograms: counts up to a limit. */
  readonly #buckets = new Map<string, Map<number, number>>();

  private constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^(\w+)(?:\{(.*)\})? ([-+\d.eE]+)/.exec(line);
      if (!match) continue;
      const [, name, labels, value] = match;
      const limit = /^le="([^"]+)"$/.exec(labels ?? "")?.[1];
      if (limit !== undefined && name!.endsWith("_bucket")) {
        const buckets = this.#buckets.get(name!) ?? new Map<number, number>();
        buckets.set(limit === "+Inf" ? Infinity : Number(limit), Number(value));
        this.#buckets.set(name!, buckets);
        continue;
      }
      this.#values.set(
        name!,
        (this.#values.get(name!) ?? 0) + Number(value),
      );
    }
  }

  /** `client`: for a server with a certificate of its own. */
  static async of(
    url: string,
    client?: Deno.HttpClient,
  ): Promise<Metrics | null> {
    try {
      const response = await fetch(`${url}/metrics`, {
        ...(client && { client }),
        signal: AbortSignal.timeout(METRICS_WAIT_MS),
      });
      return new Metrics(await response.text());
    } catch {
      return null;
    }
  }

  /** Counts of a histogram by limit, cumulated. */
  buckets(name: string): ReadonlyMap<number, number> | undefined {
    return this.#buckets.get(`qanat_${name}_bucket`);
  }

  /** `qanat_` and this; null when there is no such figure. */
  get(name: string): number | null {
    return this.#values.get(`qanat_${name}`) ?? null;
  }
}

/** Pages that ring and slab have ever written to: budgets, whatever the number of clients. */
export function budgetBytes(metrics: Metrics | null): number {
  return (metrics?.get("ring_high_water_bytes") ?? 0) +
    (metrics?.get("slab_high_water_bytes") ?? 0);
}

/** Limit of the bucket below which this share of what was observed in between lies; null when nothing was. */
export function shareBelow(
  name: string,
  share: number,
  before: Metrics | null,
  after: Metrics | null,
): number | null {
  const from = before?.buckets(name);
  const to = after?.buckets(name);
  if (!from || !to) return null;
  const grown = [...to].map(([limit, count]) =>
    [limit, count - (from.get(limit) ?? 0)] as const
  ).sort(([a], [b]) => a - b);
  const all = grown.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  return grown.find(([, count]) => count >= share * all)![0];
}

/** CPU time of the whole machine at a moment. */
export interface MachineFigures {
  readonly atMs: number;
  /** Used by any process: everything that /proc/stat counts as neither idle nor stolen. */
  readonly busyS: number;
  /** Needed here, and given to other machines by the host. */
  readonly stolenS: number;
}

export function machineFigures(): MachineFigures {
  const text = procText("/proc/stat");
  const [user, nice, system, , , irq, softirq, steal] = text
    .slice(0, text.indexOf("\n")).trim().split(/\s+/).slice(1).map(Number);
  const busy = user! + nice! + system! + irq! + softirq!;
  return {
    atMs: performance.now(),
    busyS: busy / TICKS_PER_SECOND,
    stolenS: steal! / TICKS_PER_SECOND,
  };
}

/** Cores of the whole machine between two moments. */
export function machineCoresBetween(
  a: MachineFigures,
  b: MachineFigures,
): { busy: number; stolen: number } {
  const seconds = (b.atMs - a.atMs) / 1000;
  return {
    busy: (b.busyS - a.busyS) / seconds,
    stolen: (b.stolenS - a.stolenS) / seconds,
  };
}

/** How much the sum of these figures grew; null when one is not there. */
export function growthOf(
  names: readonly string[],
  before: Metrics | null,
  after: Metrics | null,
): number | null {
  let sum = 0;
  for (const name of names) {
    const from = before?.get(name) ?? null;
    const to = after?.get(name) ?? null;
    if (from === null || to === null) return null;
    sum += to - from;
  }
  return sum;
}
