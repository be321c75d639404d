import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import type { Grant } from "../../src/auth/grant.ts";
import { GrantsInForce } from "../../src/auth/grants_in_force.ts";
import { parsePolicy } from "../../src/auth/policy.ts";
import { ReadRules } from "../../src/auth/read_rules.ts";
import { hashOf } from "../../src/auth/token.ts";
import { parseTokenFile } from "../../src/auth/token_file.ts";
import { channel, tokenWith } from "./auth_world.ts";

const LIGO = "https://ligo.example/";
const VIRGO = "https://virgo.example/";

function policyOf(grants: unknown, issuers: readonly string[] = [LIGO]) {
  return parsePolicy(JSON.stringify({ grants }), new ReadRules(), issuers);
}

function jwt(claims: Partial<Claims>): Claims {
  return { ...ANONYMOUS, kind: "jwt", issuer: LIGO, subject: "ann", ...claims };
}

/** The channels among A, B, C that a grant allows. */
function read(grant: Grant | null): string {
  return ["A", "B", "C"].filter((n) => grant?.allows(channel(n))).join("");
}

const A = { read: [{ match: "A" }] };
const B = { read: [{ match: "B" }] };
const C = { read: [{ match: "C" }] };

describe("a policy", () => {
  it("grants what any entry that names the owner grants", async () => {
    const policy = await policyOf([
      { subject: "ann", ...A },
      { group: "/ligo", ...B },
      { scope: "arrakis.read:/", ...C, operate: true },
      { subject: "bob", read: "all" },
    ]);
    assert.equal(read(policy.grantOf(jwt({}))), "A");
    assert.equal(read(policy.grantOf(jwt({ groups: ["/ligo"] }))), "AB");
    const all = jwt({ groups: ["/ligo", "/x"], scopes: ["arrakis.read:/"] });
    assert.equal(read(policy.grantOf(all)), "ABC");
    assert.equal(policy.grantOf(all)!.isOperator, true);
    assert.equal(policy.grantOf(jwt({ subject: "bob" }))!.readsAll, true);
    assert.equal(policy.grantOf(jwt({ subject: "eve" })), null);
    // Equal rights are one grant, so that they share a view of the catalog.
    assert.equal(
      policy.grantOf(all),
      policy.grantOf({ ...all, groups: ["/ligo"] }),
    );
  });

  it("says as whom an owner may publish: as any publisher that an entry for it names", async () => {
    const policy = await policyOf([
      { subject: "ann", read: [], publish: ["CAL"] },
      { group: "/ligo", read: [], publish: ["SUS", "PEM"] },
      { group: "/all", read: [], publish: "all" },
      { anonymous: true, ...A },
    ]);
    const may = (claims: Partial<Claims>) =>
      ["CAL", "SUS", "C"].filter((publisher) =>
        policy.grantOf(jwt(claims))?.mayPublish(publisher)
      );
    assert.deepEqual(may({}), ["CAL"]);
    assert.deepEqual(may({ groups: ["/ligo"] }), ["CAL", "SUS"]);
    assert.deepEqual(may({ groups: ["/all"] }), ["CAL", "SUS", "C"]);
    assert.deepEqual(may({ subject: "bob" }), []);
    for (const publish of ["CAL", [""], [7], ["x".repeat(257)], {}, true]) {
      await assert.rejects(
        policyOf([{ subject: "ann", read: [], publish }]),
        /grant 1: 'publish' must be "all", or a list of publishers/,
      );
    }
    const publish = Array.from({ length: 65 }, (_, i) => `${i}`);
    await assert.rejects(
      policyOf([{ subject: "ann", read: [], publish }]),
      /grant 1: 'publish' has 65 items, at most 64/,
    );
  });

  it("distinguishes subjects, groups, scopes and tokens of one name", async () => {
    const policy = await policyOf([
      { subject: "x", ...A },
      { group: "x", ...B },
      { token: "x", ...C },
    ]);
    assert.equal(read(policy.grantOf(jwt({ subject: "x" }))), "A");
    assert.equal(read(policy.grantOf(jwt({ groups: ["x"] }))), "B");
    assert.equal(read(policy.grantOf(jwt({ scopes: ["x"] }))), "");
    const token: Claims = { ...ANONYMOUS, kind: "token", subject: "x" };
    assert.equal(read(policy.grantOf(token)), "C");
    // A key of the index must not be made of two names.
    assert.equal(read(policy.grantOf(jwt({ subject: "x group x" }))), "");
  });

  it("restricts an entry to an issuer, and requires one where several could give the same name", async () => {
    const both = [LIGO, VIRGO];
    const policy = await policyOf([
      { subject: "ann", issuer: LIGO, ...A },
      { subject: "ann", issuer: VIRGO, ...B },
      { scope: "s", ...C },
    ], both);
    assert.equal(read(policy.grantOf(jwt({}))), "A");
    assert.equal(read(policy.grantOf(jwt({ issuer: VIRGO }))), "B");
    const scoped = jwt({ issuer: VIRGO, scopes: ["s"] });
    assert.equal(read(policy.grantOf(scoped)), "BC");
    for (const who of [{ subject: "ann" }, { group: "/ligo" }]) {
      await assert.rejects(policyOf([{ ...who, ...A }], both), {
        message: new RegExp(
          `^grant 1: '\\w+' needs 'issuer': one of ${LIGO}, ${VIRGO}$`,
        ),
      });
      await policyOf([{ ...who, ...A }], [LIGO]);
    }
  });

  it("gives everyone what it allows without a credential", async () => {
    const policy = await policyOf([
      { anonymous: true, ...A },
      { subject: "ann", ...B },
    ]);
    assert.equal(read(policy.grantOf(ANONYMOUS)), "A");
    assert.equal(read(policy.grantOf(jwt({}))), "AB");
    assert.equal(read(policy.grantOf(jwt({ subject: "eve" }))), "A");
  });

  it("is refused as a whole when anything is wrong; the error names the entry", async () => {
    const cases: [unknown, RegExp][] = [
      [undefined, /^the file: 'grants' must be a list$/],
      [["x"], /^grant 1 must be an object$/],
      [[A], /^grant 1: needs exactly one of token, subject.*, not 0$/],
      [[{ subject: "a", group: "b", ...A }], /exactly one of .*, not 2$/],
      [[{ subject: "a", ...A }, { subject: "b" }], /^grant 2: needs 'read'/],
      [[{ subject: "", ...A }], /needs 'subject': text of 1 to 1024/],
      [[{ subject: "x".repeat(1025), ...A }], /needs 'subject'/],
      [[{ group: ["a"], ...A }], /needs 'group'/],
      [[{ token: "a b", ...A }], /needs 'token': 1 to 64 letters/],
      [[{ anonymous: false, ...A }], /'anonymous' must be true$/],
      [[{ anonymous: true, issuer: LIGO, ...A }], /'issuer' is only for/],
      [[{ token: "a", issuer: LIGO, ...A }], /'issuer' is only for/],
      [[{ subject: "a", issuer: "x", ...A }], /'issuer' is not accepted: one/],
      [[{ subject: "a", expires: "2027-01-01", ...A }], /only the fields/],
      [[{ subject: "a", read: [{ match: "[" }] }], /^grant 1, rule 1: its exp/],
      [Array(1001).fill({ subject: "a", ...A }), /at most 1000 are allowed/],
    ];
    for (const [grants, message] of cases) {
      await assert.rejects(policyOf(grants), { message });
    }
  });
});

