// Draws a stream in a terminal: one line per channel, drawn over the lines before.
// Invariant: a drawing has at most as many lines and columns as the terminal, and is one write.
import { gpsMsOfUnixMs } from "../blocks/gps_time.ts";
import { cutToColumns, padToColumns, textColumns } from "../text/columns.ts";
import { terminalText } from "../text/terminal.ts";
import { ChannelView, RowRate } from "./channel_view.ts";
import type { EventHandler, Gap, Hello, Row } from "./event_reader.ts";
import { durationText, gapText, shortNumber } from "./texts.ts";

const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const NAME_CHARS_MAX = 44;
/** Characters of a line that belong neither to the name nor to the envelope. */
const OTHER_CHARS = 42;
const ENVELOPE_CHARS = { least: 8, most: 60 };
const GAPS_SHOWN = 3;
/** Most seconds that an envelope shows. */
const ENVELOPE_S = 8;

export interface ScreenOptions {
  readonly size: () => { columns: number; rows: number };
  /** Unix ms, for the latency. */
  readonly nowMs: () => number;
  /** A monotonic clock, ms, for the rate. */
  readonly clockMs: () => number;
  readonly write: (text: string) => void;
}

/** Draws a stream. */
export class LiveScreen implements EventHandler {
  readonly #options: ScreenOptions;
  readonly #rate = new RowRate();
  readonly #gaps: string[] = [];
  #views: ChannelView[] = [];
  #gapCount = 0;
  #latencyMs = NaN;
  #note = "connecting";
  #drawnLines = 0;
  #nameChars = 0;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  onHello(hello: Hello): void {
    this.#note = "";
    const names = new Set(hello.channels.map((c) => c.name));
    if (
      this.#views.length === names.size &&
      this.#views.every((view) => names.has(view.name))
    ) return; // A reconnect: the envelopes stay.
    this.#nameChars = Math.min(
      NAME_CHARS_MAX,
      Math.max(...hello.channels.map((c) => textColumns(terminalText(c.name)))),
    );
    const bins = 2 * this.#envelopeChars();
    const rowsShown = Math.max(1, ENVELOPE_S * 1e9 / hello.stride_ns);
    const binsPerRow = Math.max(1, Math.round(bins / rowsShown));
    this.#views = hello.channels.map((channel) =>
      new ChannelView(channel, { bins, binsPerRow })
    );
  }

  onRow(row: Row): void {
    this.#rate.add(this.#options.clockMs());
    this.#latencyMs = gpsMsOfUnixMs(this.#options.nowMs()) -
      Number(row.endNs) / 1e6;
    for (const view of this.#views) {
      view.add(row.channels[view.name], row.missing[view.name]);
    }
  }

  onGap(gap: Gap): void {
    this.#gapCount++;
    this.#gaps.push(gapText(gap));
    if (this.#gaps.length > GAPS_SHOWN) this.#gaps.shift();
  }

  onRetry(text: string): void {
    this.#note = terminalText(text);
  }

  /** Draws over the last drawing. */
  draw(): void {
    const { columns, rows } = this.#options.size();
    const rowsPerS = this.#rate.at(this.#options.clockMs());
    const lines = [
      `${this.#views.length} channels  ${rowsPerS.toFixed(1)} ` +
      `rows/s  latency ${
        durationText(this.#latencyMs)
      }  gaps ${this.#gapCount}`,
    ];
    if (this.#note !== "") lines.push(this.#note);
    // Two lines are kept: the cursor's, and one that counts the channels without room.
    const room = Math.max(1, rows - 2 - lines.length - this.#gaps.length);
    for (const view of this.#views.slice(0, room)) {
      lines.push(lineOf(view, this.#nameChars));
    }
    if (this.#views.length > room) {
      lines.push(`and ${this.#views.length - room} more`);
    }
    lines.push(...this.#gaps);
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A\r` : "";
    this.#drawnLines = lines.length;
    this.#options.write(
      up +
        lines.map((line) => cutToColumns(line, columns) + CLEAR_LINE + "\n")
          .join("") +
        CLEAR_BELOW,
    );
  }

  #envelopeChars(): number {
    const { columns } = this.#options.size();
    const { least, most } = ENVELOPE_CHARS;
    const free = columns - OTHER_CHARS - this.#nameChars;
    return Math.min(most, Math.max(least, free));
  }
}

function lineOf(view: ChannelView, nameChars: number): string {
  const { range } = view;
  const bounds = range === null
    ? ""
    : `${shortNumber(range[0])} … ${shortNumber(range[1])}`;
  const unit = view.unit === "" ? "" : ` ${terminalText(view.unit)}`;
  const nulls = view.nullRows === 0
    ? ""
    : `  null ×${view.nullRows} (${
      [...view.nulls.keys()].map(terminalText).join(", ")
    })`;
  const name = cutToColumns(terminalText(view.name), nameChars);
  return `${padToColumns(name, nameChars)} ` +
    `${shortNumber(view.value).padStart(10)} ${view.draw()} ` +
    `${bounds}${unit}${nulls}`;
}
