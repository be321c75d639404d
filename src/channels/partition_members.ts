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
  readonly #current = new Set<Claim>();
  /** By shape and index; those that have waited longest come first. */
  readonly #waiting = new Map<string, Map<number, Set<Claim>>>();

  get isEmpty(): boolean {
    return this.#byIndex.size === 0 && this.#waiting.size === 0;
  }

  /** Why a claim cannot be a member now; null when it can. Members whose claims were withdrawn stand in nobody's way. */
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

  /** Makes a claim without conflict a member. Returns what is to be looked at: who had to leave, who fits now. */
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

  /** Its publisher has written something else. A member stays one until somebody else wants its place. */
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

  /** Claims to be looked at, now that an index is free: at most one an index, whatever number waits. */
  candidates(freeIndex: number): Claim[] {
    if (this.#current.size > 0) {
      const claims = this.#waiting.get(this.#shape)?.get(freeIndex);
      const next = claims ? firstOf(claims) : [];
      // The only member left may have a newer claim to its name, of another shape: nothing is in that one's way now.
      return this.#current.size === 1
        ? [...next, ...firstOf(this.#current)]
        : next;
    }
    // Nobody keeps the shape: those who have waited longest bring theirs.
    for (const byIndex of this.#waiting.values()) return firsts(byIndex);
    return [];
  }
}

/** Who has waited longest at each index. */
function firsts(
  byIndex: ReadonlyMap<number, ReadonlySet<Claim>> | undefined,
): Claim[] {
  return byIndex ? [...byIndex.values()].flatMap(firstOf) : [];
}

function firstOf(claims: ReadonlySet<Claim>): Claim[] {
  for (const claim of claims) return [claim];
  return [];
}
