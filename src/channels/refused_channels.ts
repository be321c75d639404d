// The channels that are not served, and why: counted whole, listed as far as it is useful.
// Invariant: the list is bounded whatever publishers write, and every text in it is safe to show.
import {
  CHANNEL_REFUSALS,
  type ChannelFault,
  type ChannelRefusal,
} from "./channel_fault.ts";

/** One channel of one publisher that is not served. */
export interface RefusedChannel {
  /** Whose metadata it is. */
  readonly publisher: string;
  readonly name: string;
  readonly reason: ChannelRefusal;
  readonly detail: string;
}

/** What stands in a channel's way now, where that changes with others. */
export type FaultNow = () => ChannelFault | null;

/** Refusals that are listed; the oldest make room. */
export const REFUSED_LISTED_MAX = 100;

/** Refused channels of one catalog. */
export class RefusedChannels {
  /** Records refused since the start, by reason. */
  readonly counts: Record<ChannelRefusal, number> = Object.fromEntries(
    CHANNEL_REFUSALS.map((reason) => [reason, 0]),
  ) as Record<ChannelRefusal, number>;
  readonly #listed = new Map<
    string,
    { readonly refused: RefusedChannel; readonly now: FaultNow | undefined }
  >();

  /** Counts a refusal, and lists it as the newest. */
  add(refused: RefusedChannel, now?: FaultNow): void {
    this.counts[refused.reason]++;
    const key = keyOf(refused);
    this.#listed.delete(key);
    this.#listed.set(key, { refused, now });
    if (this.#listed.size <= REFUSED_LISTED_MAX) return;
    for (const oldest of this.#listed.keys()) {
      this.#listed.delete(oldest);
      return;
    }
  }

  /** Takes what was refused of a publisher and name off the list: it holds no longer. */
  forget(publisher: string, name: string): void {
    for (const [key, { refused }] of this.#listed) {
      if (refused.name !== name || refused.publisher !== publisher) continue;
      this.#listed.delete(key);
    }
  }

  /** Those that are refused now, the newest first. */
  list(): RefusedChannel[] {
    return [...this.#listed.values()].reverse().map(({ refused, now }) => ({
      ...refused,
      ...now?.(),
    }));
  }
}

function keyOf({ publisher, name, reason }: RefusedChannel): string {
  return JSON.stringify([publisher, name, reason]);
}
