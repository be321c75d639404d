// The figures that the screen shows of a channel, and the rate of rows.
// Invariant: time is taken from the clock that the caller passes in.
import { Envelope } from "./envelope.ts";
import type { Hello, JsonSamples } from "./event_reader.ts";

const RATE_WINDOW_MS = 5000;
const WHOLE = /^-?\d{1,20}$/;

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
  /** "" where none is known. */
  readonly unit: string;
  readonly #envelope: Envelope;
  /** The first 64-bit integer: the envelope has offsets from it, since doubles near 2^63 are 1,024 apart. */
  #origin = 0n;
  #hasOrigin = false;
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
    this.unit = channel.unit ?? "";
    this.#envelope = new Envelope(options.bins);
    this.#binsPerRow = options.binsPerRow;
  }

  /** Adds a row's samples; `reason`: why they are null. */
  add(samples: JsonSamples | undefined, reason: string | undefined): void {
    if (samples === null || samples === undefined) {
      const name = reason ?? "left out";
      this.nulls.set(name, (this.nulls.get(name) ?? 0) + 1);
      this.#envelope.add(null, this.#binsPerRow);
      return;
    }
    this.value = samples.at(-1) ?? null;
    if (!this.#hasOrigin) {
      const first = samples.map(valueOf).find((value) => value === value);
      this.#hasOrigin = first !== undefined;
      if (typeof first === "bigint") this.#origin = first;
    }
    this.#envelope.add(numbersOf(samples, this.#origin), this.#binsPerRow);
  }

  /** Least and greatest value of the envelope; null when there is none. */
  get range(): readonly [number, number] | null {
    const range = this.#envelope.range;
    if (range === null) return null;
    const origin = Number(this.#origin);
    return [range[0] + origin, range[1] + origin];
  }

  /** The envelope as one line of text. */
  draw(): string {
    return this.#envelope.draw();
  }

  get nullRows(): number {
    let rows = 0;
    for (const count of this.nulls.values()) rows += count;
    return rows;
  }
}

/** A sample's value; 64-bit integers are text. NaN for null, and for what is no number. */
export function valueOf(sample: number | string | null): number | bigint {
  if (typeof sample === "number") return sample;
  if (typeof sample !== "string" || !WHOLE.test(sample)) return NaN;
  return BigInt(sample);
}

/** Samples as numbers: 64-bit integers as their offsets from `origin`. */
function numbersOf(
  samples: readonly (number | string | null)[],
  origin: bigint,
): Float64Array {
  return Float64Array.from(samples, (sample) => {
    const value = valueOf(sample);
    return typeof value === "bigint" ? Number(value - origin) : value;
  });
}
