// Runs files of tests two at a time, each group of files in a process of its own.
// Invariant: the output of a group comes in one piece, and the groups that failed are named at the end, those that passed
// when they ran again included.
import { type Tally, tallyOf } from "./test_tally.ts";

/** Files that one process runs, one after the other. */
export interface Group {
  /** Its first line: a file, or a folder. */
  readonly name: string;
  readonly paths: readonly string[];
  /** Variables of its process, in addition to those of this one. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs in lane 0, before the groups without this. Where one has it, only those that have it run at normal priority. */
  readonly hasPriority?: boolean;
}

/** How a group ended. */
export interface Outcome {
  readonly name: string;
  /** The exit code of `deno test`. */
  readonly code: number;
  readonly tally: Tally;
}

/** Runs one group in a lane: its exit code, its JUnit file and all it printed. */
export type RunGroup = (
  group: Group,
  place: { readonly lane: number; readonly isLow: boolean },
) => Promise<{ code: number; junit: string; text: string }>;

/**
 * Runs the groups in their order in `lanes` lanes: a lane that is free takes the next one. `say` gets whole pieces of
 * output, and at the end a line for each group that failed.
 */
export async function runInLanes(
  groups: readonly Group[],
  lanes: number,
  run: RunGroup,
  say: (text: string) => void,
): Promise<Outcome[]> {
  const first = groups.filter(({ hasPriority }) => hasPriority);
  const waiting = groups.filter(({ hasPriority }) => !hasPriority);
  const hasFirst = first.length > 0;
  const outcomes: Outcome[] = [];
  const drain = async (lane: number) => {
    const take = () =>
      (lane === 0 ? first.shift() : undefined) ?? waiting.shift();
    for (let next = take(); next; next = take()) {
      const beganMs = performance.now();
      const isLow = hasFirst && !next.hasPriority;
      const { code, junit, text } = await run(next, { lane, isLow });
      const tally = tallyOf(junit, code === 0);
      outcomes.push({ name: next.name, code, tally });
      const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
      say(`---- ${next.name}: ${textOf(tally)} in ${seconds} s\n${text}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => drain(lane)));
  for (const { name, code, tally } of outcomes) {
    if (code !== 0) say(`FAILED: ${name}: ${textOf(tally)}`);
  }
  return outcomes;
}

/** If more groups than this fail, the code is at fault, not the machine: none runs again. */
const AGAIN_MAX = 5;

/**
 * Runs each group that failed once more, alone, and takes that result. The machines of CI are shared: a suite that waits
 * for something may fail because others took the processor. `say` gets a line for each such group.
 */
export async function runFailedAgain(
  groups: readonly Group[],
  outcomes: readonly Outcome[],
  run: (group: Group) => Promise<Outcome>,
  say: (text: string) => void,
): Promise<Outcome[]> {
  const failed = outcomes.filter(({ code }) => code !== 0);
  if (failed.length > AGAIN_MAX) return [...outcomes];
  const results = [...outcomes];
  for (const before of failed) {
    const group = groups.find(({ name }) => name === before.name)!;
    const after = await run(group);
    results[results.indexOf(before)] = after;
    say(
      `${
        after.code === 0 ? "PASSED" : "FAILED"
      } WHEN RUN AGAIN: ${after.name}: ${textOf(after.tally)}; before: ${
        textOf(before.tally)
      }`,
    );
  }
  return results;
}

/** The sum of some tallies. */
export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, one) => ({
    passed: sum.passed + one.passed,
    failed: sum.failed + one.failed,
    skipped: sum.skipped + one.skipped,
  }), { passed: 0, failed: 0, skipped: 0 });
}

export function textOf({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** One group for each folder below `test`, and one for the files directly in `test`; the largest first. */
export function groupsByFolder(files: readonly string[]): Group[] {
  const paths = new Map<string, string[]>();
  for (const file of files) {
    const parts = file.split("/");
    const name = parts.slice(0, Math.min(2, parts.length - 1)).join("/");
    paths.set(name, [...paths.get(name) ?? [], file]);
  }
  return [...paths].map(([name, paths]) => ({ name, paths }))
    .sort((a, b) => b.paths.length - a.paths.length);
}
