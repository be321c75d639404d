// The channels of one topic: their common shape, the index of each, and the claims that wait for a shape or an index.
// Invariant: all members have the same shape and different indexes.
import { type Channel, topicOf } from "./channel.ts";
import type { ChannelFault } from "./channel_fault.ts";

/** One publisher's description of a channel. */
export interface Claim {
  /** The publisher whose metadata contains it. */
  readonly publisher: string;
  readonly channel: Channel;
  readonly topic: string;
  readonly shape: string;
  readonly slot: NameSlot;
  /** The time of the record, Unix ms, and its number among all records. */
  atMs: number;
  order: number;
  /** Its publisher has replaced it since. */
  isWithdrawn: boolean;
  /** It has an index of its topic. */
  isMember: boolean;
}

/** One name of one context, with all claims to it. */
export interface NameSlot {
  readonly key: string;
  /** The newest first. */
  readonly claims: Claim[];
  /** The claim that is in the catalog. */
  entry: Claim | null;
}

/** The properties that all channels of a topic must share, including its ids: different ids can give the same topic. */
function shapeOf(channel: Channel): string {
  const { partitionId, replayId, dataType, strideNs, maxLatencyNs } = channel;
  const numbers = [String(strideNs), String(maxLatencyNs)];
  return JSON.stringify([partitionId, replayId, dataType, ...numbers]);
}

function wordsOf(shape: string): string {
  const [partitionId, replayId, dataType, stride, latency] = JSON.parse(shape);
  return `partition_id ${partitionId}, replay_id ${replayId}, data_type ` +
    `${dataType}, stride ${stride} ns and max_latency ${latency} ns`;
}

/** A claim without its relation to others. */
export function newClaim(
  publisher: string,
  channel: Channel,
  slot: NameSlot,
): Claim {
  return {
    publisher,
    channel,
    topic: topicOf(channel),
    shape: shapeOf(channel),
    slot,
    atMs: 0,
    order: 0,
    isWithdrawn: false,
    isMember: false,
  };
}

/** Members of one topic, and claims that conflict with them. */
export class PartitionMembers {
  #shape = "";
  readonly #byIndex = new Map<number, Claim>();
  /** Members whose claim was not withdrawn. */
  readonly #current = new Set<Claim>();
  /** By shape and index, the longest waiting first. */
  readonly #waiting = new Map<string, Map<number, Set<Claim>>>();

  get isEmpty(): boolean {
    return this.#byIndex.size === 0 && this.#waiting.size === 0;
  }

  /** Why a claim cannot be a member now; null if it can. Members whose claims were withdrawn block no other claim. */
  conflictOf({ shape, channel, slot }: Claim): ChannelFault | null {
    const isOwn = slot.entry !== null && this.#current.has(slot.entry);
    const others = this.#current.size - (isOwn ? 1 : 0);
    if (shape !== this.#shape) {
      if (others === 0) return null;
      return {
        reason: "partition-conflict",
        detail: `its topic has ${others} other channel${
          others === 1 ? "" : "s"
        } of ${wordsOf(this.#shape)}; it has ${wordsOf(shape)}`,
      };
    }
    const { partitionIndex, partitionId } = channel;
    const other = this.#byIndex.get(partitionIndex);
    if (!other || other.slot === slot || other.isWithdrawn) return null;
    return {
      reason: "index-conflict",
      detail:
        `partition_index ${partitionIndex} of ${partitionId} belongs to ${other.channel.name}`,
    };
  }

  /** Makes a claim without conflict a member. Returns the claims to check: those it replaced, and those that fit now. */
  join(claim: Claim): Claim[] {
    const { partitionIndex } = claim.channel;
    let left: Claim[] = [];
    let fitting: Claim[] = [];
    if (claim.shape !== this.#shape) {
      left = [...this.#byIndex.values()];
      this.#shape = claim.shape;
      fitting = firsts(this.#waiting.get(claim.shape));
    } else {
      const other = this.#byIndex.get(partitionIndex);
      if (other) left = [other];
    }
    for (const other of left) this.leave(other);
    this.#byIndex.set(partitionIndex, claim);
    claim.isMember = true;
    this.#current.add(claim);
    return [...left, ...fitting];
  }

  leave(claim: Claim): void {
    if (!claim.isMember) return;
    claim.isMember = false;
    this.#byIndex.delete(claim.channel.partitionIndex);
    this.#current.delete(claim);
  }

  /** Withdraws a claim that its publisher has replaced. A member stays one until another claim needs its index. */
  withdraw(claim: Claim): void {
    this.#current.delete(claim);
    claim.isWithdrawn = true;
  }

  wait(claim: Claim): void {
    const { shape, channel: { partitionIndex } } = claim;
    let byIndex = this.#waiting.get(shape);
    if (!byIndex) this.#waiting.set(shape, byIndex = new Map());
    const claims = byIndex.get(partitionIndex);
    if (claims) claims.add(claim);
    else byIndex.set(partitionIndex, new Set([claim]));
  }

  /** Whether it was waiting. */
  waitNoMore(claim: Claim): boolean {
    const { shape, channel: { partitionIndex } } = claim;
    const byIndex = this.#waiting.get(shape);
    const claims = byIndex?.get(partitionIndex);
    if (!byIndex || !claims?.delete(claim)) return false;
    if (claims.size === 0) byIndex.delete(partitionIndex);
    if (byIndex.size === 0) this.#waiting.delete(shape);
    return true;
  }

  /** The claims to check after an index was freed: at most one for each index, however many wait. */
  candidates(freeIndex: number): Claim[] {
    if (this.#current.size > 0) {
      const claims = this.#waiting.get(this.#shape)?.get(freeIndex);
      const next = claims ? firstOf(claims) : [];
      // The last member may have a newer claim to its name with another shape, which now has no conflict.
      return this.#current.size === 1
        ? [...next, ...firstOf(this.#current)]
        : next;
    }
    // No member determines the shape any more: the longest waiting claim does.
    for (const byIndex of this.#waiting.values()) return firsts(byIndex);
    return [];
  }
}

/** The longest waiting claim at each index. */
function firsts(
  byIndex: ReadonlyMap<number, ReadonlySet<Claim>> | undefined,
): Claim[] {
  return byIndex ? [...byIndex.values()].flatMap(firstOf) : [];
}

function firstOf(claims: ReadonlySet<Claim>): Claim[] {
  for (const claim of claims) return [claim];
  return [];
}
