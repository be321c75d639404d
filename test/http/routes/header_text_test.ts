import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  attachment,
  headerText,
  textOfHeader,
} from "../../../src/http/routes/header_text.ts";

const NAMES = ["H1:A-B_C", "Ä", "日本:電圧", "a b", "100%", "%41", 'x"y', "😀"];

describe("headerText()", () => {
  it("is printable ASCII that decodes to the name, and leaves plain names unchanged", () => {
    for (const name of NAMES) {
      const text = headerText(name);
      assert.match(text, /^[\x21-\x7e]+$/, name);
      assert.equal(textOfHeader(text), name);
    }
    assert.equal(headerText("H1:A-B_C"), "H1:A-B_C");
    assert.equal(textOfHeader("%"), undefined);
    assert.match(headerText("\ud800"), /^%EF%BF%BD$/);
  });
});

describe("attachment()", () => {
  it("names a file in ASCII, and also in full (RFC 8187) where the name has other letters", () => {
    assert.equal(
      attachment("H1:A", "_live.arrows"),
      `attachment; filename="H1_A_live.arrows"`,
    );
    assert.equal(
      attachment("Ä:é", ".arrows"),
      `attachment; filename="___.arrows"; filename*=UTF-8''%C3%84_%C3%A9.arrows`,
    );
    for (const name of [...NAMES, '"\r\nx: y', "\u202e../../etc", "\ud800"]) {
      const text = attachment(name, "");
      assert.match(
        text,
        /^attachment; filename="[\w.-]*"(; filename\*=UTF-8''[\w.%-]+)?$/,
      );
      new Headers({ "content-disposition": text });
    }
  });

  it("begins neither with a dot nor with a dash, and is not too long for a file name", () => {
    for (const start of [".", "-", "..", "-.-"]) {
      const plain = "_".repeat(start.length) + "rf.arrows";
      assert.equal(
        attachment(`${start}rf`, ".arrows"),
        `attachment; filename="${plain}"`,
      );
    }
    const rest = "_and_9999_1126259462_trend_60s.arrows";
    for (const letter of ["A", "é", "日", "😀", "𝒜"]) {
      const text = attachment(letter.repeat(255), rest);
      const [, plain] = /filename="([^"]*)"/.exec(text)!;
      assert.ok(plain!.endsWith(rest) && plain!.length <= 100 + rest.length);
      const extended = /filename\*=UTF-8''(.*)/.exec(text)?.[1] ?? "";
      const full = new TextEncoder().encode(decodeURIComponent(extended));
      assert.ok(full.byteLength <= 255, letter);
    }
  });
});
