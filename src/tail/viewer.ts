// Shows a stream of events as it comes: a picture in a terminal, lines elsewhere.
// Invariant: drawing is on a timer of its own and never waits for, or holds up, the stream.
import { eventConnection } from "./event_reader.ts";
import { LinePrinter } from "./line_printer.ts";
import { LiveScreen } from "./live_screen.ts";
import type { TailOptions } from "./options.ts";
import { type Outcome, readRetrying } from "./retrying.ts";

const FRAME_MS = 100;

export interface ViewerOptions {
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly isTerminal: boolean;
  readonly size: () => { columns: number; rows: number };
}

/** Shows until the stream is over, refused, or stopped. */
export async function channelViewer(
  options: TailOptions,
  to: ViewerOptions,
): Promise<Outcome> {
  const { signal, write, complain, size } = to;
  const nowMs = Date.now;
  const isPicture = to.isTerminal && !options.plain;
  const clockMs = () => performance.now();
  const screen = isPicture
    ? new LiveScreen({ size, nowMs, clockMs, write })
    : null;
  const viewer = screen ?? new LinePrinter({ nowMs, write, complain });
  const timer = screen && setInterval(() => screen.draw(), FRAME_MS);
  try {
    return await readRetrying(eventConnection(options, viewer), {
      retriesMax: options.retriesMax,
      signal,
      onTrouble: (text) => viewer.onTrouble(text),
    });
  } finally {
    if (timer !== null) clearInterval(timer);
    screen?.draw();
  }
}
