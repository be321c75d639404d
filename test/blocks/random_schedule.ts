// What happens in one run, drawn from a seed: what is written into the logs when, which brokers are away when, when
// the process is stopped, who listens. Times are ms since the run began.

export interface PlannedPartition {
  readonly strideMs: number;
  readonly maxLatencyMs: number;
  readonly broker: number;
  /** Samples of its one channel in a block. */
  readonly samples: number;
}

/** A message in a partition's log. */
export interface Append {
  readonly atMs: number;
  readonly p: number;
  readonly block: number;
  readonly message: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Schedule {
  readonly seed: number;
  /** Every block comes once, within its latency, and outages are shorter than outageWaitMs: nothing may be missing. */
  readonly isHonest: boolean;
  readonly partitions: readonly PlannedPartition[];
  readonly outageWaitMs: number;
  readonly outageGraceMs: number;
  /** 0: two strides. */
  readonly futureToleranceMs: number;
  readonly lingerMs: number;
  readonly resumeWindowMs: number;
  /** Messages of one topic in one answer at most. */
  readonly batch: number;
  /** From here to a broker or back. */
  readonly oneWayMs: number;
  readonly ticksFirst: boolean;
  readonly durationMs: number;
  readonly appends: readonly Append[];
  /** Brokers that answer nothing. */
  readonly outages: readonly (Span & { readonly broker: number })[];
  /** The process does nothing. */
  readonly freezes: readonly Span[];
  /** Topics that are deleted and created again: the earlier contents of their logs are deleted. */
  readonly restarts: readonly { readonly atMs: number; readonly p: number }[];
  readonly leases: readonly (Span & { readonly ps: readonly number[] })[];
  /** The wall clock is off by this much from then on, while all publishers continue unchanged. */
  readonly steps: readonly {
    readonly atMs: number;
    readonly aheadMs: number;
  }[];
}

/** Seeded random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to 1, exclusive. */
  next(): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  }

  /** A whole number from `from` to `to`, inclusive. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)]!;
  }
}

const STRIDES_MS = [62.5, 62.5, 125, 250, 1000];
const LATENCIES_MS = [250, 500, 1000, 1000, 2500];

/** The schedule of a seed. */
export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed * 7919 + 17);
  const isHonest = seed % 4 === 0;
  const durationMs = random.int(6, 16) * 1000;
  const outageWaitMs = random.of([3000, 5000, 8000]);
  const brokers = random.int(1, 3);
  const base = random.of(STRIDES_MS);
  const isMixed = random.chance(0.6);
  const partitions = Array.from({ length: random.int(1, 6) }, () => ({
    strideMs: isMixed ? random.of(STRIDES_MS) : base,
    maxLatencyMs: random.of(LATENCIES_MS),
    broker: random.int(0, brokers - 1),
    samples: random.int(1, 2),
  }));
  const outages = drawOutages(random, {
    brokers,
    durationMs,
    outageWaitMs,
    isHonest,
  });
  const isCut = !isHonest && random.chance(0.3);
  const away = isHonest ? null : drawAway(seed, partitions.length, durationMs);
  const written: { atMs: number; p: number; block: number }[] = [];
  partitions.forEach((partition, p) => {
    const draw = isHonest ? honestLog : roughLog;
    for (const one of draw(random, partition, durationMs)) {
      let { atMs } = one;
      const isAway = away !== null && away.ps.includes(p) &&
        away.fromMs <= atMs && atMs < away.toMs;
      if (isAway) continue;
      // A broker that is down takes nothing either.
      const down = isCut &&
        outages.find((o) =>
          o.broker === partition.broker && o.fromMs <= atMs && atMs < o.toMs
        );
      if (down) atMs = down.toMs + random.int(0, 300);
      written.push({ atMs, p, block: one.block });
    }
  });
  written.sort((a, b) => a.atMs - b.atMs);
  const freezes: Span[] = [];
  for (let n = random.chance(0.3) ? random.int(1, 2) : 0; n > 0; n--) {
    const fromMs = random.int(0, durationMs);
    const lengthMs = isHonest ? outageWaitMs / 3 : random.int(300, 4000);
    freezes.push({ fromMs, toMs: fromMs + lengthMs });
  }
  return {
    seed,
    isHonest,
    partitions,
    outageWaitMs,
    outageGraceMs: random.of([0, 1000]),
    futureToleranceMs: random.of([0, 0, 500]),
    lingerMs: random.of([0, 1500, 60_000]),
    resumeWindowMs: isHonest ? 3000 : random.of([500, 3000]),
    batch: random.of(isHonest ? [20, 1000] : [1, 3, 10, 1000]),
    oneWayMs: random.of([0, 1, 20]),
    ticksFirst: random.chance(0.5),
    durationMs,
    appends: written.map((one, message) => ({ ...one, message })),
    outages,
    freezes,
    restarts: !isHonest && random.chance(0.1)
      ? [{
        atMs: random.int(0, durationMs),
        p: random.int(0, partitions.length - 1),
      }]
      : [],
    leases: drawLeases(random, partitions.length, durationMs, isHonest),
    steps: drawSteps(seed, durationMs, isHonest),
  };
}

/**
 * Steps of the wall clock alone. They come after the first lease: before it there is no sign that they are wrong. With a
 * clock that is ahead some of what a rough publisher stamps ahead is taken, of which the reference knows nothing.
 */
