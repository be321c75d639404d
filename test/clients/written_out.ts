// Waits, turn by turn of the event loop, until an instance has handed out all that it can.
import type { Qanat } from "../../src/app.ts";

const STILL_TURNS = 20;

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Until nothing has been written for some turns. */
export async function writtenOut({ hub }: Qanat): Promise<void> {
  const { counters } = hub.figures;
  let written = -1;
  for (let still = 0; still < STILL_TURNS; still++) {
    await turn();
    const sum = counters.framesSent + counters.catchUpRows;
    if (sum !== written) still = 0;
    written = sum;
  }
}
