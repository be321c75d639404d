// All channels from outside enter the catalog here: a channel is admitted, or refused with a reason.
// Invariant: all channels of a topic agree in type, stride and latency and have different indexes. A refused record
// changes nothing in the catalog; a channel that conflicts with others is admitted as soon as they are removed.
import type { Logger } from "../telemetry/log.ts";
import type { Catalog } from "./catalog.ts";
import { type Channel, isSameChannel } from "./channel.ts";
import { type ChannelFault, channelFault } from "./channel_fault.ts";
import type { FaultNow } from "./refused_channels.ts";
import { shownText } from "./channel_text.ts";
import {
  type Claim,
  type NameSlot,
  newClaim,
  PartitionMembers,
} from "./partition_members.ts";

/** What admitting channels needs. */
export interface ChannelAdmissionOptions {
  /** Gets the channels that are admitted. */
  readonly catalog: Catalog;
  /** Gets refusals. @default silent */
  readonly log?: Pick<Logger, "warn">;
  /** Most channels, including those that wait. @default 1,000,000 */
  readonly claimsMax?: number;
}

const CLAIMS_MAX = 1_000_000;
/** Most of them that one publisher may have, percent of what the others leave: each new one still gets some. */
const SHARE_PERCENT = 90;
/** Most pairs of publisher and reason that are logged. */
const LOGGED_MAX = 1000;

/** Admits the channels of all publishers. A publisher is a program with its own metadata topic. */
export class ChannelAdmission {
  readonly #catalog: Catalog;
  readonly #log: Pick<Logger, "warn"> | undefined;
  readonly #claimsMax: number;
  /** The present claims of each publisher, by name. */
  readonly #publishers = new Map<string, Map<string, Claim>>();
  readonly #slots = new Map<string, NameSlot>();
  readonly #topics = new Map<string, PartitionMembers>();
  /** Claims that are not in the catalog, with the reason. */
  readonly #refused = new Map<Claim, ChannelFault>();
  readonly #logged = new Set<string>();
  /** Names to check again: the channel that they conflicted with may be removed. */
  readonly #due = new Set<NameSlot>();
  /** Topics that may have no claims any more. */
  readonly #left = new Set<string>();
  #count = 0;
  #order = 0;

  /** Puts channels into `options.catalog`. */
  constructor(options: ChannelAdmissionOptions) {
    this.#catalog = options.catalog;
    this.#log = options.log;
    this.#claimsMax = options.claimsMax ?? CLAIMS_MAX;
  }

  /** Channels that are kept, including those that wait. */
  get claimCount(): number {
    return this.#count;
  }

  /** Topics with at least one claim. */
  get topicCount(): number {
    return this.#topics.size;
  }

  /**
   * Sets a publisher's description of a channel and replaces its earlier one. `atMs` is the time of the record, Unix
   * ms: if two publishers claim a name, the newer record counts. Returns null if the channel is now in the catalog.
   */
  put(publisher: string, channel: Channel, atMs = 0): ChannelFault | null {
    const { name } = channel;
    const before = this.#publishers.get(publisher)?.get(name);
    const fault = channelFault(channel) ??
      (before ? null : this.#tooMany(publisher));
    if (fault) {
      this.refuse(publisher, name, fault);
      return fault;
    }
    const isSame = before !== undefined &&
      isSameChannel(before.channel, channel);
    if (isSame) {
      remove(before.slot.claims, before);
      this.#catalog.setNote(before.channel, channel.note ?? null);
    } else if (before) this.#withdraw(before);
    const claim = isSame
      ? before
      : newClaim(publisher, channel, this.#slotOf(channel));
    claim.atMs = atMs;
    claim.order = ++this.#order;
    this.#acquit(claim);
    this.#catalog.refused.forget(publisher, name);
    this.#enlist(claim);
    this.#due.add(claim.slot);
    this.#reviewDue();
    return this.#refused.get(claim) ?? null;
  }

  /** Removes a publisher's claim to a channel; `topic`: unless the claim is to one of another topic. */
  remove(publisher: string, name: string, topic?: string): void {
    const claim = this.#publishers.get(publisher)?.get(name);
    if (claim && topic !== undefined && claim.topic !== topic) return;
    this.#catalog.refused.forget(shownText(publisher), shownText(name));
    if (!claim) return;
    this.#withdraw(claim);
    this.#reviewDue();
  }

  /** Removes all claims of a publisher. */
  removeAll(publisher: string): void {
    const claims = [...this.#publishers.get(publisher)?.values() ?? []];
    for (const claim of claims) this.#withdraw(claim);
    this.#reviewDue();
  }

  /** Counts and lists a record that describes no channel; the first one of each publisher and reason is logged. */
  refuse(
    publisher: string,
    name: string,
    fault: ChannelFault,
    now?: FaultNow,
  ): void {
    const refused = {
      publisher: shownText(publisher),
      name: shownText(name),
      ...fault,
    };
    this.#catalog.refused.add(refused, now);
    const key = JSON.stringify([refused.publisher, refused.reason]);
    if (this.#logged.has(key) || this.#logged.size >= LOGGED_MAX) return;
    this.#logged.add(key);
    this.#log?.warn("channel-refused", refused);
  }

  /** The fault of one channel more; null where it may be kept. */
  #tooMany(publisher: string): ChannelFault | null {
    const left = this.#claimsMax - this.#count;
    const own = this.#publishers.get(publisher)?.size ?? 0;
    if (left > 0 && (own + 1) * 100 <= SHARE_PERCENT * (left + own)) {
      return null;
    }
    // One that has none gets the last one.
    if (left > 0 && own === 0) return null;
    const detail = left === 0
      ? `at most ${this.#claimsMax} channels are kept`
      : `at most ${SHARE_PERCENT} % of what other publishers leave of ${this.#claimsMax} channels are kept of one`;
    return { reason: "too-many", detail };
  }

  #slotOf({ name, replayId }: Channel): NameSlot {
    const key = JSON.stringify([replayId, name]);
    let slot = this.#slots.get(key);
    if (!slot) this.#slots.set(key, slot = { key, claims: [], entry: null });
    return slot;
  }

  #membersOf(topic: string): PartitionMembers {
    let members = this.#topics.get(topic);
    if (!members) this.#topics.set(topic, members = new PartitionMembers());
    return members;
  }

  #enlist(claim: Claim): void {
    const { publisher, channel: { name }, slot: { claims } } = claim;
    let own = this.#publishers.get(publisher);
    if (!own) this.#publishers.set(publisher, own = new Map());
    if (!own.has(name)) this.#count++;
    own.set(name, claim);
    const at = claims.findIndex((other) => isNewer(claim, other));
    claims.splice(at < 0 ? claims.length : at, 0, claim);
  }

