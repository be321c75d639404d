// The channels of one topic: what they have in common, who has which index, and who waits for either.
// Invariant: all members have one shape, and each an index of its own.
import { type Channel, topicOf } from "./channel.ts";
import type { ChannelFault } from "./channel_fault.ts";

/** What one publisher says a channel is. */
export interface Claim {
  /** Whose metadata it stands in. */
  readonly publisher: string;
  readonly channel: Channel;
  readonly topic: string;
  readonly shape: string;
  readonly slot: NameSlot;
  /** When it was written, Unix ms, and its number among all that were read. */
  atMs: number;
  order: number;
  /** Its publisher has written something else since. */
  isWithdrawn: boolean;
  /** It has an index of its topic. */
  isMember: boolean;
}

/** One name of one context, and all who claim it. */
export interface NameSlot {
  readonly key: string;
  /** The newest first. */
  readonly claims: Claim[];
  /** What the catalog has. */
  entry: Claim | null;
}

/** What all channels of a topic must have in common. Its ids, too: different ones can come to the same topic. */
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

/** A claim without its place among others. */
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
  /** Members whose claim stands. */
  #current = 0;
  /** By shape and index; those that have waited longest come first. */
  readonly #waiting = new Map<string, Map<number, Set<Claim>>>();

  get isEmpty(): boolean {
    return this.#byIndex.size === 0 && this.#waiting.size === 0;
  }

  /** Why a claim cannot be a member now; null when it can. Members whose claims were withdrawn stand in nobody's way. */
  conflictOf({ shape, topic, channel, slot }: Claim): ChannelFault | null {
    const own = slot.entry;
    const isOwn = own !== null && own.isMember && !own.isWithdrawn &&
      own.topic === topic;
    const others = this.#current - (isOwn ? 1 : 0);
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

  /** Makes a claim without conflict a member. Returns those that had to leave for it. */
  join(claim: Claim): Claim[] {
    const { partitionIndex } = claim.channel;
    let left: Claim[] = [];
    if (claim.shape !== this.#shape) {
      left = [...this.#byIndex.values()];
      this.#shape = claim.shape;
    } else {
      const other = this.#byIndex.get(partitionIndex);
      if (other) left = [other];
    }
    for (const other of left) this.leave(other);
    this.#byIndex.set(partitionIndex, claim);
    claim.isMember = true;
    this.#current++;
    return left;
  }

  leave(claim: Claim): void {
    if (!claim.isMember) return;
    claim.isMember = false;
    this.#byIndex.delete(claim.channel.partitionIndex);
    if (!claim.isWithdrawn) this.#current--;
  }

  /** Its publisher has written something else. A member stays one until somebody else wants its place. */
  withdraw(claim: Claim): void {
    if (claim.isMember && !claim.isWithdrawn) this.#current--;
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

  /** Claims to be looked at, now that an index is free: at most one an index, whatever number waits. */
  candidates(freeIndex: number): Claim[] {
    if (this.#current > 0) {
      const claims = this.#waiting.get(this.#shape)?.get(freeIndex);
      return claims ? firstOf(claims) : [];
    }
    // Nobody keeps the shape: those who have waited longest bring theirs.
    for (const byIndex of this.#waiting.values()) {
      return [...byIndex.values()].flatMap(firstOf);
    }
    return [];
  }
}

function firstOf(claims: ReadonlySet<Claim>): Claim[] {
  for (const claim of claims) return [claim];
  return [];
}
