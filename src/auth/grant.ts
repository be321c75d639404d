// What an owner may do: which channels it may read, as whom it may publish, whether it is an operator, and how much of
// the limits it may use.
// Invariant: a grant never changes; a changed policy gives new grants.
import type { Channel } from "../channels/channel.ts";
import type { ReadRule } from "./read_rule.ts";

/** Limits of one owner; a field that is absent leaves the setting that holds for everyone. */
export interface GrantShares {
  /** Streams at once. */
  readonly clientsMax?: number | undefined;
  /** Histories at once. */
  readonly historiesMax?: number | undefined;
  /** Most of each pool, percent of what others leave: clients, histories, bytes in flight. */
  readonly sharePercent?: number | undefined;
}

export interface GrantOptions {
  /** `all`, or the rules of which any allows a channel; none: no channel. */
  readonly read: "all" | readonly ReadRule[];
  /** `all`, or the exact publishers as which it may publish. @default none */
  readonly publish?: "all" | readonly string[];
  readonly isOperator?: boolean;
  /** Whether it may read whole blocks, as a relay does. @default false */
  readonly isRelay?: boolean;
  readonly shares?: GrantShares;
}

/** One owner's rights. */
export class Grant {
  /** Grants with equal keys may read the same channels. */
  readonly readKey: string;
  readonly readsAll: boolean;
  readonly isOperator: boolean;
  /** Whether its owner may read whole blocks, of partitions of which it may read each channel. */
  readonly isRelay: boolean;
  readonly shares: GrantShares;
  readonly #rules: readonly ReadRule[];
  readonly #ruleKeys: ReadonlySet<string>;
  readonly #publish: "all" | readonly string[];

  constructor(options: GrantOptions) {
    const { read, publish = [], isOperator = false, shares = {} } = options;
    this.#publish = publish;
    this.readsAll = read === "all";
    this.#rules = read === "all" ? [] : read;
    this.#ruleKeys = new Set(this.#rules.map(({ key }) => key));
    this.readKey = this.readsAll
      ? "all"
      : [...this.#ruleKeys].sort().join("\n");
    this.isOperator = isOperator;
    this.isRelay = options.isRelay ?? false;
    this.shares = shares;
  }

  /** Whether its owner may neither read anything nor do what operators do. */
  get isEmpty(): boolean {
    return !this.readsAll && this.#rules.length === 0 && !this.isOperator;
  }

  /** Whether its owner may publish as anyone. */
  get isPublisher(): boolean {
    return this.#publish === "all" || this.#publish.length > 0;
  }

  /** Whether its owner may publish as this publisher, and learn the addresses of Kafka for it. */
  mayPublish(publisher: string): boolean {
    return this.#publish === "all" || this.#publish.includes(publisher);
  }

  /** Each name that it allows begins with one of these. */
  get prefixes(): readonly string[] {
    return this.readsAll ? [""] : this.#rules.flatMap((rule) => rule.prefixes);
  }

  /** The most steps of sliced work that {@linkcode allows} takes for a channel. */
  stepsOf(channel: Channel): number {
    let steps = 0;
    for (const rule of this.#rules) steps += rule.stepsOf(channel);
    return steps;
  }

  /** Whether its owner may read a channel. */
  allows(channel: Channel): boolean {
    return this.readsAll || this.#rules.some((rule) => rule.allows(channel));
  }

  /** Whether it has all rules of another one: then it allows all channels that the other one does. */
  allowsAllOf(other: Grant): boolean {
    if (this.readsAll || this.readKey === other.readKey) return true;
    return !other.readsAll &&
      other.#rules.every(({ key }) => this.#ruleKeys.has(key));
  }

  /** Everything that any of some grants allows; of each limit the largest, and the setting's where one grant has none. */
  static union(grants: readonly Grant[]): Grant {
    if (grants.length === 1) return grants[0]!;
    const readsAll = grants.some((grant) => grant.readsAll);
    return new Grant({
      read: readsAll ? "all" : grants.flatMap((grant) => grant.#rules),
      publish: grants.some((grant) => grant.#publish === "all")
        ? "all"
        : grants.flatMap((grant) => grant.#publish),
      isOperator: grants.some((grant) => grant.isOperator),
      isRelay: grants.some((grant) => grant.isRelay),
      shares: {
        clientsMax: largest(grants.map(({ shares }) => shares.clientsMax)),
        historiesMax: largest(grants.map(({ shares }) => shares.historiesMax)),
        sharePercent: largest(grants.map(({ shares }) => shares.sharePercent)),
      },
    });
  }
}

/** The largest of those that are present; undefined where none is. */
function largest(limits: readonly (number | undefined)[]): number | undefined {
  const present = limits.filter((limit) => limit !== undefined);
  return present.length === 0 ? undefined : Math.max(...present);
}

/** A grant for everything, as every request has without authentication. */
export const FULL_GRANT: Grant = new Grant({
  read: "all",
  publish: "all",
  isOperator: true,
  isRelay: true,
});
