import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { ReadRules } from "../../src/auth/read_rules.ts";
import { hashOf, isToken, newToken } from "../../src/auth/token.ts";
import { parseTokenFile, TOKENS_MAX } from "../../src/auth/token_file.ts";
import { TokenFileVerifier } from "../../src/auth/token_verifier.ts";
import { channel, tokenWith } from "./auth_world.ts";

const { token: TOKEN, entry: ALICE } = tokenWith("alice");

function parsed(content: unknown) {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return parseTokenFile(text, new ReadRules());
}

function withAlice(fields: Record<string, unknown>) {
  return { tokens: [{ ...ALICE, ...fields }] };
}

describe("a token", () => {
  it("is new each time, and has 256 random bits in base64url", () => {
    const tokens = new Set(Array.from({ length: 100 }, newToken));
    assert.equal(tokens.size, 100);
    for (const token of tokens) assert.match(token, /^qanat_[\w-]{43}$/);
    assert.equal(isToken(TOKEN), true);
    assert.equal(isToken(TOKEN + "x"), false);
    assert.equal(isToken(TOKEN.slice(0, -1)), false);
  });
});

describe("a token file", () => {
  it("gives each token its grant, limits and expiry", async () => {
    const { entry } = tokenWith("bob", {
      read: [{ match: "H1:.*", publisher: "CAL" }, { publisher: "PEM" }],
      operate: true,
      expires: "2027-01-31",
      clients_max: 3,
      histories_max: 0,
      share_percent: 50,
    });
    const tokens = await parsed({ tokens: [ALICE, entry] });
    const bob = tokens.get(entry.sha256)!;
    assert.equal(tokens.size, 2);
    assert.equal(bob.expiresMs, Date.UTC(2027, 0, 31));
    assert.equal(bob.grant.isOperator, true);
    assert.deepEqual({ ...bob.grant.shares }, {
      clientsMax: 3,
      historiesMax: 0,
      sharePercent: 50,
    });
    assert.equal(bob.grant.allows(channel("H1:A", "CAL")), true);
    assert.equal(bob.grant.allows(channel("L1:A", "CAL")), false);
    assert.equal(bob.grant.allows(channel("L1:A", "PEM")), true);
    assert.equal(tokens.get(ALICE.sha256)!.expiresMs, Infinity);
    assert.equal((await parsed({ tokens: [] })).size, 0);
  });

  it("is refused as a whole when anything is wrong; the error names the entry, and no hash or token", async () => {
    const long = "x".repeat(5000);
    const cases: [unknown, RegExp][] = [
      ["", /^it is not JSON/],
      ["[]", /^the file must be an object$/],
      [{}, /'tokens' must be a list/],
      [
        { tokens: [], more: 1 },
        /has an unknown field 'more'; it may have only the fields tokens/,
      ],
      [{ tokens: ["x"] }, /^token 1 must be an object/],
      [{ tokens: [{}] }, /^token 1: needs 'name': 1 to 64 letters/],
      [withAlice({ name: TOKEN }), /^token 1: needs 'name'/],
      [withAlice({ name: ALICE.sha256 }), /^token 1: needs 'name'/],
      [withAlice({ name: "a b" }), /needs 'name'/],
      [withAlice({ name: "x".repeat(65) }), /needs 'name'/],
      [withAlice({ sha256: TOKEN }), /^token 1 \('alice'\): needs 'sha256': /],
      [withAlice({ sha256: ALICE.sha256.toUpperCase() }), /needs 'sha256'/],
      [
        withAlice({ [TOKEN]: 1 }),
        /^token 1: has an unknown field; it may have only the fields name/,
      ],
      [withAlice({ [ALICE.sha256]: 1 }), /^token 1: has an unknown field;/],
      [withAlice({ match: "H1" }), /^token 1: has an unknown field 'match';/],
      [withAlice({ read: undefined }), /needs 'read': "all", or a list/],
      [withAlice({ read: "none" }), /needs 'read'/],
      [withAlice({ read: [{}] }), /rule 1: needs 'match', 'publisher', or/],
      [withAlice({ read: [{ match: "(" }] }), /rule 1: .* RE2 expressions/],
      [withAlice({ read: [{ match: "" }] }), /rule 1: needs 'match': an RE2/],
      [withAlice({ read: [{ match: 1 }] }), /rule 1: needs 'match': an RE2/],
      [withAlice({ read: [{ match: long }] }), /at most 4096 are allowed/],
      [withAlice({ read: [{ name: "H1" }] }), /only the fields match, pub/],
      [withAlice({ read: Array(65).fill({ match: "a" }) }), /at most 64/],
      [withAlice({ operate: "yes" }), /'operate' must be true or false/],
      [withAlice({ clients_max: 0 }), /a whole number from 1 to 1000000/],
      [withAlice({ share_percent: 1.5 }), /a whole number from 1 to 100/],
      [withAlice({ expires: "tomorrow" }), /needs 'expires': a time such as/],
      [withAlice({ expires: "2027-01-31T12:00" }), /needs 'expires'/],
      [withAlice({ expires: "2027-13-01" }), /needs 'expires'/],
      [
        { tokens: [ALICE, { ...tokenWith("x").entry, name: "alice" }] },
        /^token 2 \('alice'\): an earlier token has the same name$/,
      ],
      [
        { tokens: [ALICE, { ...ALICE, name: "bob" }] },
        /^token 2 \('bob'\): an earlier token has the same hash$/,
      ],
      [
        { tokens: Array(TOKENS_MAX + 1).fill(ALICE) },
        /'tokens' has 5001 items, at most 5000 are allowed/,
      ],
      [
        `{"tokens": [{"name": "a",\n"read": [], "read": "all"}]}`,
        /^line 2 repeats a field$/,
      ],
      [`{"tokens": ["${TOKEN}`, /^it is not JSON/],
    ];
    for (const [content, expected] of cases) {
      await assert.rejects(parsed(content), ({ message }: Error) => {
        assert.match(message, expected);
        assert.ok(!message.includes(TOKEN), message);
        assert.ok(!message.includes(ALICE.sha256), message);
        assert.ok(message.length < 300, message);
        return true;
      });
    }
  });
});

describe("the verifier of the token file", () => {
  it("knows a token by its hash alone", async () => {
    const tokens = await parsed({ tokens: [ALICE] });
    const verifier = new TokenFileVerifier(() => tokens);
    assert.equal(verifier.recognizes(TOKEN), true);
    assert.equal(verifier.recognizes("eyJh.eyJz.x"), false);
    assert.deepEqual(verifier.verify(TOKEN), {
      kind: "token",
      subject: "alice",
      issuer: "",
      groups: [],
      scopes: [],
      tokenHash: hashOf(TOKEN),
      expiresMs: Infinity,
    });
    for (const wrong of [newToken(), TOKEN.slice(0, -2), "qanat_"]) {
      const denied = verifier.verify(wrong);
      assert.ok("error" in denied && denied.error === "invalid_token");
      assert.ok(!denied.detail.includes(wrong.slice(6) || "\0"));
    }
    assert.ok("error" in verifier.verify(ALICE.sha256));
  });
});
