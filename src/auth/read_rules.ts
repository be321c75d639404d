// Compiles the rules of a token file or a policy, each once: one takes about 100 µs, and a file can have thousands.
// Invariant: it keeps the rules that the newest two loads have used, and no others.
import { Turns } from "../files/turns.ts";
import { ReadRule, type ReadRuleText } from "./read_rule.ts";

export class ReadRules {
  #newest = new Map<string, ReadRule>();
  #before = new Map<string, ReadRule>();

  /** Call it before a file is read. The reader pauses between its entries. */
  startLoad(): Turns {
    this.#before = this.#newest;
    this.#newest = new Map();
    return new Turns();
  }

  /** The compiled rule. Throws {@linkcode BadExpressionError}. */
  of(text: ReadRuleText): ReadRule {
    const key = JSON.stringify([text.match, text.publisher]);
    const rule = this.#newest.get(key) ?? this.#before.get(key) ??
      new ReadRule(text);
    this.#newest.set(key, rule);
    return rule;
  }
}
