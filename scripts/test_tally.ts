// Counts behaviours in the JUnit file that `deno test` writes.
// Invariant: a `describe` is not a behaviour; a run that failed never tallies zero failures.

/** The results of a run. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const CASE = /<testcase name="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
/** Between the names of a step's parents and its own, as Deno writes it in XML. */
const STEP = " &gt; ";

/** Tally of a JUnit document; `ok` is whether the run exited with 0. */
export function tallyOf(junit: string, ok: boolean): Tally {
  const cases = [...junit.matchAll(CASE)].map((match) => ({
    name: match[1]!,
    body: match[2] ?? "",
  }));
  const parents = new Set<string>();
  for (const { name } of cases) {
    for (
      let at = name.indexOf(STEP);
      at >= 0;
      at = name.indexOf(STEP, at + 1)
    ) {
      parents.add(name.slice(0, at));
    }
  }
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for (const { name, body } of cases) {
    if (parents.has(name)) continue;
    if (body.includes("<skipped")) skipped++;
    else if (body.includes("<failure") || body.includes("<error")) failed++;
    else passed++;
  }
  // A hook, a leak or a file that does not load fails the run without failing a behaviour.
  if (!ok && failed === 0) failed = 1;
  return { passed, failed, skipped };
}
