// The join against a reference, step by step, on random schedules. QANAT_SEED=123 plays one of them.
// schedules_test.ts judges from the logs alone; this one predicts, and so looks behind resets, into several timelines
// over the same partitions, at brokers that are away from the start, and at reasons.
import { describe, it } from "@std/testing/bdd";
import { type Schedule, scheduleOf } from "./random_schedule.ts";
import { playSchedule } from "./schedule_run.ts";

const SEEDS = 2000;
const SHRINK_RUNS_MAX = 400;

function failureOf(schedule: Schedule): Error | null {
  try {
    playSchedule(schedule);
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Leaves out what is not needed to fail: halves, quarters, … of each list. */
function shrunk(schedule: Schedule): Schedule {
  let smallest: Schedule = schedule;
  let runs = 0;
  const shorten = (
    key: "appends" | "outages" | "freezes" | "restarts" | "leases" | "steps",
  ) => {
    const kept = key === "leases" ? 1 : 0;
    for (let size = smallest[key].length; size >= 1; size >>= 1) {
      for (let from = kept; from < smallest[key].length;) {
        if (runs++ > SHRINK_RUNS_MAX) return;
        const list: readonly unknown[] = smallest[key];
        const without = [...list.slice(0, from), ...list.slice(from + size)];
        const tried = { ...smallest, [key]: without };
        if (failureOf(tried)) smallest = tried;
        else from += size;
      }
    }
  };
  shorten("leases");
  shorten("steps");
  shorten("freezes");
  shorten("outages");
  shorten("restarts");
  if (!schedule.isHonest) shorten("appends");
  return smallest;
}

function textOf(schedule: Schedule): string {
  const { appends, partitions, ...rest } = schedule;
  const lines = partitions.map((partition, p) => {
    const log = appends.filter((a) => a.p === p);
    const text = log.map((a) => `${a.block}@${a.atMs}`).join(" ");
    return `  p${p} ${JSON.stringify(partition)}\n    block@ms: ${text}`;
  });
  return `${JSON.stringify(rest)}\n${lines.join("\n")}`;
}

function check(seed: number): void {
  const schedule = scheduleOf(seed);
  if (!failureOf(schedule)) return;
  const small = shrunk(schedule);
  const error = failureOf(small);
  throw new Error(
    `QANAT_SEED=${seed}, shrunk to\n${textOf(small)}\n${error?.message}`,
    { cause: error },
  );
}

describe("The join", () => {
  const seed = Number(Deno.env.get("QANAT_SEED") ?? -1);
  const from = seed < 0 ? 0 : seed;
  const to = seed < 0 ? SEEDS : seed + 1;
  it(`reports what its rules say, on schedules ${from} to ${to - 1}`, () => {
    for (let i = from; i < to; i++) check(i);
  });
});
