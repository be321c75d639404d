// What is shown of a channel: newest value, envelope, rate, latency, gaps.
// Invariant: figures are over the last seconds of rows that came, as told by the clock that is handed in.
import { Envelope } from "./envelope.ts";
import type { Hello, JsonSamples } from "./event_reader.ts";

const RATE_WINDOW_MS = 5000;

/** How many rows come in a second, by a clock that is never set. */
export class RowRate {
  readonly #arrivals: number[] = [];

  add(nowMs: number): void {
    this.#arrivals.push(nowMs);
    while (this.#arrivals[0]! < nowMs - RATE_WINDOW_MS) this.#arrivals.shift();
  }

  /** Rows a second over the last five. */
  at(nowMs: number): number {
    const recent = this.#arrivals.filter((t) => t >= nowMs - RATE_WINDOW_MS);
    if (recent.length < 2) return 0;
    const spanMs = Math.max(nowMs - recent[0]!, 1);
    return (recent.length - 1) * 1000 / spanMs;
  }
}

/** One channel on the screen. */
export class ChannelView {
  readonly name: string;
  readonly dataType: string;
  readonly sampleRate: number;
  readonly envelope: Envelope;
  /** Newest sample, as it came; null when there was none yet. */
  value: number | string | null = null;
  /** Rows without this channel, by reason. */
  readonly nulls = new Map<string, number>();
  readonly #binsPerRow: number;

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

/** Samples as numbers: text of 64-bit integers too, null as NaN. */
export function numbersOf(
  samples: readonly (number | string | null)[],
): Float64Array {
  return Float64Array.from(samples, (s) => s === null ? NaN : Number(s));
}
