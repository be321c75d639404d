// Ranges of versions as advisories write them: `>= 1.0.0 < 1.2.3 || = 2.0.0`.
// Invariant: a range or version that is not understood counts as affected, so no advisory is missed.

/** Whether a version lies in a range. */
export function isInRange(version: string, range: string): boolean {
  const parsed = parse(version);
  if (parsed === null) return true;
  return range.split("||").some((part) => {
    const conditions = part.replaceAll(/([<>=]+)\s+/g, "$1").split(/[\s,]+/)
      .filter((condition) => condition !== "");
    return conditions.every((condition) => holds(parsed, condition));
  });
}

interface Version {
  readonly numbers: readonly number[];
  /** Identifiers of a version before the release: `1.0.0-beta.2`; empty for a release. */
  readonly before: readonly string[];
}

function parse(text: string): Version | null {
  const [, numbers, before] =
    /^v?(\d+\.\d+\.\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/.exec(text) ?? [];
  if (numbers === undefined) return null;
  return {
    numbers: numbers.split(".").map(Number),
    before: before?.split(".") ?? [],
  };
}

function holds(version: Version, condition: string): boolean {
  if (condition === "*") return true;
  const [, sign, text] = /^(<=|>=|<|>|=)?(.+)$/.exec(condition)!;
  const bound = parse(text!);
  if (bound === null) return true;
  const order = compare(version, bound);
  switch (sign) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return order === 0;
  }
}

/** Negative where `a` comes first, by the rules of semver.org. */
function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const difference = a.numbers[i]! - b.numbers[i]!;
    if (difference !== 0) return difference;
  }
  if (a.before.length === 0 || b.before.length === 0) {
    return b.before.length - a.before.length;
  }
  for (let i = 0; i < Math.max(a.before.length, b.before.length); i++) {
    const [one, other] = [a.before[i], b.before[i]];
    if (one === undefined) return -1;
    if (other === undefined) return 1;
    const difference = compareIdentifiers(one, other);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers come before words. */
function compareIdentifiers(one: string, other: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
  if (isNumber && isOtherNumber) return Number(one) - Number(other);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}
