// Prints lines for a pipe or a log: one for each channel and row, and one for each gap.
// Invariant: a line has seven fields, separated by tabs: time, channel, last, least, greatest, count, latency.
import { gpsMsOfUnixMs } from "../blocks/gps_time.ts";
import { terminalText } from "../text/terminal.ts";
import { valueOf } from "./channel_view.ts";
import type { EventHandler, Gap, Hello, Row } from "./event_reader.ts";
import { secondsText } from "../blocks/time_text.ts";
import { gapText } from "./texts.ts";

export interface LinePrinterOptions {
  /** Unix time, ms. */
  readonly nowMs: () => number;
  readonly write: (text: string) => void;
  /** Prints gaps and lost connections, apart from the rows. */
  readonly warn: (text: string) => void;
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
      const fields: unknown[] = [time, name];
      if (samples === null) {
        const reason = row.missing[name] ?? "left out";
        fields.push(`null: ${reason}`, "", "", 0, latencyMs);
      } else {
        fields.push(samples.at(-1), ...extremesOf(samples));
        fields.push(samples.length, latencyMs);
      }
      text += fields.map((f) => terminalText(String(f))).join("\t") + "\n";
    }
    this.#options.write(text);
  }

  onGap(gap: Gap): void {
    this.#options.warn(gapText(gap) + "\n");
  }

  onRetry(text: string): void {
    this.#options.warn(terminalText(text) + "\n");
  }
}

/** Least and greatest sample; 64-bit integers, which are text, with all their digits. */
function extremesOf(
  samples: readonly (number | string | null)[],
): [number | bigint | null, number | bigint | null] {
  let least: number | bigint | null = null;
  let greatest: number | bigint | null = null;
  for (const sample of samples) {
    const value = valueOf(sample);
    if (Number.isNaN(value)) continue;
    if (least === null || value < least) least = value;
    if (greatest === null || value > greatest) greatest = value;
  }
  return [least, greatest];
}
