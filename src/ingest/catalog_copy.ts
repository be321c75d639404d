// A copy of a catalog for a thread that joins, in pieces, and the changes since then.
// Invariant: what a thread has after the last piece and all changes is the catalog, whatever changed between two pieces.
import type { Catalog } from "../channels/catalog.ts";
import type { Channel } from "../channels/channel.ts";
import type { ChannelChanges, ChannelName } from "./messages.ts";

/** Channels of one piece: to clone so many takes about 1 ms. */
const PIECE_CHANNELS = 1000;

/**
 * All channels; it is asked for the next piece in a later turn. A channel that changes meanwhile may be missing, or be
 * there twice: the changes that are sent as well say what it is.
 */
export function* catalogPieces(catalog: Catalog): Generator<Channel[], void> {
  let piece: Channel[] = [];
  for (const channel of catalog.channels()) {
    piece.push(channel);
    if (piece.length < PIECE_CHANNELS) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

/** Collects the changes of each turn. */
export class CatalogChanges {
  readonly #later: (call: () => void) => void;
  readonly #send: (changes: ChannelChanges) => void;
  readonly #unwatch: () => void;
  #set = new Map<string, Channel>();
  #removed = new Map<string, ChannelName>();

  constructor(
    catalog: Catalog,
    { later, send }: {
      /** Calls back when the running code has returned. */
      readonly later: (call: () => void) => void;
      readonly send: (changes: ChannelChanges) => void;
    },
  ) {
    this.#later = later;
    this.#send = send;
    this.#unwatch = catalog.onChange((name, replayId, _, after) =>
      this.#note(name, replayId, after)
    );
  }

  close(): void {
    this.#unwatch();
  }

  #note(
    name: string,
    replayId: string | null,
    after: Channel | undefined,
  ): void {
    if (this.#set.size === 0 && this.#removed.size === 0) {
      this.#later(() => this.#flush());
    }
    const key = JSON.stringify([replayId, name]);
    this.#set.delete(key);
    this.#removed.delete(key);
    if (after) this.#set.set(key, after);
    else this.#removed.set(key, { name, replayId });
  }

  #flush(): void {
    const changes = {
      set: [...this.#set.values()],
      removed: [...this.#removed.values()],
    };
    this.#set = new Map();
    this.#removed = new Map();
    this.#send(changes);
  }
}
