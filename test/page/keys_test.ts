// The keys of the page: those of the help, of the document and those that act are the same.
// Invariant: a key has one function, and is listed once.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { KEYS } from "../../src/page/keys.js";

/** Names of keys in the document. */
const NAMES: Record<string, string> = {
  space: " ",
  Esc: "Escape",
  "←": "ArrowLeft",
  "→": "ArrowRight",
};

describe("keys of the page", () => {
  const all = KEYS.flatMap(([keys]) => keys).sort();

  it("have one function each", () => {
    assert.deepEqual(all, [...new Set(all)]);
    const actions = KEYS.map(([, action]) => action);
    assert.deepEqual(actions, [...new Set(actions)]);
  });

  it("stand once in the document, and no others", async () => {
    const page = new URL("../../docs/page.md", import.meta.url);
    const table =
      (await Deno.readTextFile(page)).match(/^\| key [^]*?\n\n/m)![0];
    const documented = [...table.matchAll(/^\| (.+?) +\|/gm)].slice(2)
      .flatMap(([, cell]) => cell!.match(/(?<=`)[^` ]+(?=`)|[^`, ]{2,}|[←→]/g)!)
      .map((key) => NAMES[key] ?? key);
    assert.deepEqual(documented.sort(), all);
  });

  it("say what they do", () => {
    for (const [keys, , text] of KEYS) assert.ok(text.length > 5, keys.join());
  });
});
