// Lines for a pipe or a log: one for each channel and row, and one for each gap.
// Invariant: a line's fields are parted by tabs and stay where they are: time, channel, last, least, greatest, count, latency.
import { gpsMsOfUnixMs } from "../blocks/gps_time.ts";
import { numbersOf } from "./channel_view.ts";
import type { EventHandler, Gap, Hello, Row } from "./event_reader.ts";
import { gapText, secondsText } from "./texts.ts";

export interface LinePrinterOptions {
  readonly nowMs: () => number;
  readonly write: (text: string) => void;
  /** Where gaps go, so that they do not mix with what is piped on. */
  readonly complain: (text: string) => void;
}

/** Prints a stream. */
export class LinePrinter implements EventHandler {
  readonly #options: LinePrinterOptions;
  #hasHeading = false;

  constructor(options: LinePrinterOptions) {
    this.#options = options;
  }

  onHello(_hello: Hello): void {
    if (this.#hasHeading) return;
    this.#hasHeading = true;
    this.#options.write(
      "gps_time\tchannel\tlast\tleast\tgreatest\tsamples\tlatency_ms\n",
    );
  }

  onRow(row: Row): void {
    const latencyMs = Math.round(
      gpsMsOfUnixMs(this.#options.nowMs()) - Number(row.endNs) / 1e6,
    );
    const time = secondsText(row.startNs);
    let text = "";
    for (const [name, samples] of Object.entries(row.channels)) {
      if (samples === null) {
        const reason = row.missing[name] ?? "left out";
        text += `${time}\t${name}\tnull: ${reason}\t\t\t0\t${latencyMs}\n`;
        continue;
      }
      const [least, greatest] = extremesOf(samples);
      text += `${time}\t${name}\t${samples.at(-1)}\t${least}\t${greatest}\t` +
        `${samples.length}\t${latencyMs}\n`;
    }
    this.#options.write(text);
  }

  onGap(gap: Gap): void {
    this.#options.complain(gapText(gap) + "\n");
  }

  onTrouble(text: string): void {
    this.#options.complain(text + "\n");
  }
}

/** Least and greatest, as they came. */
function extremesOf(
  samples: readonly (number | string | null)[],
): [number | string | null, number | string | null] {
  const numbers = numbersOf(samples);
  let least = -1;
  let greatest = -1;
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isNaN(numbers[i]!)) continue;
    if (least < 0 || numbers[i]! < numbers[least]!) least = i;
    if (greatest < 0 || numbers[i]! > numbers[greatest]!) greatest = i;
  }
  return [samples[least] ?? null, samples[greatest] ?? null];
}
