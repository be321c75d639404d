// The token for upstreams in a file that changes while a relay runs.
// Invariant: no damage to the file, and no mistake in it, shows a token or takes the one away that worked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { UpstreamToken } from "../../src/source/upstream_token.ts";
import { jsonLogger } from "../../src/telemetry/log.ts";

let folder: string;
let path: string;
let lines: string[];
let token: UpstreamToken;

beforeEach(async () => {
  folder = await Deno.makeTempDir();
  path = `${folder}/token`;
  lines = [];
  token = new UpstreamToken(
    path,
    jsonLogger((line) => lines.push(line), "info"),
  );
});

afterEach(() => Deno.remove(folder, { recursive: true }));

describe("UpstreamToken", () => {
  it("reads the file each time", async () => {
    for (const text of ["first", "second\n"]) {
      await Deno.writeTextFile(path, text);
      assert.equal(await token.read(), text.trim());
    }
  });

  for (
    const [what, text, reason] of [
      ["missing", null, /there is no such file/],
      ["empty", " \n", /is empty/],
      ["two lines", "secret\nanother", /one token, of letters/],
      ["with a comment", "secret # of the relay", /one token, of letters/],
      ["no ASCII", "sécret", /one token, of letters/],
      ["too long", "secret".repeat(10_000), /larger than/],
    ] as const
  ) {
    it(`refuses a file that is ${what}, without its content`, async () => {
      if (text !== null) await Deno.writeTextFile(path, text);
      const error = await token.read()
        .then(() => assert.fail(), (error: Error) => error);
      assert.match(error.message, reason);
      assert.match(error.message, /--upstream-token-file/);
      assert.doesNotMatch(error.message, /cret/);
    });

    it(`keeps the last token when the file is ${what}, and logs it once`, async () => {
      await Deno.writeTextFile(path, "worked");
      await token.read();
      await Deno.remove(path);
      if (text !== null) await Deno.writeTextFile(path, text);
      for (let i = 0; i < 3; i++) assert.equal(await token.read(), "worked");
      assert.equal(lines.length, 1);
      const line = JSON.parse(lines[0]!);
      assert.equal(line.event, "upstream-token-file-invalid");
      assert.match(line.reason, reason);
      assert.doesNotMatch(lines[0]!, /cret|worked/);
      await Deno.writeTextFile(path, "new");
      assert.equal(await token.read(), "new");
    });
  }
});
