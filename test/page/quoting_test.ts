// Each quoting is read back by what reads it: a shell, a query, JSON, JavaScript. Python and SQL: integration/copy_as_test.ts.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  jsonText,
  printable,
  pythonString,
  queryEncoded,
  shellQuoted,
  sqlName,
} from "../../src/page/quoting.js";
import { HOSTILE_NAMES } from "../hostile_names.ts";

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("shellQuoted()", () => {
  it("is one word, as it was", async () => {
    const words = HOSTILE_NAMES.map(shellQuoted).join(" ");
    const { stdout, stderr, success } = await new Deno.Command("sh", {
      args: ["-c", `printf '%s\\0' ${words}`],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const out = new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout);
    assert.deepEqual(out.split("\0").slice(0, -1), HOSTILE_NAMES);
  });
});

describe("printable()", () => {
  it("leaves nothing that reverses or hides text (a link could show another name than that of its channel)", () => {
    assert.equal(printable("H1:A\u202eB\u{e0041}"), "H1:A\\u202eB\\ue0041");
    for (const name of HOSTILE_NAMES) {
      assert.doesNotMatch(printable(name), UNPRINTABLE);
    }
    assert.equal(printable("H1:GWOSC-4KHZ é"), "H1:GWOSC-4KHZ é");
  });
});

describe("queryEncoded()", () => {
  it("is read back as one value, and has no character that a shell or curl acts on", () => {
    for (const name of HOSTILE_NAMES) {
      const text = queryEncoded(name);
      assert.match(text, /^[\w.:%-]+$/);
      const { searchParams } = new URL(`http://h/?channels=${text}&x=1`);
      assert.deepEqual([...searchParams], [["channels", name], ["x", "1"]]);
    }
  });

  it("keeps a usual name readable", () => {
    assert.equal(queryEncoded("H1:GDS-CALIB_STRAIN"), "H1:GDS-CALIB_STRAIN");
  });

  it("has a replacement for half a surrogate pair, which no URL can hold", () => {
    assert.equal(queryEncoded("a\ud800"), "a%EF%BF%BD");
  });
});

describe("jsonText()", () => {
  it("is JSON and JavaScript of the same value, printable, and ends no script element", () => {
    const all = [...HOSTILE_NAMES, "\ud800", "\0"];
    const text = jsonText(all);
    assert.deepEqual(JSON.parse(text), all);
    assert.deepEqual(new Function(`return ${text}`)(), all);
    assert.doesNotMatch(text, UNPRINTABLE);
    assert.ok(!text.includes("<"));
  });
});

describe("pythonString()", () => {
  it("is printable and has no quote of its own inside", () => {
    for (const name of HOSTILE_NAMES) {
      const text = pythonString(name);
      assert.doesNotMatch(text, UNPRINTABLE);
      assert.match(text, /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')$/su);
    }
  });

  it("writes characters beyond 16 bits as one", () => {
    assert.equal(
      pythonString("\u{e0041}\x07\u202e"),
      '"\\U000e0041\\x07\\u202e"',
    );
  });
});

describe("sqlName()", () => {
  it("doubles what would end it", () => {
    assert.equal(sqlName('a"b'), '"a""b"');
  });
});
