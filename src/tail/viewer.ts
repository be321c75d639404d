// Shows a stream of events live: drawn in a terminal, printed as lines elsewhere.
// Invariant: a timer draws, so reading never waits for drawing.
import { eventConnection } from "./event_reader.ts";
import { LinePrinter } from "./line_printer.ts";
import { LiveScreen } from "./live_screen.ts";
import type { TailOptions } from "./options.ts";
import { type Outcome, readRetrying } from "./retrying.ts";

const FRAME_MS = 100;

export interface ViewerOptions {
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  readonly warn: (text: string) => void;
  readonly isTerminal: boolean;
  readonly size: () => { columns: number; rows: number };
}

/** Shows a stream until it is complete, refused, or stopped. */
export async function channelViewer(
  options: TailOptions,
  to: ViewerOptions,
): Promise<Outcome> {
  const { signal, write, warn, size } = to;
  const nowMs = Date.now;
  const isDrawn = to.isTerminal && !options.plain;
  const clockMs = () => performance.now();
  const screen = isDrawn
    ? new LiveScreen({ size, nowMs, clockMs, write })
    : null;
  const viewer = screen ?? new LinePrinter({ nowMs, write, warn });
  const timer = screen && setInterval(() => screen.draw(), FRAME_MS);
  try {
    return await readRetrying(eventConnection(options, viewer), {
      retriesMax: options.retriesMax,
      signal,
      onRetry: (text) => viewer.onRetry(text),
    });
  } finally {
    if (timer !== null) clearInterval(timer);
    screen?.draw();
  }
}
