import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { hashOf, isToken } from "../../src/auth/token.ts";
import { TokenStore } from "../../src/token/token_store.ts";
import { tokenTable } from "../../src/token/token_text.ts";
import { Folder, tokenWith } from "../auth/auth_world.ts";

const ALL = { read: "all" } as const;

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

describe("a token file on disk", () => {
  it("is made by the first token, for its owner alone; it contains hashes and no token", async () => {
    using folder = new Folder();
    const path = folder.at("tokens.json");
    const store = new TokenStore(path);
    const alice = await store.add("alice", ALL);
    const bob = await store.add("bob", { read: [{ match: "H1:.*" }] });
    assert.ok(isToken(alice) && isToken(bob) && alice !== bob);
    assert.equal(modeOf(path), 0o600);
    const text = Deno.readTextFileSync(path);
    assert.ok(!text.includes("qanat_"));
    assert.deepEqual(JSON.parse(text), {
      tokens: [
        { name: "alice", sha256: hashOf(alice), read: "all" },
        { name: "bob", sha256: hashOf(bob), read: [{ match: "H1:.*" }] },
      ],
    });
    assert.deepEqual([...Deno.readDirSync(folder.path)].map((e) => e.name), [
      "tokens.json",
    ]);
  });

  it("is replaced as a whole: who has it open reads the old one; its mode and its link stay", async () => {
    using folder = new Folder();
    Deno.mkdirSync(folder.at("real"));
    const { entry } = tokenWith("alice");
    const path = folder.write("real/tokens.json", { tokens: [entry] });
    Deno.chmodSync(path, 0o640);
    Deno.symlinkSync("real/tokens.json", folder.at("link.json"));
    using open = Deno.openSync(path);
    const before = Deno.readTextFileSync(path);
    await new TokenStore(folder.at("link.json")).revoke("alice");
    const bytes = new Uint8Array(1000);
    const read = open.readSync(bytes)!;
    assert.equal(new TextDecoder().decode(bytes.subarray(0, read)), before);
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(path)), { tokens: [] });
    assert.equal(modeOf(path), 0o640);
    assert.ok(Deno.lstatSync(folder.at("link.json")).isSymlink);
  });

  it("is left as it is when it is not valid, or another process changes it, or nothing would change", async () => {
    using folder = new Folder();
    const { entry } = tokenWith("alice");
    const path = folder.write("tokens.json", { tokens: [entry] });
    const store = new TokenStore(path);
    const unchanged = async (work: Promise<unknown>, message: RegExp) => {
      const before = Deno.readTextFileSync(path);
      await assert.rejects(work, { name: "TokenStoreError", message });
      assert.equal(Deno.readTextFileSync(path), before);
    };
    await unchanged(store.add("alice", ALL), /already a token 'alice'/);
    await unchanged(store.revoke("bob"), /^There is no token 'bob'/);
    folder.write("tokens.json.new", "");
    await unchanged(store.add("bob", ALL), /Another process .* remove .*\.new/);
    assert.ok(Deno.statSync(folder.at("tokens.json.new")).isFile);
    Deno.removeSync(folder.at("tokens.json.new"));
    folder.write("tokens.json", { tokens: [{ ...entry, note: "x" }] });
    await unchanged(
      store.add("bob", ALL),
      /token 1: has an unknown field.*; it may have only the fields/,
    );
    await unchanged(store.revoke("alice"), /token 1: has an unknown field/);
    folder.write("tokens.json", "{");
    await unchanged(store.list(), /it is not JSON/);
    assert.equal([...Deno.readDirSync(folder.path)].length, 1);
  });

  it("is refused when it or its folder does not exist; add needs only the folder", async () => {
    using folder = new Folder();
    const none = { name: "TokenStoreError", message: /there is no such file/ };
    const store = new TokenStore(folder.at("none.json"));
    await assert.rejects(store.revoke("a"), none);
    await assert.rejects(store.list(), none);
    await assert.rejects(new TokenStore(folder.at("x/t")).add("a", ALL), none);
  });

  it("never gets more tokens than a service reads", async () => {
    using folder = new Folder();
    const tokens = Array.from(
      { length: 5000 },
      (_, i) => tokenWith(`t${i}`, { read: [] }).entry,
    );
    const store = new TokenStore(folder.write("tokens.json", { tokens }));
    await assert.rejects(store.add("more", ALL), {
      message: /^The file would not be valid: .* at most 5000 are allowed$/,
    });
  });
});

describe("the list of tokens", () => {
  it("shows names, expiry and grants, and no hash", () => {
    const entries = [
      tokenWith("alice").entry,
      tokenWith("robot-1", {
        read: [{ match: "H1:.*", publisher: "CAL" }, { publisher: "P\u202e" }],
        operate: true,
        expires: "2026-01-31",
        clients_max: 2,
      }).entry,
      tokenWith("c", { read: [], expires: "2027-01-31" }).entry,
    ];
    assert.equal(
      tokenTable(entries as never, Date.UTC(2026, 6)),
      "NAME     EXPIRES            MAY\n" +
        "alice    never              read all\n" +
        "robot-1  2026-01-31 (over)  read H1:.* of publisher CAL; read of publisher P\\u202e; operate; at most clients: 2\n" +
        "c        2027-01-31         nothing by itself\n",
    );
  });
});
