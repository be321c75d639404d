// The history feeds that run now: who reads, which of them has stalled longest, and which a client can join.
import type { ShareHolder } from "../shares/share_holder.ts";
import type { HistoryFeed } from "./history_feed.ts";
import type { PermitKind } from "./permit.ts";
import type { GroupClient } from "./selection_group.ts";

export class RunningFeeds {
  readonly #feeds = new Set<HistoryFeed>();

  add(feed: HistoryFeed): void {
    this.#feeds.add(feed);
  }

  delete(feed: HistoryFeed): void {
    this.#feeds.delete(feed);
  }

  /** Feeds by the key of the holder of their permit. */
  readers(): Map<string, number> {
    const readers = new Map<string, number>();
    for (const { holder: { key } } of this.#feeds) {
      readers.set(key, (readers.get(key) ?? 0) + 1);
    }
    return readers;
  }

  /** A feed with a permit of a kind that reaches a client within so many rows; null where there is none. */
  reaching(
    client: GroupClient,
    kind: PermitKind,
    rowsMax: number,
  ): HistoryFeed | null {
    for (const feed of this.#feeds) {
      if (feed.group !== client.group || feed.permit.kind !== kind) continue;
      if (feed.reaches(client, rowsMax)) return feed;
    }
    return null;
  }

  /** The feed that a holder can get a permit from: first one of its own. */
  stalledFor(
    kind: PermitKind,
    { key }: ShareHolder,
    sinceMs: number,
  ): HistoryFeed | null {
    const isOfKind = ({ permit }: HistoryFeed) => permit.kind === kind;
    return this.#longestStalled(
      sinceMs,
      (feed) => isOfKind(feed) && feed.holder.key === key,
    ) ?? this.#longestStalled(sinceMs, isOfKind);
  }

  /** The feed of a kind that has stalled longest. */
  longestStalled(kind: PermitKind, sinceMs: number): HistoryFeed | null {
    return this.#longestStalled(sinceMs, ({ permit }) => permit.kind === kind);
  }

  /** The feed that has stalled longest, and since `sinceMs` at least. */
  #longestStalled(
    sinceMs: number,
    isMeant: (feed: HistoryFeed) => boolean,
  ): HistoryFeed | null {
    let found: HistoryFeed | null = null;
    for (const feed of this.#feeds) {
      if (feed.stalledSinceMs > sinceMs || !isMeant(feed)) continue;
      sinceMs = feed.stalledSinceMs;
      found = feed;
    }
    return found;
  }
}
