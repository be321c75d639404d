// A rule that allows to read some channels: by expressions on their names and publishers, or by one exact name.
// Invariant: an expression has to match the whole text, so that a rule for `H1` never allows `H10`.
import type { Channel } from "../channels/channel.ts";
import { Expression } from "../channels/expression.ts";

/** A rule as text; a field that is absent does not restrict. */
export interface ReadRuleText {
  /** RE2 expression that a name has to match as a whole. */
  readonly match?: string | undefined;
  /** RE2 expression that a publisher has to match as a whole. */
  readonly publisher?: string | undefined;
  /** The exact name and the exact publisher, as paths of scopes give them. */
  readonly exactName?: string | undefined;
  readonly exactPublisher?: string | undefined;
}

/** A compiled rule. */
export class ReadRule {
  /** Rules with equal keys allow the same channels. */
  readonly key: string;
  readonly #text: ReadRuleText;
  readonly #names: WholeText | null;
  readonly #publishers: WholeText | null;

  /** Throws {@linkcode BadExpressionError}. */
  constructor(text: ReadRuleText) {
    const { match, publisher, exactName, exactPublisher } = text;
    this.#text = text;
    this.#names = match === undefined ? null : wholeText(match);
    this.#publishers = publisher === undefined ? null : wholeText(publisher);
    this.key = JSON.stringify([match, publisher, exactName, exactPublisher]);
  }

  /** Each name that it allows begins with one of these. */
  get prefixes(): readonly string[] {
    const { exactName } = this.#text;
    return exactName === undefined
      ? this.#names?.prefixes ?? [""]
      : [exactName];
  }

  /** The most steps of sliced work that {@linkcode allows} takes for a channel. */
  stepsOf({ name, publisher }: Channel): number {
    return 0.1 + (this.#names?.stepsOf(name) ?? 0) +
      (this.#publishers?.stepsOf(publisher) ?? 0);
  }

  allows({ name, publisher }: Channel): boolean {
    const { exactName, exactPublisher } = this.#text;
    if (exactPublisher !== undefined && publisher !== exactPublisher) {
      return false;
    }
    if (exactName !== undefined && name !== exactName) return false;
    return (this.#names === null || this.#names.matches(name)) &&
      (this.#publishers === null || this.#publishers.matches(publisher));
  }
}

/** What an expression says of whole texts. */
interface WholeText {
  readonly prefixes: readonly string[];
  stepsOf(text: string): number;
  matches(text: string): boolean;
}

/** Throws {@linkcode BadExpressionError}. */
function wholeText(text: string): WholeText {
  // Compiled alone first: a bracket that is not closed must not reach beyond the expression.
  const { prefixes, isPrefixOnly } = new Expression(text);
  if (isPrefixOnly) return plainText(text, prefixes);
  const whole = new Expression(`^(?:${text})$`);
  return {
    prefixes,
    stepsOf: (tested) => whole.stepsOf(tested),
    matches: (tested) => whole.matches(tested),
  };
}

/** Most rules are texts, or beginnings of them: compared without the engine, at a hundredth of its cost. */
function plainText(text: string, prefixes: readonly string[]): WholeText {
  const branches = text.split("|").map((branch) => branch.replace(/^\^/, ""));
  const whole = new Set(branches);
  const begins = branches.filter((branch) => branch.endsWith(".*"))
    .map((branch) => branch.slice(0, -2));
  return {
    prefixes,
    stepsOf: () => 0.1 * begins.length,
    matches: (tested) =>
      whole.has(tested) || begins.some((prefix) => tested.startsWith(prefix)),
  };
}
