// The fields of a grant, as a token file and a policy write them: `read`, `publish`, `operate`, `relay`, and
// limits.
import { BadExpressionError } from "../channels/expression.ts";
import { Entry } from "./entry.ts";
import { Grant } from "./grant.ts";
import type { ReadRule } from "./read_rule.ts";
import type { ReadRules } from "./read_rules.ts";

/** Names of the fields of a grant. */
export const GRANT_FIELDS = [
  "read",
  "publish",
  "operate",
  "relay",
  "clients_max",
  "histories_max",
  "share_percent",
] as const;

/** Most rules in one grant. */
export const RULES_MAX = 64;
/** Most publishers in one grant, and the longest name of one. */
export const PUBLISHERS_MAX = 64;
export const PUBLISHER_CHARS_MAX = 256;
const RULE_FIELDS = ["match", "publisher"];

/** Throws {@linkcode EntryError}. */
export function grantOf(entry: Entry, rules: ReadRules): Grant {
  return new Grant({
    read: readOf(entry, rules),
    publish: publishOf(entry),
    isOperator: entry.flag("operate"),
    isRelay: entry.flag("relay"),
    shares: {
      clientsMax: entry.whole("clients_max", 1, 1_000_000),
      historiesMax: entry.whole("histories_max", 0, 1000),
      sharePercent: entry.whole("share_percent", 1, 100),
    },
  });
}

function readOf(entry: Entry, rules: ReadRules): "all" | ReadRule[] {
  if (entry.raw("read") === "all") return "all";
  if (!Array.isArray(entry.raw("read"))) {
    throw entry.error(
      `needs 'read': "all", or a list of rules such as {"match": "H1:.*"} (an empty list reads nothing)`,
    );
  }
  return entry.list("read", RULES_MAX).map((item, i) =>
    ruleOf(
      new Entry(item, `${entry.where}, rule ${i + 1}`, RULE_FIELDS),
      rules,
    )
  );
}

function publishOf(entry: Entry): "all" | string[] {
  const publish = entry.raw("publish") ?? [];
  if (publish === "all") return "all";
  if (!Array.isArray(publish) || !publish.every(isPublisher)) {
    throw entry.error(
      `'publish' must be "all", or a list of publishers of 1 to ${PUBLISHER_CHARS_MAX} characters`,
    );
  }
  return entry.has("publish")
    ? entry.list("publish", PUBLISHERS_MAX) as string[]
    : [];
}

function isPublisher(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 &&
    value.length <= PUBLISHER_CHARS_MAX;
}

function ruleOf(entry: Entry, rules: ReadRules): ReadRule {
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
    return rules.of({
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
