// All known channels by context and name: finding, counting, similar names, changes.
// Invariant: a name is unique within its context (live, or one replay); listeners are called for every change.
import { type Channel, isSameChannel } from "./channel.ts";
import { type ChannelNote, isSameNote } from "./channel_note.ts";
import { channelFault } from "./channel_fault.ts";
import {
  type ChannelFilter,
  type Found,
  type Page,
  passing,
} from "./channel_filter.ts";
import { ChannelNotes } from "./channel_notes.ts";
import { Expression, ExpressionCache } from "./expression.ts";
import { lowerBound, type Range, rangesOf } from "./name_ranges.ts";
import { nearNames } from "./near_names.ts";
import { RefusedChannels } from "./refused_channels.ts";
import { SortedNames } from "./sorted_names.ts";
import { finish, PART_STEPS_MAX, type SlicedWork } from "./sliced_work.ts";

export type { ChannelFilter, Found, Page } from "./channel_filter.ts";

/**
 * Called when a channel appears (`before` undefined), changes, or is removed (`after` undefined); with one object twice
 * where only its note has changed.
 */
export type CatalogListener = (
  name: string,
  replayId: string | null,
  before: Channel | undefined,
  after: Channel | undefined,
) => void;

/** Steps of checking one channel. */
const LOOK_STEPS = 0.25;
/** Steps of one part of a search, unless one name needs more. */
const PAID_STEPS = 200;
/** Steps of compiling an expression of the largest size, which cannot be divided. */
const COMPILE_STEPS = PART_STEPS_MAX;

/** One context's channels. */
interface Context {
  readonly byName: Map<string, Channel>;
  readonly names: SortedNames;
}

/** Names that a search covers. */
interface Names {
  readonly context: Context;
  readonly expression: Expression | null;
  readonly sorted: readonly string[];
  readonly ranges: readonly Range[];
}

/** The channels of one instance. */
export class Catalog {
  /** Channels that publishers claim and that are not served. */
  readonly refused: RefusedChannels = new RefusedChannels();
  /** Units and descriptions of channels. Ask for those of channels that the caller may find. */
  readonly notes: ChannelNotes;
  readonly #contexts = new Map<string | null, Context>();
  readonly #listeners = new Set<CatalogListener>();
  readonly #expressions = new ExpressionCache();

  /** `notes`: those of another catalog. @default notes of its own: none, until a file is read */
  constructor(notes: ChannelNotes = new ChannelNotes()) {
    this.notes = notes;
  }

  /**
   * Adds or replaces a channel; an equal one changes nothing. Throws if the channel breaks a limit. Channels from
   * outside pass ChannelAdmission, which returns the reason instead.
   */
  set(channel: Channel): void {
    const { name, replayId } = channel;
    const fault = channelFault(channel);
    if (fault) throw new RangeError(`Cannot set a channel: ${fault.detail}`);
    const context = this.#context(replayId);
    const before = context.byName.get(name);
    if (before && isSameChannel(before, channel)) {
      return this.setNote(before, channel.note ?? null);
    }
    context.byName.set(name, channel);
    if (!before) context.names.touch(name);
    for (const inform of this.#listeners) {
      inform(name, replayId, before, channel);
    }
  }

  /** Removes a channel; an unknown name changes nothing. */
  remove(name: string, replayId: string | null): void {
    const context = this.#contexts.get(replayId);
    const before = context?.byName.get(name);
    if (!context || !before) return;
    context.byName.delete(name);
    context.names.touch(name);
    if (context.byName.size === 0) this.#contexts.delete(replayId);
    for (const inform of this.#listeners) {
      inform(name, replayId, before, undefined);
    }
  }

  /** Says what another instance has noted about a channel, which stays the same object. */
  setNote(channel: Channel, note: ChannelNote | null): void {
    if (isSameNote(channel.note ?? null, note)) return;
    channel.note = note;
    this.notes.changedAtSource();
    this.noteChanged(channel);
  }

  /** Informs of a note that has changed, if the channel is here. */
  noteChanged(channel: Channel): void {
    const { name, replayId } = channel;
    if (this.get(name, replayId) !== channel) return;
    for (const inform of this.#listeners) {
      inform(name, replayId, channel, channel);
    }
  }

  /** The channel of a name, live (null) or of a replay; undefined where there is none. */
  get(name: string, replayId: string | null): Channel | undefined {
    return this.#contexts.get(replayId)?.byName.get(name);
  }

  /** Matching channels, sorted by name. Throws {@linkcode BadExpressionError}. */
  find(filter: ChannelFilter): readonly Channel[] {
    return finish(this.search(filter)).channels;
  }

  /** The number of matching channels. Throws {@linkcode BadExpressionError}. */
  count(filter: ChannelFilter): number {
    return finish(this.counting(filter));
  }

  /** The names most similar to an unknown one. */
  near(name: string, replayId: string | null, limit: number = 3): string[] {
    return finish(this.nearing(name, replayId, limit));
  }

