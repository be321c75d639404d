import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseToken } from "../../src/token/options.ts";

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const FILE = "--file=t.json";

function optionsOf(...args: string[]) {
  const parsed = parseToken(args, undefined, NOW_MS);
  assert.ok(parsed.kind === "options", JSON.stringify(parsed));
  return parsed.options;
}

function grantOf(...args: string[]) {
  const options = optionsOf("add", "alice", FILE, ...args);
  assert.ok(options.command === "add");
  return options.grant;
}

describe("deno task token", () => {
  it("takes add, list and revoke with a file, by flag or by variable", () => {
    assert.deepEqual(optionsOf("list", FILE), {
      command: "list",
      file: "t.json",
    });
    const parsed = parseToken(["revoke", "a@b.org"], "v.json", NOW_MS);
    assert.deepEqual(parsed, {
      kind: "options",
      options: { command: "revoke", name: "a@b.org", file: "v.json" },
    });
    assert.equal(parseToken(["--help"], undefined, NOW_MS).kind, "help");
    assert.equal(parseToken([], undefined, NOW_MS).kind, "help");
  });

  it("makes a rule of each --match, with the --publisher behind it", () => {
    assert.deepEqual(grantOf("--read=all"), { read: "all" });
    assert.deepEqual(grantOf("--read=none"), { read: [] });
    assert.deepEqual(grantOf("--operate"), { read: [], operate: true });
    assert.deepEqual(grantOf("--read=all", "--relay"), {
      read: "all",
      relay: true,
    });
    const args = "--match A --match B --publisher P --operate --match=C";
    assert.deepEqual(grantOf(...args.split(" ")).read, [
      { match: "A" },
      { match: "B", publisher: "P" },
      { match: "C" },
    ]);
  });

  it("takes publishers as which the token may publish", () => {
    assert.deepEqual(grantOf("--publish=CAL", "--publish=SUS"), {
      read: [],
      publish: ["CAL", "SUS"],
    });
    assert.deepEqual(grantOf("--read=all", "--publish=all"), {
      read: "all",
      publish: "all",
    });
  });

  it("takes limits, and an expiry as a time or in days", () => {
    const grant = grantOf(
      "--read=all",
      "--expires=90d",
      "--clients-max=3",
      "--histories-max=0",
      "--share-percent=50",
    );
    assert.deepEqual(grant, {
      read: "all",
      expires: "2026-04-01T12:00:00Z",
      clients_max: 3,
      histories_max: 0,
      share_percent: 50,
    });
    const until = "2026-01-01T14:00:00+01:00";
    assert.equal(grantOf("--read=all", `--expires=${until}`).expires, until);
  });

  it("refuses by one line what is wrong, and shows no misplaced secret", () => {
    const token = "qanat_" + "A".repeat(43);
    const hash = "0f".repeat(32);
    const cases: [string[], RegExp][] = [
      [["list"], /^--file FILE is needed/],
      [["show", FILE], /^The first argument must be add, list or revoke/],
      [["list", "a", FILE], /^list takes no name/],
      [["add", FILE], /^add needs a name: 1 to 64 letters/],
      [["add", "a b", FILE], /^add needs a name/],
      [["add", token, "--read=all", FILE], /^add needs a name/],
      [["revoke", token, FILE], /^revoke needs a name/],
      [["revoke", hash, FILE], /^revoke needs a name/],
      [["revoke", "a", "b", FILE], /^revoke takes one name/],
      [["list", "--match=a", FILE], /^--match is only for add/],
      [
        ["add", "a", FILE],
        /^add needs --read all, --match RE2, --publish NAME/,
      ],
      [
        ["add", "a", `--publish=${"x".repeat(257)}`, FILE],
        /^--publish must be all, or at most 64 names/,
      ],
      [["add", "a", "--read=some", FILE], /^--read must be all or none/],
      [["add", "a", "--read=all", "--match=b", FILE], /do not go together/],
      [["add", "a", "--publisher=P", FILE], /^--publisher must stand/],
      [
        ["add", "a", "--publisher=P", "--match=b", FILE],
        /^--publisher must stand directly behind its --match/,
      ],
      [
        ["add", "a", "--match=b", "--operate", "--publisher=P", FILE],
        /^--publisher must stand directly behind its --match/,
      ],
      [["add", "a", "--match=(", FILE], /^--match must be an RE2 expression/],
      [
        ["add", "a", "--match=b", "--publisher=[", FILE],
        /^--publisher must be an RE2 expression/,
      ],
      [
        ["add", "a", "--read=all", "--expires=soon", FILE],
        /^--expires must be/,
      ],
      [["add", "a", "--read=all", "--expires=0d", FILE], /from 1 to 36500/],
      [
        ["add", "a", "--read=all", "--expires=2025-12-31", FILE],
        /^--expires must be in the future/,
      ],
      [
        ["add", "a", "--read=all", "--clients-max=0", FILE],
        /from 1 to 1000000/,
      ],
      [["add", "a", "--reed=all", FILE], /did you mean --read\?/],
    ];
    for (const [args, expected] of cases) {
      const parsed = parseToken(args, undefined, NOW_MS);
      assert.ok(parsed.kind === "error", args.join(" "));
      assert.match(parsed.message, expected);
      assert.match(parsed.message, /; --help shows all$/);
      assert.ok(!parsed.message.includes(token));
      assert.ok(!parsed.message.includes(hash));
    }
  });
});
