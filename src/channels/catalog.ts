// All known channels by context and name: find, count, near matches, changes.
// Invariant: a name is unique within its context (live, or one replay); listeners hear of every change.
import { RE2JS, RE2JSSyntaxException } from "re2js";
import type { Channel, DataType } from "./channel.ts";

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

/** An expression that is no RE2 expression. */
export class BadExpressionError extends Error {
  override name = "BadExpressionError";
  /** Where in the expression the trouble begins; −1 when the engine does not tell. */
  readonly index: number;

  constructor(message: string, index: number) {
    super(message);
    this.index = index;
  }
}

/** Hears of a channel that appeared (`before` undefined), changed, or went (`after` undefined). */
export type CatalogListener = (
  name: string,
  replayId: string | null,
  before: Channel | undefined,
  after: Channel | undefined,
) => void;

export const EXPRESSION_LENGTH_MAX = 4096;

/** One context's channels. */
interface Context {
  readonly byName: Map<string, Channel>;
  /** Sorted names; null after a change. */
  sorted: string[] | null;
}

/** The channels of one instance. */
export class Catalog {
  readonly #contexts = new Map<string | null, Context>();
  readonly #listeners = new Set<CatalogListener>();

  /** Adds or replaces; an equal channel changes nothing. */
  set(channel: Channel): void {
    const { name, replayId } = channel;
    const context = this.#context(replayId);
    const before = context.byName.get(name);
    if (before && equal(before, channel)) return;
    if (!before) context.sorted = null;
    context.byName.set(name, channel);
    for (const tell of this.#listeners) tell(name, replayId, before, channel);
  }

  /** Removes; an unknown name changes nothing. */
  remove(name: string, replayId: string | null): void {
    const context = this.#contexts.get(replayId);
    const before = context?.byName.get(name);
    if (!context || !before) return;
    context.byName.delete(name);
    context.sorted = null;
    if (context.byName.size === 0) this.#contexts.delete(replayId);
    for (const tell of this.#listeners) {
      tell(name, replayId, before, undefined);
    }
  }

  get(name: string, replayId: string | null): Channel | undefined {
    return this.#contexts.get(replayId)?.byName.get(name);
  }

  /** Matching channels, sorted by name. Throws {@linkcode BadExpressionError}. */
  find(filter: ChannelFilter): Channel[] {
    const context = this.#contexts.get(filter.replayId ?? null);
    const matches = nameMatcher(filter.match);
    if (!context) return [];
    context.sorted ??= [...context.byName.keys()].sort();
    const found: Channel[] = [];
    for (const name of context.sorted) {
      const channel = context.byName.get(name)!;
      if (passes(channel, filter) && matches(name)) found.push(channel);
    }
    return found;
  }

  count(filter: ChannelFilter): number {
    return this.find(filter).length;
  }

  /** Names most like an unknown one: those that share the longest beginning, then the smallest change. */
  near(name: string, replayId: string | null, limit: number = 3): string[] {
    const context = this.#contexts.get(replayId);
    if (!context) return [];
    context.sorted ??= [...context.byName.keys()].sort();
    const candidates = closest(context.sorted, name, 200);
    return candidates
      .map((other) => ({ other, distance: distance(name, other) }))
      .filter(({ distance }) => distance <= Math.max(3, name.length / 2))
      .sort((a, b) => a.distance - b.distance || (a.other < b.other ? -1 : 1))
      .slice(0, limit)
      .map(({ other }) => other);
  }

  get size(): number {
    let size = 0;
    for (const { byName } of this.#contexts.values()) size += byName.size;
    return size;
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
      context = { byName: new Map(), sorted: null };
      this.#contexts.set(replayId, context);
    }
    return context;
  }
}

function equal(a: Channel, b: Channel): boolean {
  return a.dataType === b.dataType && a.sampleRate === b.sampleRate &&
    a.publisher === b.publisher && a.partitionId === b.partitionId &&
    a.partitionIndex === b.partitionIndex && a.strideNs === b.strideNs &&
    a.maxLatencyNs === b.maxLatencyNs;
}

function passes(channel: Channel, filter: ChannelFilter): boolean {
  const { types, minRate, maxRate, publishers } = filter;
  if (types && !types.includes(channel.dataType)) return false;
  if (minRate !== undefined && channel.sampleRate < minRate) return false;
  if (maxRate !== undefined && channel.sampleRate > maxRate) return false;
  return !publishers || publishers.includes(channel.publisher);
}

/** Tells whether names match an expression; all do where there is none. Throws {@linkcode BadExpressionError}. */
export function nameMatcher(
  match: string | undefined,
): (name: string) => boolean {
  if (match === undefined) return () => true;
  if (match.length > EXPRESSION_LENGTH_MAX) {
    throw new BadExpressionError(
      `it has ${match.length} characters, at most ${EXPRESSION_LENGTH_MAX} are allowed`,
      EXPRESSION_LENGTH_MAX,
    );
  }
  try {
    const pattern = RE2JS.compile(match);
    return (name) => pattern.matcher(name).lookingAt();
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const part = error.getPattern();
    throw new BadExpressionError(
      part ? `${error.getDescription()}: ${part}` : error.getDescription(),
      part ? match.indexOf(part) : -1,
    );
  }
}

/** Up to `count` names around where `name` would stand, which share the longest beginnings with it. */
function closest(sorted: readonly string[], name: string, count: number) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < name) low = middle + 1;
    else high = middle;
  }
  const from = Math.max(0, low - count / 2);
  return sorted.slice(from, from + count);
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(
        next[j - 1]! + 1,
        row[j]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      ));
    }
    row = next;
  }
  return row[b.length]!;
}
