// What it costs to find the notes of channels: a name of a large catalog against 1,000 expressions, and once it is known.
import { Expression } from "../src/channels/expression.ts";
import { NoteRules } from "../src/channels/note_rules.ts";
import { finish } from "../src/channels/sliced_work.ts";

const NAMES = 1000;
const note = { unit: "m", description: null, range: null };
const channels = Array.from(
  { length: NAMES },
  (_, i) => ({ name: `H1:SUS-ETMX_M0_DAMP_L_IN${i}_OUT_DQ` }),
);

function rulesOf(matches: readonly string[]): NoteRules {
  return new NoteRules(
    new Map(),
    matches.map((match) => ({ expression: new Expression(match), note })),
  );
}

const CASES: Record<string, NoteRules> = {
  "1,000 expressions, each of a subsystem": rulesOf(
    Array.from({ length: 1000 }, (_, i) => `H1:S${i}-.*_IN[0-9]+_OUT$`),
  ),
  "150 expressions that begin alike": rulesOf(
    Array.from({ length: 150 }, (_, i) => `H1:SUS-.*_IN${i}_OUT_[A-C]`),
  ),
  "150 expressions without plain text": rulesOf(
    Array.from({ length: 150 }, (_, i) => `.*_IN${i}_OUT_[A-C]`),
  ),
};

for (const [name, rules] of Object.entries(CASES)) {
  if (rules.tooCostly() !== null) throw new Error(`${name}: too costly`);
  let turn = 0;
  Deno.bench(`${NAMES} new names, ${name}`, { n: 5, warmup: 1 }, () => {
    turn++;
    finish(
      rules.finding(channels.map((c) => ({ name: `${c.name}${turn}` }))),
    );
  });
}

const known = CASES["150 expressions that begin alike"]!;
finish(known.finding(channels));
Deno.bench(`${NAMES} known names`, () => finish(known.finding(channels)));