describe("the grants in force", () => {
  it("of a token are those of its entry and of the policy together", async () => {
    const { token, entry } = tokenWith("x", { ...A, clients_max: 2 });
    const book = new GrantsInForce();
    const claims: Claims = {
      ...ANONYMOUS,
      kind: "token",
      subject: "x",
      tokenHash: hashOf(token),
    };
    assert.equal(book.grantOf(claims), "revoked");
    const text = JSON.stringify({ tokens: [entry] });
    book.replaceTokens(await parseTokenFile(text, new ReadRules()));
    assert.equal(read(book.grantOf(claims) as Grant), "A");
    book.replacePolicy(await policyOf([{ token: "x", ...B, clients_max: 9 }]));
    const grant = book.grantOf(claims) as Grant;
    assert.equal(read(grant), "AB");
    assert.equal(grant.shares.clientsMax, 9);
    assert.equal(book.grantOf(claims), grant);
    book.replacePolicy(await policyOf([]));
    assert.equal(read(book.grantOf(claims) as Grant), "A");
  });

  it("without a policy are those of a JWT's scopes; with one, scopes alone grant nothing", async () => {
    const scopes = await policyOf([{ scope: "s", ...A }]);
    const book = new GrantsInForce((claims) => scopes.grantOf(claims));
    const claims = jwt({ scopes: ["s"] });
    assert.equal(read(book.grantOf(claims) as Grant), "A");
    assert.equal(read(book.grantOf(ANONYMOUS) as Grant), "");
    book.replacePolicy(await policyOf([{ subject: "bob", ...B }]));
    assert.equal((book.grantOf(claims) as Grant).isEmpty, true);
  });

  it("take an expiry that the file has brought forward, and never a later one", async () => {
    const { token, entry } = tokenWith("x");
    const book = new GrantsInForce();
    const claims = { ...jwt({}), kind: "token", tokenHash: hashOf(token) };
    const put = async (expires: string) =>
      book.replaceTokens(
        await parseTokenFile(
          JSON.stringify({ tokens: [{ ...entry, expires }] }),
          new ReadRules(),
        ),
      );
    await put("2027-01-01");
    const day = (n: number) => Date.UTC(2027, 0, n);
    const expires = (expiresMs: number) =>
      book.expiresMsOf({ ...claims, expiresMs } as Claims);
    assert.equal(expires(Infinity), day(1));
    assert.equal(expires(day(2)), day(1));
    await put("2027-01-03");
    assert.equal(expires(day(2)), day(2));
  });

  it("have a new version after each change, and say so", async () => {
    const book = new GrantsInForce();
    const versions: number[] = [];
    book.onChange(() => versions.push(book.version));
    const first = book.version;
    book.replaceTokens(new Map());
    book.replacePolicy(await policyOf([]));
    assert.deepEqual(versions, [first + 1, first + 2]);
  });
});

describe("the rules of files", () => {
  it("are compiled once while files keep them", () => {
    const rules = new ReadRules();
    const load = (...names: string[]) => {
      rules.startLoad();
      return names.map((match) => rules.of({ match }));
    };
    const [a, again] = load("a", "a");
    assert.equal(a, again);
    assert.equal(load("b", "a")[1], a);
    load("b");
    assert.notEqual(load("a")[0], a);
  });
});
