import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { finish } from "../../src/channels/sliced_work.ts";
import { Turns } from "../../src/files/turns.ts";
import {
  NOTE_EXPRESSIONS_MAX,
  NOTES_MAX,
  parseNotes,
} from "../../src/notes/notes_file.ts";

type Entry = Record<string, unknown>;

function parse(...notes: readonly unknown[]) {
  return parseNotes(JSON.stringify({ notes }, null, 1), new Turns());
}

async function refusal(parsed: Promise<unknown>): Promise<string> {
  let message = "";
  await assert.rejects(parsed, (error: Error) => {
    message = error.message;
    return true;
  });
  return message;
}

const RIGHT: Entry = { channel: "A", unit: "m" };

describe("parseNotes()", () => {
  it("reads what the file says", async () => {
    const rules = await parse(
      { channel: "H1:A", unit: "m/s²", range: [-1, 2.5] },
      { match: "H1:.*_DQ", description: "A recorded channel" },
    );
    assert.equal(rules.size, 2);
    finish(rules.finding([{ name: "H1:A" }, { name: "H1:B_DQ" }]));
    assert.deepEqual(rules.known("H1:A"), {
      unit: "m/s²",
      description: null,
      range: [-1, 2.5],
    });
    assert.deepEqual(rules.known("H1:B_DQ"), {
      unit: null,
      description: "A recorded channel",
      range: null,
    });
  });

  it("takes an empty list", async () => {
    assert.equal((await parse()).size, 0);
  });

  const refused: [string, Entry, RegExp][] = [
    ["no channel", { unit: "m" }, /^line 7: a note needs either 'channel' or/],
    [
      "channel and match",
      { channel: "B", match: "C", unit: "m" },
      /^line 7: a note needs either 'channel' or 'match'$/,
    ],
    ["nothing noted", { channel: "B" }, /^line 7: a note needs 'unit', 'desc/],
    [
      "an unknown field",
      { channel: "B", units: "m" },
      /^line 9: unknown field units; there are channel, match, unit,/,
    ],
    [
      "a name with a comma",
      { channel: "B,C", unit: "m" },
      /^line 8: channel must not have a comma/,
    ],
    [
      "a channel twice",
      { channel: "A", unit: "s" },
      /^line 8: an earlier note has the channel A; each has one$/,
    ],
    [
      "an expression that is not closed",
      { match: "H1:(", unit: "m" },
      /^line 8: match must be an RE2 expression: missing closing \)/,
    ],
    [
      "an expression that is too large",
      { match: "[a-z]{300}", unit: "m" },
      /^line 8: match must be an RE2 expression: it can take \d+ instructions/,
    ],
    [
      "a unit that reverses text",
      { channel: "B", unit: "m\u202e" },
      /^line 9: unit must not have the character U\+202E$/,
    ],
    [
      "a long unit",
      { channel: "B", unit: "m".repeat(51) },
      /^line 9: unit must have at most 50 characters$/,
    ],
    [
      "a description of two lines",
      { channel: "B", description: "a\nb" },
      /^line 9: description must not have the character U\+000A$/,
    ],
    [
      "a range of one number",
      { channel: "B", range: [1] },
      /^line 9: range must be two numbers, the lower one first$/,
    ],
    [
      "a range that is upside down",
      { channel: "B", range: [2, 1] },
      /^line 9: range must be two numbers, the lower one first$/,
    ],
  ];
  for (const [what, entry, message] of refused) {
    it(`refuses ${what}, and names the line`, async () => {
      assert.match(await refusal(parse(RIGHT, entry)), message);
    });
  }

  it("refuses what is not of this form", async () => {
    const turns = () => new Turns();
    assert.match(
      await refusal(parseNotes("[", turns())),
      /^it is not JSON: line 1, column 2$/,
    );
    assert.match(
      await refusal(parseNotes("[]", turns())),
      /^line 1: it must be an object with the fields notes$/,
    );
    assert.match(await refusal(parse(5)), /^line 3: it must be an object/);
  });

  it("refuses too many notes, and too many expressions", async () => {
    const many = Array.from(
      { length: NOTES_MAX + 1 },
      (_, i) => ({ channel: `A${i}`, unit: "m" }),
    );
    assert.match(
      await refusal(parse(...many)),
      /^line 2: notes must be a list of at most 50000$/,
    );
    const expressions = Array.from(
      { length: NOTE_EXPRESSIONS_MAX + 1 },
      (_, i) => ({ match: `A${i}`, unit: "m" }),
    );
    assert.match(
      await refusal(parse(...expressions)),
      /^line 4004: at most 1000 notes can have 'match'; give others 'channel'$/,
    );
    const costly = Array.from(
      { length: 100 },
      (_, i) => ({ match: `.*${"[a-z]x".repeat(100)}${i}`, unit: "m" }),
    );
    assert.match(
      await refusal(parse(...costly)),
      /^line \d+: with this expression, one name can need more than 4096 instr/,
    );
  });
});
