// All known channels by context and name: find, count, near matches, changes.
// Invariant: a name is unique within its context (live, or one replay); listeners hear of every change.
import { type Channel, type DataType, isSameChannel } from "./channel.ts";
import { channelFault } from "./channel_fault.ts";
import { Expression, ExpressionCache } from "./expression.ts";
import { lowerBound, nearNames } from "./near_names.ts";
import { RefusedChannels } from "./refused_channels.ts";
import { SortedNames } from "./sorted_names.ts";
import { finish, PART_STEPS_MAX, type Work } from "./work.ts";

/** What to look for; an absent field does not restrict. */
export interface ChannelFilter {
  /** RE2 expression, anchored at the start of the name as Python's `re.match` is. */
  readonly match?: string | undefined;
  readonly types?: readonly DataType[] | undefined;
  /** Hz, inclusive. */
  readonly minRate?: number | undefined;
  readonly maxRate?: number | undefined;
  readonly publishers?: readonly string[] | undefined;
  /** @default null, the live context */
  readonly replayId?: string | null | undefined;
}

/** Which part of what is found. */
export interface Page {
  /** Names behind this one only. */
  readonly after?: string | undefined;
  /** @default all */
  readonly limit?: number;
}

/** A part of what was looked for, sorted by name. */
export interface Found {
  readonly channels: readonly Channel[];
  /** `after` of the next page; null on the last. */
  readonly next: string | null;
}

/** Hears of a channel that appeared (`before` undefined), changed, or went (`after` undefined). */
export type CatalogListener = (
  name: string,
  replayId: string | null,
  before: Channel | undefined,
  after: Channel | undefined,
) => void;

/** Channels that are looked at in one part of a search, where no expression is matched. */
const LOOKED_AT = 64;
/** Steps of looking at that many. */
const LOOK_STEPS = 16;
/** Steps of finding one beginning among the sorted names. */
const BISECT_STEPS = 3;
/** Steps of compiling an expression of the largest size, which cannot be sliced. */
const COMPILE_STEPS = PART_STEPS_MAX;

/** One context's channels. */
interface Context {
  readonly byName: Map<string, Channel>;
  readonly names: SortedNames;
}

/** The channels of one instance. */
export class Catalog {
  /** What publishers claim, and is not here. */
  readonly refused = new RefusedChannels();
  readonly #contexts = new Map<string | null, Context>();
  readonly #listeners = new Set<CatalogListener>();
  readonly #expressions = new ExpressionCache();