function drawSteps(
  seed: number,
  durationMs: number,
  isHonest: boolean,
): Schedule["steps"] {
  const random = new Random(seed * 104_729 + 3);
  const aheads = [-3_600_000, -600_000, -86_400_000, 0];
  if (isHonest) aheads.push(3_600_000, 600_000, 864_000_000);
  const steps = Array.from(
    { length: random.chance(0.5) ? 0 : random.int(1, 3) },
    () => ({
      atMs: random.int(5000, durationMs + 2000),
      aheadMs: random.of(aheads),
    }),
  );
  return steps.sort((a, b) => a.atMs - b.atMs);
}

/** A publisher of several partitions that is away once, and writes to all of them again when it is back. */
function drawAway(
  seed: number,
  count: number,
  durationMs: number,
): Span & { readonly ps: readonly number[] } | null {
  const random = new Random(seed * 15_485_863 + 5);
  if (random.chance(0.5)) return null;
  const fromMs = random.int(0, durationMs / 2);
  const toMs = fromMs + random.int(1000, 6000);
  const ps = Array.from({ length: count }, (_, p) => p);
  return { fromMs, toMs, ps: ps.filter(() => random.chance(0.8)) };
}

function drawOutages(
  random: Random,
  { brokers, durationMs, outageWaitMs, isHonest }: {
    brokers: number;
    durationMs: number;
    outageWaitMs: number;
    isHonest: boolean;
  },
): Schedule["outages"] {
  if (random.chance(0.4)) return [];
  const outages: (Span & { broker: number })[] = [];
  // Of an honest run at most one, so that with a freeze it stays below the wait.
  for (let n = isHonest ? 1 : random.int(1, 3); n > 0; n--) {
    const fromMs = random.int(0, durationMs);
    const share = isHonest
      ? 0.5 * random.next()
      : random.of([0.2, 0.5, 0.9, 1.2, 2]);
    const toMs = fromMs + Math.round(share * outageWaitMs);
    const isAll = random.chance(0.5);
    const one = random.int(0, brokers - 1);
    for (let broker = 0; broker < brokers; broker++) {
      if (isAll || broker === one) outages.push({ broker, fromMs, toMs });
    }
  }
  return outages;
}

function drawLeases(
  random: Random,
  count: number,
  durationMs: number,
  isHonest: boolean,
): Schedule["leases"] {
  const all = Array.from({ length: count }, (_, p) => p);
  const leases = [{
    // Honest publishers have all begun by then.
    fromMs: isHonest ? random.int(4000, 5000) : random.int(0, 2500),
    toMs: Infinity,
    ps: all,
  }];
  for (let n = random.chance(0.4) ? random.int(1, 3) : 0; n > 0; n--) {
    const ps = all.filter(() => random.chance(0.6));
    if (ps.length === 0 || ps.length === count) continue;
    const fromMs = random.int(0, durationMs);
    leases.push({ fromMs, toMs: fromMs + random.int(500, 6000), ps });
  }
  return leases;
}

type Log = Iterable<{ atMs: number; block: number }>;

/** Every block once, in any order, in the log before its deadline. */
function* honestLog(
  random: Random,
  { strideMs, maxLatencyMs }: PlannedPartition,
  durationMs: number,
): Log {
  const share = random.of([0.01, 0.3, 0.9]);
  for (let block = 0; (block + 1) * strideMs <= durationMs; block++) {
    const delayMs = share * random.next() * maxLatencyMs;
    yield { atMs: Math.floor((block + 1) * strideMs + delayMs), block };
  }
}

/** A publisher with some of all that can go wrong. */
function* roughLog(
  random: Random,
  { strideMs, maxLatencyMs }: PlannedPartition,
  durationMs: number,
): Log {
  if (random.chance(0.05)) return;
  const often = (share: number) => random.chance(0.35) ? share : 0;
  const usual = random.of([0.01, 0.3, 0.9]);
  const lost = often(0.05);
  const doubled = often(0.1);
  const late = often(0.05);
  const silent = often(0.03);
  const restarted = often(0.03);
  const ahead = often(0.02);
  const setBack = random.chance(0.1) ? 0.006 : 0;
  const last = Math.floor(durationMs / strideMs) - 1;
  /** What the publisher's clock is off by, blocks. */
  let off = 0;
  for (let block = 0; block <= last; block++) {
    const endMs = (block + 1) * strideMs;
    if (random.chance(lost)) continue;
    let delayMs = usual * random.next() * maxLatencyMs;
    if (random.chance(late)) delayMs += (0.5 + random.next()) * maxLatencyMs;
    const atMs = Math.floor(endMs + delayMs);
    yield { atMs, block: block + off };
    if (random.chance(doubled)) {
      const againMs = random.int(0, 1.5 * maxLatencyMs);
      yield { atMs: atMs + againMs, block: block + off };
    }
    if (random.chance(silent)) {
      block += random.int(1, Math.ceil(5000 / strideMs));
    }
    if (random.chance(restarted)) {
      // The last blocks are written again, some of them for the first time.
      for (let n = random.int(1, 4); n >= 0; n--) {
        yield { atMs: atMs + 5 - n, block: block + off - n };
      }
    }
    if (random.chance(ahead)) {
      const blocks = random.of([1, 2, 3, 50, 5000]);
      const count = random.int(1, 4);
      for (let n = 1; n <= count; n++) {
        yield { atMs: atMs + n, block: block + off + blocks + n };
      }
    }
    if (random.chance(setBack)) {
      off -= Math.ceil(random.of([1, 3, 20]) * 1000 / strideMs);
    }
  }
}