  /** Withdraws a claim. It stays in the catalog until its name is checked, and blocks no other claim. */
  #withdraw(claim: Claim): void {
    const { publisher, channel, slot, topic } = claim;
    const own = this.#publishers.get(publisher)!;
    own.delete(channel.name);
    if (own.size === 0) this.#publishers.delete(publisher);
    this.#count--;
    remove(slot.claims, claim);
    this.#acquit(claim);
    const members = this.#membersOf(topic);
    members.waitNoMore(claim);
    members.withdraw(claim);
    this.#due.add(slot);
    this.#offer(claim);
  }

  /** Makes the index and the name of a claim available to others. */
  #offer({ topic, channel }: Claim): void {
    this.#left.add(topic);
    const free = this.#membersOf(topic).candidates(channel.partitionIndex);
    for (const { slot } of free) this.#due.add(slot);
  }

  /** Checks names until nothing changes: each step frees an index or assigns one, and no index is assigned twice. */
  #reviewDue(): void {
    for (const slot of this.#due) {
      this.#due.delete(slot);
      this.#reviewName(slot);
    }
    for (const topic of this.#left) {
      if (this.#topics.get(topic)?.isEmpty) this.#topics.delete(topic);
    }
    this.#left.clear();
  }

  /** The newest claim of a name that fits into its topic becomes the catalog's entry. */
  #reviewName(slot: NameSlot): void {
    let found: Claim | null = null;
    for (const claim of slot.claims) {
      const members = this.#membersOf(claim.topic);
      if (found) {
        if (members.waitNoMore(claim)) this.#offer(claim);
        this.#refuseClaim(claim, otherPublisher(found));
        continue;
      }
      const isEntry = claim === slot.entry && claim.isMember;
      const conflict = isEntry ? null : members.conflictOf(claim);
      if (conflict) {
        members.wait(claim);
        // Until it is checked again, it may conflict with another channel.
        this.#refuseClaim(claim, conflict, () => members.conflictOf(claim));
        continue;
      }
      found = claim;
      if (!isEntry) this.#admit(claim, members);
    }
    if (!found) this.#vacate(slot);
    if (slot.claims.length > 0 || slot.entry !== null) return;
    this.#slots.delete(slot.key);
  }

  #admit(claim: Claim, members: PartitionMembers): void {
    const { slot } = claim;
    const before = slot.entry;
    if (before !== null) this.#membersOf(before.topic).leave(before);
    members.waitNoMore(claim);
    for (const other of members.join(claim)) this.#due.add(other.slot);
    slot.entry = claim;
    // Only now, because this claim may have determined the shape.
    if (before !== null) this.#offer(before);
    this.#acquit(claim);
    this.#catalog.set(claim.channel);
  }

  /**
   * Removes the entry of a name for which no claim fits. It stays while another claim of its publisher waits and no claim
   * needs its index.
   */
  #vacate(slot: NameSlot): void {
    const { entry } = slot;
    if (entry === null) return;
    const hasNext = slot.claims.some((c) => c.publisher === entry.publisher);
    if (entry.isMember && hasNext) return;
    this.#membersOf(entry.topic).leave(entry);
    this.#offer(entry);
    slot.entry = null;
    this.#catalog.remove(entry.channel.name, entry.channel.replayId);
  }

  #refuseClaim(claim: Claim, fault: ChannelFault, now?: FaultNow): void {
    if (this.#refused.get(claim)?.reason === fault.reason) return;
    this.#acquit(claim);
    this.#refused.set(claim, fault);
    this.refuse(claim.publisher, claim.channel.name, fault, now);
  }

  /** Removes a refusal: the claim no longer conflicts, or was withdrawn. */
  #acquit(claim: Claim): void {
    const fault = this.#refused.get(claim);
    if (!fault) return;
    this.#refused.delete(claim);
    const { publisher, channel: { name } } = claim;
    this.#catalog.refused.forget(publisher, name);
  }
}

function otherPublisher({ publisher }: Claim): ChannelFault {
  return {
    reason: "other-publisher",
    detail: `${shownText(publisher)} claims the name, too, with a newer record`,
  };
}

function isNewer(claim: Claim, other: Claim): boolean {
  return claim.atMs > other.atMs ||
    claim.atMs === other.atMs && claim.order > other.order;
}

function remove(claims: Claim[], claim: Claim): void {
  const at = claims.indexOf(claim);
  if (at >= 0) claims.splice(at, 1);
}
