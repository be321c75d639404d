// Which channels are to be found, the part of them that is returned, and whether a channel is one of them.
import type { Channel, DataType } from "./channel.ts";

/** The channels to find; an absent field does not restrict the result. */
export interface ChannelFilter {
  /** RE2 expression, anchored at the start of the name as Python's `re.match` is. */
  readonly match?: string | undefined;
  /** Types of samples, of which any passes. */
  readonly types?: readonly DataType[] | undefined;
  /** Least rate, Hz, inclusive. */
  readonly minRate?: number | undefined;
  /** Largest rate, Hz, inclusive. */
  readonly maxRate?: number | undefined;
  /** Publishers, of which any passes. */
  readonly publishers?: readonly string[] | undefined;
  /** Replay context. @default null, the live context */
  readonly replayId?: string | null | undefined;
}

/** The part of the result to return. */
export interface Page {
  /** Only names after this one. */
  readonly after?: string | undefined;
  /** Most channels. @default all */
  readonly limit?: number;
}

/** A part of the result, sorted by name. */
export interface Found {
  /** Sorted by name. */
  readonly channels: readonly Channel[];
  /** `after` of the next page; null on the last. */
  readonly next: string | null;
}

/** Whether a channel passes a filter, without its expression. */
export function passing(filter: ChannelFilter): (channel: Channel) => boolean {
  const { minRate = -Infinity, maxRate = Infinity } = filter;
  const types = filter.types && new Set(filter.types);
  const publishers = filter.publishers && new Set(filter.publishers);
  return ({ dataType, sampleRate, publisher }) =>
    sampleRate >= minRate && sampleRate <= maxRate &&
    (types === undefined || types.has(dataType)) &&
    (publishers === undefined || publishers.has(publisher));
}