  /** {@linkcode find} in slices, a page of it. It stops after the first channel of the next page. */
  *search(filter: ChannelFilter, page: Page = {}): SlicedWork<Found> {
    const { after, limit = Infinity } = page;
    const channels: Channel[] = [];
    let next: string | null = null;
    const names = yield* this.#names(filter);
    yield* this.#each(names, filter, after, (channel) => {
      if (channels.length < limit) return channels.push(channel) > 0;
      next = channels.at(-1)!.name;
      return false;
    });
    return { channels, next };
  }

  /** {@linkcode count} in slices. */
  *counting(filter: ChannelFilter): SlicedWork<number> {
    const { match: _, replayId: __, ...others } = filter;
    const names = yield* this.#names(filter);
    if (names === null) return 0;
    let count = 0;
    const isAll = Object.values(others).every((value) => value === undefined);
    if (isAll && (names.expression?.isPrefixOnly ?? true)) {
      for (const { from, to } of names.ranges) count += to - from;
      return count;
    }
    yield* this.#each(names, filter, undefined, () => ++count > 0);
    return count;
  }

  /** {@linkcode near} in slices. */
  *nearing(
    name: string,
    replayId: string | null,
    limit: number = 3,
  ): SlicedWork<string[]> {
    const context = this.#contexts.get(replayId);
    if (!context) return [];
    const sorted = yield* context.names.sorted();
    return yield* nearNames(sorted, name, limit);
  }

  /** The names that contain all channels of a filter; null if its context has none. */
  *#names({ match, replayId = null }: ChannelFilter): SlicedWork<Names | null> {
    if (match !== undefined && !this.#expressions.has(match)) {
      yield COMPILE_STEPS;
    }
    const expression = match === undefined
      ? null
      : this.#expressions.get(match);
    const context = this.#contexts.get(replayId);
    if (!context) return null;
    const sorted = yield* context.names.sorted();
    const ranges = yield* rangesOf(sorted, expression?.prefixes ?? [""]);
    return { context, expression, sorted, ranges };
  }

  /** Calls `take` with each channel that passes the filter, in order, until it returns false. */
  *#each(
    names: Names | null,
    filter: ChannelFilter,
    after: string | undefined,
    take: (channel: Channel) => boolean,
  ): SlicedWork<void> {
    if (names === null) return;
    const { context, expression, sorted, ranges } = names;
    const passes = passing(filter);
    const first = after === undefined ? 0 : lowerBound(sorted, after);
    // Counted before it is done, for many names together: a part for each name would cost more than the name itself.
    let paid = 0;
    for (const { from, to } of ranges) {
      for (let i = Math.max(from, first); i < to; i++) {
        const name = sorted[i]!;
        const steps = LOOK_STEPS + (expression?.stepsOf(name) ?? 0);
        if (paid < steps) {
          paid = Math.max(steps, PAID_STEPS);
          yield paid;
        }
        paid -= steps;
        const channel = context.byName.get(name);
        if (!channel || name === after || !passes(channel)) continue;
        if (expression && !expression.matchesBehindPrefix(name)) continue;
        if (!take(channel)) return;
      }
    }
  }

  /** Number of channels, of all contexts. */
  get size(): number {
    let size = 0;
    for (const { byName } of this.#contexts.values()) size += byName.size;
    return size;
  }

  /** All channels of all contexts, in no order. Channels may be added and removed while it runs. */
  *channels(): IterableIterator<Channel> {
    for (const { byName } of this.#contexts.values()) yield* byName.values();
  }

  /**
   * Calls `take` with the channels of all contexts whose names begin with one of `prefixes`. `stepsOf` is what `take`
   * costs. Leaves out channels that are added while it runs.
   */
  *withPrefixes(
    prefixes: readonly string[],
    stepsOf: (channel: Channel) => number,
    take: (channel: Channel) => void,
  ): SlicedWork<void> {
    let paid = 0;
    for (const { byName, names } of [...this.#contexts.values()]) {
      const sorted = yield* names.sorted();
      for (const { from, to } of yield* rangesOf(sorted, prefixes)) {
        for (let i = from; i < to; i++) {
          const channel = byName.get(sorted[i]!);
          if (!channel) continue;
          const steps = Math.min(1 + stepsOf(channel), PART_STEPS_MAX);
          if (paid < steps) {
            paid = Math.max(steps, PAID_STEPS);
            yield paid;
          }
          paid -= steps;
          if (byName.get(channel.name) === channel) take(channel);
        }
      }
    }
  }

  /** Whether a context has channels. */
  hasContext(replayId: string | null): boolean {
    return this.#contexts.has(replayId);
  }

  /** Channels of a context. */
  sizeOf(replayId: string | null): number {
    return this.#contexts.get(replayId)?.byName.size ?? 0;
  }

  /** The contexts that have channels, in no order; null is the live one. Contexts may come and go while it runs. */
  contexts(): MapIterator<string | null> {
    return this.#contexts.keys();
  }

  /** The first `limit` replay contexts that came and have channels, sorted; it looks at no others. */
  replayIds(limit: number): string[] {
    return [...this.contexts().filter((id) => id !== null).take(limit)].sort();
  }

  /** Calls `listener` on every change until the returned function is called. */
  onChange(listener: CatalogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #context(replayId: string | null): Context {
    let context = this.#contexts.get(replayId);
    if (!context) {
      const byName = new Map<string, Channel>();
      context = { byName, names: new SortedNames(byName) };
      this.#contexts.set(replayId, context);
    }
    return context;
  }
}
