// Answers of /metrics over a time, as the input of `promtool test rules`: what alert rules see of a real instance.
import assert from "node:assert/strict";
import { PARTS } from "./chain.ts";

/** Values by series, as one answer has them; null where none came. */
export type Scrape = ReadonlyMap<string, number> | null;

/** The values of a text of /metrics. */
export function seriesIn(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, series, value] = /^(qanat_\S+) (\S+)$/.exec(line) ?? [];
    if (series) found.set(series, Number(value));
  }
  return found;
}

/** What answers in equal distances say of the metrics that the rules name, of an instance called "a". */
export function inputSeries(trail: readonly Scrape[], rules: string) {
  const known = new Set<string>();
  for (const scrape of trail) {
    for (const series of scrape?.keys() ?? []) {
      if (rules.includes(series.split("{")[0]!)) known.add(series);
    }
  }
  const input = [...known].map((series) => ({
    series: series.includes("{")
      ? series.replace("{", '{instance="a",')
      : `${series}{instance="a"}`,
    values: trail.map((scrape) => scrape?.get(series)?.toFixed(6) ?? "_")
      .join(" "),
  }));
  const up = trail.map((scrape) => scrape === null ? 0 : 1).join(" ");
  return [...input, { series: 'up{job="qanat",instance="a"}', values: up }];
}

/** What `promtool test rules` says of a file of tests. */
export async function promtoolOutput(
  directory: string,
  tests: unknown,
): Promise<string> {
  const file = `${directory}/tests.json`;
  await Deno.writeTextFile(file, JSON.stringify(tests));
  const { stdout, stderr } = await new Deno.Command(PARTS.promtool.program!, {
    args: ["test", "rules", file],
  }).output();
  const said = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  assert.doesNotMatch(said, /error parsing|unmarshal/);
  return said;
}
