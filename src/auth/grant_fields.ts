// The fields of a grant, as a token file and a policy write them: `read`, `operate`, and limits.
import { BadExpressionError } from "../channels/expression.ts";
import { Entry } from "./entry.ts";
import { Grant } from "./grant.ts";
import type { ReadRule } from "./read_rule.ts";
import type { ReadRules } from "./read_rules.ts";

/** Names of the fields of a grant. */
export const GRANT_FIELDS = [
  "read",
  "operate",
  "clients_max",
  "histories_max",
  "share_percent",
] as const;

/** Most rules in one grant. */
export const RULES_MAX = 64;
const RULE_FIELDS = ["match", "publisher"];

/** Rejects with {@linkcode EntryError}. */
export async function grantOf(entry: Entry, rules: ReadRules): Promise<Grant> {
  return new Grant({
    read: await readOf(entry, rules),
    isOperator: entry.flag("operate"),
    shares: {
      clientsMax: entry.whole("clients_max", 1, 1_000_000),
      historiesMax: entry.whole("histories_max", 0, 1000),
      sharePercent: entry.whole("share_percent", 1, 100),
    },
  });
}

async function readOf(
  entry: Entry,
  rules: ReadRules,
): Promise<"all" | ReadRule[]> {
  if (entry.raw("read") === "all") return "all";
  if (!Array.isArray(entry.raw("read"))) {
    throw entry.error(
      `needs 'read': "all", or a list of rules such as {"match": "H1:.*"} (an empty list reads nothing)`,
    );
  }
  const compiled: ReadRule[] = [];
  for (const [i, item] of entry.list("read", RULES_MAX).entries()) {
    const where = `${entry.where}, rule ${i + 1}`;
    compiled.push(await ruleOf(new Entry(item, where, RULE_FIELDS), rules));
  }
  return compiled;
}

async function ruleOf(entry: Entry, rules: ReadRules): Promise<ReadRule> {
  if (!entry.has("match") && !entry.has("publisher")) {
    throw entry.error(
      `needs 'match', 'publisher', or both; to read everything write "read": "all"`,
    );
  }
  const right = "an RE2 expression that is not empty";
  const expression = (name: string) =>
    entry.has(name)
      ? entry.text(name, (text) => text.length > 0, right)
      : undefined;
  try {
    return await rules.of({
      match: expression("match"),
      publisher: expression("publisher"),
    });
  } catch (error) {
    if (!(error instanceof BadExpressionError)) throw error;
    throw entry.error(
      `its expressions must be RE2 expressions: ${error.message}`,
    );
  }
}
