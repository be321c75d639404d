import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  shownText,
  textFault,
  topicPartFault,
} from "../../src/channels/channel_text.ts";

describe("textFault()", () => {
  it("lets names pass that publishers use, and letters of any language", () => {
    const names = [
      "H1:GWOSC-4KHZ_R1_STRAIN",
      "H1:CAL-DELTAL_EXTERNAL_DQ.mean,".slice(0, -1),
      "日本語:チャンネル",
      "Ωμέγα/α",
      'it\'s "odd" $(but) `visible` <b>&amp;</b> \\',
      "two words",
      "a".repeat(255),
      "é".repeat(127),
      "😀".repeat(63),
    ];
    for (const name of names) assert.equal(textFault(name), null, name);
  });

  it("names the character that a terminal, a header or a line protocol would act on", () => {
    const cases: [string, RegExp][] = [
      ["A\nB", /U\+000A/],
      ["A\r\nX: 1", /U\+000D/],
      ["\u001b[2J", /U\+001B/],
      ["A\u0000", /U\+0000/],
      ["A\u007f", /U\+007F/],
      ["A\u0085", /U\+0085/],
      ["A\u009b31m", /U\+009B/],
      ["A\u2028B", /U\+2028/],
      ["A\u2029B", /U\+2029/],
      ["A\u202egnp", /U\+202E/],
      ["A\u2066B", /U\+2066/],
      ["A\u200bB", /U\+200B/],
      ["\ufeffA", /U\+FEFF/],
      ["A\u00adB", /U\+00AD/],
      ["A\ufe0f", /U\+FE0F/],
      ["A\u3164", /U\+3164/],
      ["A\u00a0B", /U\+00A0/],
      ["A\u3000B", /U\+3000/],
      ["A\ue000", /U\+E000/],
      ["A\uffff", /U\+FFFF/],
      ["A\u{e0041}", /U\+E0041/],
      ["A\ud800B", /surrogate/],
      ["A,B", /comma/],
      [" A", /blank/],
      ["A ", /blank/],
      ["", /empty/],
      [".", /path/],
      ["..", /path/],
      ["a".repeat(256), /255 bytes/],
      ["é".repeat(128), /255 bytes/],
      ["a".repeat(10_000_000), /255 bytes/],
    ];
    for (const [name, fault] of cases) {
      assert.match(String(textFault(name)), fault, JSON.stringify(name));
    }
  });
});

describe("topicPartFault()", () => {
  it("allows the characters that Kafka allows in the name of a topic", () => {
    assert.equal(topicPartFault("H1_A.b-1"), null);
    for (const text of ["", "a b", "a/b", "é", "a\n", "a".repeat(250)]) {
      assert.notEqual(topicPartFault(text), null, text);
    }
  });
});

describe("shownText()", () => {
  it("has nothing that textFault() would find, whatever it is given", () => {
    assert.equal(shownText("H1:A-B"), "H1:A-B");
    assert.equal(shownText("A\u001b[2J\ud800"), "AU+001B[2J\ufffd");
    const long = shownText("\n".repeat(1000));
    assert.ok(long.endsWith("U+000A…"));
    assert.ok(!/\p{Cc}/u.test(long));
  });
});
