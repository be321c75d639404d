// What the streams to relays need of their instance, and of those that open them.
import type { BlockStore } from "../blocks/block_store.ts";
import type { Ring } from "../memory/ring.ts";
import type { ShareHolder } from "../shares/share_holder.ts";
import type { SharePools } from "../shares/share_pools.ts";
import type { Source } from "../source/source.ts";
import type { TopicView } from "./topic_index.ts";

/** The instance whose blocks relays read. */
export interface Origin {
  readonly config: {
    /** Most streams; 0: no relay is served. */
    readonly relayStreamsMax: number;
    readonly addressSharePercent: number;
  };
  readonly source: Source;
  readonly store: BlockStore;
  /** That of the store. */
  readonly ring: Ring;
  readonly sharePools: SharePools;
}

/** Who opens a stream. */
export interface Reader {
  readonly holder: ShareHolder;
  readonly view: TopicView;
  /** Why it may read nothing now, by a credential that has ended; null while it may. */
  readonly isOver: () => boolean;
}
