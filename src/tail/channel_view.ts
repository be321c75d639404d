// The figures that the screen shows of a channel, and the rate of rows.
// Invariant: time is taken from the clock that the caller passes in.
import { Envelope } from "./envelope.ts";
import type { Hello, JsonSamples } from "./event_reader.ts";

const RATE_WINDOW_MS = 5000;

/** Rows per second, measured with a monotonic clock. */
export class RowRate {
  readonly #arrivals: number[] = [];

  add(nowMs: number): void {
    this.#arrivals.push(nowMs);
    while (this.#arrivals[0]! < nowMs - RATE_WINDOW_MS) this.#arrivals.shift();
  }

  /** Rows per second over the last five seconds. */
  at(nowMs: number): number {
    const recent = this.#arrivals.filter((t) => t >= nowMs - RATE_WINDOW_MS);
    if (recent.length < 2) return 0;
    const spanMs = Math.max(nowMs - recent[0]!, 1);
    return (recent.length - 1) * 1000 / spanMs;
  }
}

/** One channel on the screen: newest value, envelope, missing rows. */
export class ChannelView {
  readonly name: string;
  readonly dataType: string;
  readonly sampleRate: number;
  readonly envelope: Envelope;
  /** Newest sample, as the server sent it; null before the first one. */
  value: number | string | null = null;
  /** Rows without this channel, by reason. */
  readonly nulls = new Map<string, number>();
  readonly #binsPerRow: number;

  /** `bins`: width of the envelope; `binsPerRow`: how many of them a row fills. */
  constructor(
    channel: Hello["channels"][number],
    options: { readonly bins: number; readonly binsPerRow: number },
  ) {
    this.name = channel.name;
    this.dataType = channel.data_type;
    this.sampleRate = channel.sample_rate;
    this.envelope = new Envelope(options.bins);
    this.#binsPerRow = options.binsPerRow;
  }

  /** Adds a row's samples; `reason`: why they are null. */
  add(samples: JsonSamples | undefined, reason: string | undefined): void {
    if (samples === null || samples === undefined) {
      const name = reason ?? "left out";
      this.nulls.set(name, (this.nulls.get(name) ?? 0) + 1);
      this.envelope.add(null, this.#binsPerRow);
      return;
    }
    this.value = samples.at(-1) ?? null;
    this.envelope.add(numbersOf(samples), this.#binsPerRow);
  }

  get nullRows(): number {
    let rows = 0;
    for (const count of this.nulls.values()) rows += count;
    return rows;
  }
}

/** Samples as numbers: 64-bit integers, which are text, too; null becomes NaN. */
export function numbersOf(
  samples: readonly (number | string | null)[],
): Float64Array {
  return Float64Array.from(samples, (s) => s === null ? NaN : Number(s));
}
