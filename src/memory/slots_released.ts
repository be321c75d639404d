// Waits at a shutdown until the last writes have released their slots.
import type { Slab } from "./slab.ts";

const WAIT_MS = 10;
const WAITS_MAX = 100;

/** Resolves when no slot is in use, or after a second. */
export async function slotsReleased(slab: Slab): Promise<void> {
  for (let i = 0; i < WAITS_MAX && slab.usedSlots > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
