// An RE2 expression over names, anchored at their start: limited before it is compiled, and matched against sorted
// names, so that a literal prefix is found by bisection. The only user of re2js.
// Invariant: one name costs at most PART_STEPS_MAX steps, whatever the expression.
import { RE2JSSyntaxException, RE2Set } from "re2js";
import { programSizeMax } from "./expression_size.ts";

/** Longest expression, characters. */
export const EXPRESSION_LENGTH_MAX = 4096;
/** Largest program, instructions: 256 × a name of 255 characters is a slice. */
export const PROGRAM_SIZE_MAX = 256;
/** Characters × instructions in a step, at the library's slowest (52 ns each: bench/request_cost_bench.ts). */
const STEPS_A_COMPARISON = 0.052;
/** Memory for the states that the library keeps for one expression. */
const STATES_BYTES_MAX = 256 * 1024;
const CACHED_MAX = 32;

/** Plain characters, and `.*` at the end, which restricts nothing. */
const PREFIX_BRANCH = /^\^?([^\\.+*?()|[\]{}^$]*)(?:\.\*)?$/;
const LEADING = /^\^?([\x20-\x7e]*)/;
const META = /[\\.+*?()|[\]{}^$]/;

/** An expression that is not an RE2 expression, or is too large. */
export class BadExpressionError extends Error {
  override name = "BadExpressionError";
  /** The position of the error in the expression; −1 if the engine does not report it. */
  readonly index: number;
  /** The expression may be correct, but is larger than allowed. */
  readonly isTooLarge: boolean;

  constructor(message: string, index: number, isTooLarge = false) {
    super(message);
    this.index = index;
    this.isTooLarge = isTooLarge;
  }
}

/** A compiled expression. */
export class Expression {
  /** Each name that matches begins with one of these. */
  readonly prefixes: readonly string[];
  /** Null if each name that begins with one of `prefixes` matches. */
  readonly #set: RE2Set | null;
  readonly #size: number;

  /** Throws {@linkcode BadExpressionError}. */
  constructor(text: string) {
    if (text.length > EXPRESSION_LENGTH_MAX) {
      throw new BadExpressionError(
        `it has ${text.length} characters, at most ${EXPRESSION_LENGTH_MAX} are allowed`,
        EXPRESSION_LENGTH_MAX,
        true,
      );
    }
    const branches = text.split("|").map((branch) =>
      PREFIX_BRANCH.exec(branch)
    );
    if (branches.every((branch) => branch !== null)) {
      this.prefixes = [...new Set(branches.map((branch) => branch[1]!))];
      this.#set = null;
      this.#size = 0;
      return;
    }
    const size = programSizeMax(text);
    if (size > PROGRAM_SIZE_MAX) {
      throw new BadExpressionError(
        `it can take ${Math.ceil(size)} instructions, at most ` +
          `${PROGRAM_SIZE_MAX} are allowed; name channels by channels= instead of by a long expression`,
        -1,
        true,
      );
    }
    this.#size = size;
    this.#set = compiled(text);
    this.prefixes = [leadingText(text)];
  }

  /** Instructions of its program; 0 where names are only compared with `prefixes`. */
  get size(): number {
    return this.#size;
  }

  /** The most steps that {@linkcode matches} takes. */
  stepsOf(name: string): number {
    if (this.#set === null) return 0;
    return 2 + name.length * this.#size * STEPS_A_COMPARISON;
  }

  /** Whether a name matches. */
  matches(name: string): boolean {
    const { prefixes } = this;
    if (!prefixes.some((prefix) => name.startsWith(prefix))) return false;
    return this.#set === null || this.matchesBehindPrefix(name);
  }

  /** Whether a name that begins with one of `prefixes` matches. */
  matchesBehindPrefix(name: string): boolean {
    return this.#set === null || this.#set.match(name).length > 0;
  }

  /** Whether each name that begins with one of `prefixes` matches. */
  get isPrefixOnly(): boolean {
    return this.#set === null;
  }
}

/** The most recently used expressions, compiled. */
export class ExpressionCache {
  readonly #cached = new Map<string, Expression>();

  /** Throws {@linkcode BadExpressionError}. */
  get(text: string): Expression {
    const known = this.#cached.get(text);
    const expression = known ?? new Expression(text);
    // The last one in a map is the newest.
    this.#cached.delete(text);
    this.#cached.set(text, expression);
    if (this.#cached.size > CACHED_MAX) {
      this.#cached.delete(this.#cached.keys().next().value!);
    }
    return expression;
  }

  has(text: string): boolean {
    return this.#cached.has(text);
  }
}

/** Decides whether names match an expression; without one all do. Throws {@linkcode BadExpressionError}. */
export function nameMatcher(
  match: string | undefined,
): (name: string) => boolean {
  if (match === undefined) return () => true;
  const expression = new Expression(match);
  return (name) => expression.matches(name);
}

function compiled(text: string): RE2Set {
  try {
    const set = new RE2Set(RE2Set.ANCHOR_START, 0, STATES_BYTES_MAX);
    set.add(text);
    set.compile();
    return set;
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const part = error.getPattern();
    throw new BadExpressionError(
      part ? `${error.getDescription()}: ${part}` : error.getDescription(),
      part ? text.indexOf(part) : -1,
    );
  }
}

/** The plain text with which all matches begin; "" if there may be none. */
function leadingText(text: string): string {
  if (mayHaveOuterBar(text)) return "";
  const leading = LEADING.exec(text)![1]!;
  const end = leading.search(META);
  if (end < 0) return leading;
  // A repeated character can be absent.
  const isOptional = "*?{".includes(leading[end]!);
  return leading.slice(0, Math.max(0, isOptional ? end - 1 : end));
}

/** Whether there may be a choice outside all groups. If classes or backslashes make this uncertain: yes. */
function mayHaveOuterBar(text: string): boolean {
  if (!text.includes("|")) return false;
  if (/[\\[]/.test(text)) return true;
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "|" && depth <= 0) return true;
  }
  return false;
}