  /**
   * Adds or replaces; an equal channel changes nothing. Throws when the channel breaks a limit: what comes from
   * outside goes through ChannelAdmission, which says so instead.
   */
  set(channel: Channel): void {
    const { name, replayId } = channel;
    const fault = channelFault(channel);
    if (fault) throw new RangeError(`Cannot set a channel: ${fault.detail}`);
    const context = this.#context(replayId);
    const before = context.byName.get(name);
    if (before && isSameChannel(before, channel)) return;
    context.byName.set(name, channel);
    if (!before) context.names.touch(name);
    for (const tell of this.#listeners) tell(name, replayId, before, channel);
  }

  /** Removes; an unknown name changes nothing. */
  remove(name: string, replayId: string | null): void {
    const context = this.#contexts.get(replayId);
    const before = context?.byName.get(name);
    if (!context || !before) return;
    context.byName.delete(name);
    context.names.touch(name);
    if (context.byName.size === 0) this.#contexts.delete(replayId);
    for (const tell of this.#listeners) {
      tell(name, replayId, before, undefined);
    }
  }

  get(name: string, replayId: string | null): Channel | undefined {
    return this.#contexts.get(replayId)?.byName.get(name);
  }

  /** Matching channels, sorted by name. Throws {@linkcode BadExpressionError}. */
  find(filter: ChannelFilter): readonly Channel[] {
    return finish(this.search(filter)).channels;
  }

  /** How many match. Throws {@linkcode BadExpressionError}. */
  count(filter: ChannelFilter): number {
    return finish(this.counting(filter));
  }

  /** Names most like an unknown one. */
  near(name: string, replayId: string | null, limit: number = 3): string[] {
    return finish(this.nearing(name, replayId, limit));
  }

  /** {@linkcode find} in slices, a page of it. It stops behind the first channel of the next page. */
  *search(filter: ChannelFilter, page: Page = {}): Work<Found> {
    const { after, limit = Infinity } = page;
    const channels: Channel[] = [];
    for (const part of this.#matching(filter, after)) {
      if (typeof part === "number") {
        yield part;
        continue;
      }
      if (channels.length === limit) {
        return { channels, next: channels.at(-1)!.name };
      }
      channels.push(part);
    }
    return { channels, next: null };
  }

  /** {@linkcode count} in slices. */
  *counting(filter: ChannelFilter): Work<number> {
    let count = 0;
    for (const part of this.#matching(filter, undefined)) {
      if (typeof part === "number") yield part;
      else count++;
    }
    return count;
  }

  /** {@linkcode near} in slices. */
  *nearing(
    name: string,
    replayId: string | null,
    limit: number = 3,
  ): Work<string[]> {
    const context = this.#contexts.get(replayId);
    if (!context) return [];
    const sorted = yield* context.names.sorted();
    return yield* nearNames(sorted, name, limit);
  }

  /** The channels that match, sorted, and between them what the search costs. */
  *#matching(
    filter: ChannelFilter,
    after: string | undefined,
  ): Generator<number | Channel, void, undefined> {
    const { match } = filter;
    if (match !== undefined && !this.#expressions.has(match)) {
      yield COMPILE_STEPS;
    }
    const expression = match === undefined
      ? null
      : this.#expressions.get(match);
    const context = this.#contexts.get(filter.replayId ?? null);
    if (!context) return;
    const passes = passing(filter);
    const sorted = yield* context.names.sorted();
    const ranges = yield* rangesOf(sorted, expression?.prefixes ?? [""]);
    const from = after === undefined ? 0 : lowerBound(sorted, after);
    let lookedAt = 0;
    for (const range of ranges) {
      for (let i = Math.max(range.from, from); i < range.to; i++) {
        if (lookedAt++ % LOOKED_AT === 0) yield LOOK_STEPS;
        const name = sorted[i]!;
        const channel = context.byName.get(name);
        if (!channel || name === after || !passes(channel)) continue;
        if (expression && !expression.isPrefixOnly) {
          yield expression.stepsOf(name);
          if (!expression.matchesBehindPrefix(name)) continue;
        }
        yield channel;
      }
    }
  }

  get size(): number {
    let size = 0;
    for (const { byName } of this.#contexts.values()) size += byName.size;
    return size;
  }

  /** Whether a context has channels. */
  hasContext(replayId: string | null): boolean {
    return this.#contexts.has(replayId);
  }

  /** Replay contexts that have channels, sorted. */
  replayIds(): string[] {
    return [...this.#contexts.keys()].filter((id) => id !== null).sort();
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

/** Whether a channel passes all of a filter but its expression. */
function passing(filter: ChannelFilter): (channel: Channel) => boolean {
  const { minRate = -Infinity, maxRate = Infinity } = filter;
  const types = filter.types && new Set(filter.types);
  const publishers = filter.publishers && new Set(filter.publishers);
  return ({ dataType, sampleRate, publisher }) =>
    sampleRate >= minRate && sampleRate <= maxRate &&
    (types === undefined || types.has(dataType)) &&
    (publishers === undefined || publishers.has(publisher));
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where in sorted names those stand that begin with one of `prefixes`, in order and without overlap. */
function* rangesOf(
  sorted: readonly string[],
  prefixes: readonly string[],
): Work<readonly Range[]> {
  const found: Range[] = [];
  for (const prefix of prefixes) {
    yield BISECT_STEPS;
    const from = lowerBound(sorted, prefix);
    const to = from + prefixed(sorted, from, prefix);
    if (to > from) found.push({ from, to });
  }
  found.sort((a, b) => a.from - b.from || b.to - a.to);
  // Of two beginnings one holds the other whole, or they have nothing in common.
  let end = -1;
  return found.filter(({ from, to }) => {
    const isNew = from >= end;
    if (isNew) end = to;
    return isNew;
  });
}

/** How many of sorted names begin with `prefix`, from the first that does. */
function prefixed(
  sorted: readonly string[],
  from: number,
  prefix: string,
): number {
  let low = from;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.startsWith(prefix)) low = middle + 1;
    else high = middle;
  }
  return low - from;
}

/** Tells whether names match an expression; all do where there is none. Throws {@linkcode BadExpressionError}. */
export function nameMatcher(
  match: string | undefined,
): (name: string) => boolean {
  if (match === undefined) return () => true;
  const expression = new Expression(match);
  return (name) => expression.matches(name);
}
