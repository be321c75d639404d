// Which note a channel gets, and what it costs to find it.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { ChannelNote } from "../../src/channels/channel_note.ts";
import { ChannelNotes } from "../../src/channels/channel_notes.ts";
import { Expression } from "../../src/channels/expression.ts";
import { NAME_SIZE_MAX, NoteRules } from "../../src/channels/note_rules.ts";
import { finish, PART_STEPS_MAX } from "../../src/channels/sliced_work.ts";

function note(unit: string): ChannelNote {
  return { unit, description: null, range: null };
}

/** Rules whose units are their expressions; exact names have the unit `exact`. */
function rulesOf(matches: readonly string[], names: readonly string[] = []) {
  return new NoteRules(
    new Map(names.map((name) => [name, note("exact")])),
    matches.map((match) => ({
      expression: new Expression(match),
      note: note(match),
    })),
  );
}

/** The unit of a name, which is looked up first. */
function unitOf(rules: NoteRules, name: string): string | null {
  finish(rules.finding([{ name }]));
  return rules.known(name)?.unit ?? null;
}

describe("NoteRules", () => {
  it("gives a channel the note of its name, else of the first expression that matches", () => {
    const rules = rulesOf([
      "H1:SUS-.*_DQ",
      "H1:SUS",
      "L1:A|H1:LSC",
      ".*_DQ",
      "H1:SUS-ITMX",
    ], ["H1:SUS-B"]);
    const expected: [name: string, unit: string | null][] = [
      ["H1:SUS-A_DQ", "H1:SUS-.*_DQ"],
      ["H1:SUS-A", "H1:SUS"],
      // As match= of /v1/channels: the beginning of the name.
      ["H1:SUS-ITMX", "H1:SUS"],
      ["H1:SUS-B", "exact"],
      ["H1:SUS-B_DQ", "H1:SUS-.*_DQ"],
      ["H1:LSC-X", "L1:A|H1:LSC"],
      ["V1:X_DQ", ".*_DQ"],
      ["V1:X", null],
      ["H1", null],
    ];
    for (const [name, unit] of expected) {
      assert.equal(unitOf(rules, name), unit, name);
    }
    assert.equal(rules.size, 6);
  });

  it("finds the same as a test of each expression in its order", () => {
    const matches = ["A.*1", "AB|B", "AB.C", "(A|B)2", "AB2", "B.*", "A"];
    const rules = rulesOf(matches);
    const letters = ["A", "B", "C", "1", "2"];
    for (let i = 0; i < 5 ** 4; i++) {
      const name = letters.map((_, k) => letters[Math.floor(i / 5 ** k) % 5])
        .slice(0, 1 + i % 4).join("");
      const first = matches.find((m) => new Expression(m).matches(name));
      assert.equal(unitOf(rules, name), first ?? null, name);
    }
  });

  it("does no part above the limit, and looks each name up once", () => {
    const rules = rulesOf([
      ...Array.from({ length: 60 }, (_, i) => `(a|b)*${"x?".repeat(90)}c${i}`),
      "H1:[A-Z]+",
    ]);
    const channels = [
      { name: "b".repeat(255) },
      ...Array.from({ length: 500 }, (_, i) => ({ name: `H1:SUS${i}` })),
    ];
    let most = 0;
    for (const steps of rules.finding(channels)) most = Math.max(most, steps);
    assert.ok(most <= PART_STEPS_MAX, `${most} steps`);
    let again = 0;
    for (const steps of rules.finding(channels)) again += steps;
    assert.ok(again <= 2 * PART_STEPS_MAX, `${again} steps`);
    assert.equal(rules.known("H1:SUS499")?.unit, "H1:[A-Z]+");
    assert.equal(rules.known("b".repeat(255)), null);
    assert.equal(rules.known("not looked up"), undefined);
  });

  it("keeps a limited number of results", () => {
    const rules = rulesOf(["A"]);
    const names = function* (count: number) {
      for (let i = 0; i < count; i++) yield { name: `A${i}` };
    };
    finish(rules.finding(names(100_000)));
    assert.equal(rules.known("A0")?.unit, "A");
    finish(rules.finding(names(300_000)));
    assert.equal(rules.known("A0"), undefined);
    assert.equal(rules.known("A200000")?.unit, "A");
    assert.equal(rules.known("A299999")?.unit, "A");
  });

  it("names an expression with which one name would cost too much", () => {
    const large = (prefix: string, i: number) =>
      `${prefix}.*${"[a-z]x".repeat(100)}${i}`;
    const count = Math.ceil(NAME_SIZE_MAX / 200);
    const apart = Array.from(
      { length: 4 * count },
      (_, i) => large(`C${i}:`, i),
    );
    assert.equal(rulesOf(apart).tooCostly(), null);
    const together = Array.from(
      { length: count },
      (_, i) => large(i % 2 ? "H1:" : "H1:SUS", i),
    );
    assert.ok(rulesOf(together).tooCostly()! > count / 2);
  });
});

describe("ChannelNotes", () => {
  const A = { name: "A" };

  it("gives a stream that is being opened the notes of one content", () => {
    const notes = new ChannelNotes();
    assert.deepEqual(notes.listOf([A]), { version: 0, notes: [null] });
    const noted = { ...A, note: note("of an upstream") };
    assert.deepEqual(notes.of(noted), noted.note);
    notes.use(rulesOf(["A"]));
    finish(notes.finding([A]));
    assert.equal(notes.of(noted)?.unit, "A");
    const selection = notes.forChannels([A]);
    assert.equal(selection.version, 1);
    assert.equal(selection.now().notes[0]?.unit, "A");
    notes.use(rulesOf([".*"]));
    // Looked up under the first content, and opened under the second one.
    assert.equal(selection.version, 2);
    assert.equal(selection.now().version, 1);
    assert.equal(selection.now().notes[0]?.unit, "A");
    assert.equal(notes.of(A)?.unit, "A");
    finish(notes.finding([A]));
    assert.equal(selection.now().version, 2);
    assert.equal(selection.now().notes[0]?.unit, ".*");
  });
});
