// The channels that are not served, with the reasons: all are counted, the newest are listed.
// Invariant: the list has a limit whatever publishers write, and every text in it is safe to show.
import {
  CHANNEL_REFUSALS,
  type ChannelFault,
  type ChannelRefusal,
} from "./channel_fault.ts";

/** One channel of one publisher that is not served. */
export interface RefusedChannel {
  /** The publisher of the metadata. */
  readonly publisher: string;
  /** The name that it claims, safe to show. */
  readonly name: string;
  /** One of a fixed list of names. */
  readonly reason: ChannelRefusal;
  /** Says what is wrong, and what would be right. */
  readonly detail: string;
}

/** The present conflict of a channel, if it changes with other channels. */
export type FaultNow = () => ChannelFault | null;

/** Most refusals that are listed; the oldest are removed. */
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

  /** Removes the refusals of a publisher and name from the list, because they are no longer valid. */
  forget(publisher: string, name: string): void {
    for (const [key, { refused }] of this.#listed) {
      if (refused.name !== name || refused.publisher !== publisher) continue;
      this.#listed.delete(key);
    }
  }

  /** The present refusals, the newest first. */
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
