// Catalogs that hold only what a grant allows to read. A view is a catalog of its own: a channel that it leaves out
// costs a search nothing, so that a forbidden name looks like an unknown one, in the answer and in its time.
// Invariant: a view follows every change of the full catalog; views are few, the least recently used ones are dropped.
import { Catalog } from "../channels/catalog.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { Grant } from "./grant.ts";

export interface CatalogViewsOptions {
  readonly catalog: Catalog;
  /** Most views. @default 256 */
  readonly viewsMax?: number | undefined;
  /** Most channels of all views together; one view is kept in any case. @default 1,000,000 */
  readonly channelsMax?: number;
}

/** One view, and the work that has still to be done for it. */
interface View {
  readonly grant: Grant;
  readonly catalog: Catalog;
  /** Yields the cost of each part before it is done, as sliced work does; null when the view is complete. */
  work: SlicedWork<void> | null;
}

/** The views of one instance, by what they allow. */
export class CatalogViews {
  readonly counters = { gathered: 0, dropped: 0 };
  readonly #catalog: Catalog;
  readonly #viewsMax: number;
  readonly #channelsMax: number;
  /** The most recently used one is the last. */
  readonly #views = new Map<string, View>();
  readonly #stop: () => void;

  constructor(options: CatalogViewsOptions) {
    const { catalog, viewsMax = 256, channelsMax = 1_000_000 } = options;
    this.#catalog = catalog;
    this.#viewsMax = viewsMax;
    this.#channelsMax = channelsMax;
    this.#stop = catalog.onChange((name, replayId, before, after) => {
      for (const { catalog, grant } of this.#views.values()) {
        if (after && after === before) catalog.noteChanged(after);
        else if (after && grant.allows(after)) catalog.set(after);
        else if (before) catalog.remove(name, replayId);
      }
    });
  }

  get size(): number {
    return this.#views.size;
  }

  /** Channels of the full catalog. */
  get catalogSize(): number {
    return this.#catalog.size;
  }

  /** Channels of all views. Linear in views: for metrics. */
  get channels(): number {
    let channels = 0;
    for (const { catalog } of this.#views.values()) channels += catalog.size;
    return channels;
  }

  close(): void {
    this.#stop();
    this.#views.clear();
  }

  /** The view of a grant where it is complete; else null, and {@linkcode gathering} makes it. */
  known(grant: Grant): Catalog | null {
    if (grant.readsAll) return this.#catalog;
    const view = this.#views.get(grant.readKey);
    if (!view || view.work !== null) return null;
    this.#use(view);
    return view.catalog;
  }

  /** The view of a grant. Requests that ask for it at the same time do the work together. */
  *gathering(grant: Grant): SlicedWork<Catalog> {
    const known = this.known(grant);
    if (known !== null) return known;
    const view = this.#views.get(grant.readKey) ?? this.#begin(grant);
    while (view.work !== null) {
      const part = view.work.next();
      if (part.done) this.#finish(view);
      else yield part.value;
    }
    return view.catalog;
  }

  #begin(grant: Grant): View {
    const catalog = new Catalog(this.#catalog.notes);
    const view = { grant, catalog, work: this.#gather(grant, catalog) };
    this.#views.set(grant.readKey, view);
    this.counters.gathered++;
    this.#dropOld();
    return view;
  }

  /** Looks at the channels alone that the prefixes of the rules leave: in a catalog of many, most rules allow few. */
  #gather(grant: Grant, view: Catalog): SlicedWork<void> {
    // Channels that change meanwhile are taken in by the listener.
    return this.#catalog.withPrefixes(
      grant.prefixes,
      (channel) => grant.stepsOf(channel),
      (channel) => {
        if (grant.allows(channel)) view.set(channel);
      },
    );
  }

  #finish(view: View): void {
    view.work = null;
    this.#use(view);
    this.#dropOld();
  }

  #use(view: View): void {
    const { readKey } = view.grant;
    if (this.#views.get(readKey) !== view) return;
    this.#views.delete(readKey);
    this.#views.set(readKey, view);
  }

  #dropOld(): void {
    let { channels } = this;
    for (const [key, { catalog }] of this.#views) {
      const isOver = this.#views.size > this.#viewsMax ||
        channels > this.#channelsMax;
      if (!isOver || this.#views.size === 1) return;
      channels -= catalog.size;
      this.#views.delete(key);
      this.counters.dropped++;
    }
  }
}
