// A queue in which owners and addresses take turns, so that none of them keeps the others waiting.
// Invariant: the items of one holder leave in the order of their arrival; the holder that was served last comes last.

export class HolderQueue<Item> {
  readonly #byHolder = new Map<string, Set<Item>>();
  #size = 0;

  /** Items of all holders. */
  get size(): number {
    return this.#size;
  }

  /** Owners and addresses that wait. */
  get holderCount(): number {
    return this.#byHolder.size;
  }

  /** The keys of the holders that wait, in the order of their turns. */
  holders(): Iterable<string> {
    return this.#byHolder.keys();
  }

  /** All items, each with the key of its holder. */
  *items(): Generator<[key: string, item: Item]> {
    for (const [key, items] of this.#byHolder) {
      for (const item of items) yield [key, item];
    }
  }

  add(key: string, item: Item): void {
    const items = this.#byHolder.get(key);
    if (items) items.add(item);
    else this.#byHolder.set(key, new Set([item]));
    this.#size++;
  }

  /** The item of a holder that waits longest; undefined where none waits. */
  first(key: string): Item | undefined {
    for (const item of this.#byHolder.get(key) ?? []) return item;
    return undefined;
  }

  /** Takes out an item that does not wait any more, where it still waits. The turn of its holder stays. */
  remove(key: string, item: Item): void {
    const items = this.#byHolder.get(key);
    if (!items?.delete(item)) return;
    this.#size--;
    if (items.size === 0) this.#byHolder.delete(key);
  }

  /** Takes out the first item of a holder, whose next turn is after those of all others; undefined where none waits. */
  serve(key: string): Item | undefined {
    const item = this.first(key);
    if (item === undefined) return undefined;
    this.remove(key, item);
    const others = this.#byHolder.get(key);
    if (others) {
      this.#byHolder.delete(key);
      this.#byHolder.set(key, others);
    }
    return item;
  }

  /** The same for the holder whose turn it is; undefined where none waits. */
  serveNext(): Item | undefined {
    for (const key of this.#byHolder.keys()) return this.serve(key);
    return undefined;
  }
}
