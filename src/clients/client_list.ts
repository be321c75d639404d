// The clients of one group: a list that is walked in slices while clients join and leave.
// Invariant: a walk visits each client that is in the list from its start to its end at least once.
import { rotation } from "./rotation.ts";

/** What the list keeps in each member. */
export interface ListMember {
  /** Index in the list; −1 outside of one. Written by the list alone. */
  listIndex: number;
}

/** A list with one walk at a time. Adding and removing take constant time. */
export class ClientList<Member extends ListMember> {
  readonly #members: Member[] = [];
  #walkCount = 0;
  #isWalking = false;
  /** Index of the next member to visit, and how many are left. */
  #next = 0;
  #left = 0;
  /** Joined during the walk, or moved to an index that had been visited; may have been visited before. */
  #extra: Member[] | null = null;
  #extraNext = 0;

  get size(): number {
    return this.#members.length;
  }

  /** All members now. Copy it before you add or remove any. */
  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values();
  }

  add(member: Member): void {
    member.listIndex = this.#members.length;
    this.#members.push(member);
    if (!this.#isWalking) return;
    // The walk has one more index to visit, and the new one may be after it.
    this.#left++;
    (this.#extra ??= []).push(member);
  }

  /** Puts the last member at the index that becomes free. */
  remove(member: Member): void {
    const { listIndex } = member;
    const last = this.#members.pop()!;
    member.listIndex = -1;
    if (last === member) return;
    this.#members[listIndex] = last;
    last.listIndex = listIndex;
    if (this.#isWalking) (this.#extra ??= []).push(last);
  }

  /** Starts a walk at an index that rotates from walk to walk. */
  startWalk(): void {
    this.endWalk();
    this.#isWalking = true;
    this.#left = this.#members.length;
    this.#next = rotation(this.#walkCount++, this.#left);
  }

  /** Whether the walk has members left to visit. */
  get hasNext(): boolean {
    return this.#left > 0 && this.#members.length > 0 ||
      this.#extra !== null && this.#extraNext < this.#extra.length;
  }

  /** The next member of the walk; null when all have been visited. */
  nextOfWalk(): Member | null {
    const members = this.#members;
    if (this.#left > 0 && members.length > 0) {
      if (this.#next >= members.length) this.#next = 0;
      this.#left--;
      return members[this.#next++]!;
    }
    const extra = this.#extra;
    if (extra === null || this.#extraNext >= extra.length) return null;
    return extra[this.#extraNext++]!;
  }

  endWalk(): void {
    this.#isWalking = false;
    this.#left = this.#extraNext = 0;
    this.#extra = null;
  }
}
