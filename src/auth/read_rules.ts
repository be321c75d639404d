// Compiles the rules of a token file or a policy, each once, in slices, so that a large file that changes delays no row.
// Invariant: it keeps the rules that the newest two loads have used, and no others.
import { ReadRule, type ReadRuleText } from "./read_rule.ts";

/** Rules that are compiled in one turn of the event loop: about 100 µs each. */
const COMPILED_PER_TURN = 20;

export class ReadRules {
  #newest = new Map<string, ReadRule>();
  #before = new Map<string, ReadRule>();
  #compiled = 0;

  /** Call it before the rules of a file are read. */
  startLoad(): void {
    this.#before = this.#newest;
    this.#newest = new Map();
  }

  /** The compiled rule. Rejects with {@linkcode BadExpressionError}. */
  async of(text: ReadRuleText): Promise<ReadRule> {
    const key = JSON.stringify([text.match, text.publisher]);
    let rule = this.#newest.get(key) ?? this.#before.get(key);
    if (rule === undefined) {
      if (++this.#compiled % COMPILED_PER_TURN === 0) await nextTurn();
      rule = new ReadRule(text);
    }
    this.#newest.set(key, rule);
    return rule;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
