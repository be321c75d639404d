// Ends the streams of an instance under `deno serve` when the process is asked to end. `deno serve` then accepts no more
// connections and waits for all answers, and a stream has no end of its own.
import type { Edge } from "./edge.ts";

/** What Deno has. */
interface Signals {
  addSignalListener(name: string, listener: () => void): void;
  removeSignalListener(name: string, listener: () => void): void;
}

const SIGNALS = ["SIGTERM", "SIGINT"];

/** At the first signal. A second one ends the process, as without this. Does nothing where there are no signals. */
export function endAtSignals(
  edge: Pick<Edge, "close">,
  { Deno: deno }: { readonly Deno?: Partial<Signals> } = globalThis as object,
): void {
  const { addSignalListener, removeSignalListener } = deno ?? {};
  if (!addSignalListener || !removeSignalListener) return;
  const end = () => {
    for (const name of SIGNALS) removeSignalListener(name, end);
    void edge.close();
  };
  for (const name of SIGNALS) addSignalListener(name, end);
}
