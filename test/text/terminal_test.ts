// Text of others in a terminal: what is escaped, what stays, how wide it is.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  cutToColumns,
  padToColumns,
  textColumns,
} from "../../src/text/columns.ts";
import { terminalText } from "../../src/text/terminal.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("terminalText()", () => {
  it("leaves nothing that controls a terminal", () => {
    for (const name of [...HOSTILE_NAMES, "\ud800", "\0"]) {
      assert.doesNotMatch(terminalText(name), UNSAFE);
    }
  });

  it("shows which character there was", () => {
    assert.equal(
      terminalText("\x1b[2J\n\u202e\u{e0041}\ud800"),
      "\\x1b[2J\\x0a\\u202e\\u{e0041}\\ud800",
    );
  });

  it("keeps ordinary text as it is", () => {
    for (const text of ["H1:A-B_C", "naïve 😀 é", "a b", "日本"]) {
      assert.equal(terminalText(text), text);
    }
  });
});

describe("columns", () => {
  it("count wide characters twice and marks not at all", () => {
    assert.equal(textColumns("abc"), 3);
    assert.equal(textColumns("日本"), 4);
    assert.equal(textColumns("😀"), 2);
    assert.equal(textColumns("e\u0301"), 1);
  });

  it("of a cut text never exceed the given width, and no character is cut in half", () => {
    for (const name of HOSTILE_NAMES.map(terminalText)) {
      for (const columns of [1, 2, 5, 44]) {
        const text = cutToColumns(name, columns);
        assert.ok(textColumns(text) <= columns, `${columns}: ${text}`);
        assert.ok(text.isWellFormed());
        assert.equal(textColumns(padToColumns(text, 50)), 50);
      }
    }
    assert.equal(cutToColumns("日本語", 5), "日本…");
    assert.equal(cutToColumns("日本語", 6), "日本語");
  });
});
