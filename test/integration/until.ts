// Waiting for what a machine with other work may do late.
import { sleep } from "./chain.ts";

/** What may take so long, takes it: nothing here judges time. */
const UNTIL_MS = 60_000;
const POLL_MS = 5;

/** Resolves, once it holds, with the ms that it took; `what` says in an error what did not come. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = UNTIL_MS,
  pollMs = POLL_MS,
): Promise<number> {
  const beganMs = performance.now();
  while (!await holds()) {
    if (performance.now() - beganMs > withinMs) {
      throw new Error(`Not within ${withinMs} ms: ${what}`);
    }
    await sleep(pollMs);
  }
  return performance.now() - beganMs;
}
