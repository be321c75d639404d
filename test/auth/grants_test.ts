import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { AccessControl } from "../../src/auth/access_control.ts";
import { CatalogViews } from "../../src/auth/catalog_views.ts";
import { ChannelChecks } from "../../src/auth/channel_checks.ts";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { FULL_GRANT, Grant } from "../../src/auth/grant.ts";
import { Principal } from "../../src/auth/principal.ts";
import { ReadRule } from "../../src/auth/read_rule.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { finish } from "../../src/channels/sliced_work.ts";
import { Random } from "../random.ts";
import { catalogOf, channel } from "./auth_world.ts";

const ALICE: Claims = { ...ANONYMOUS, kind: "token", subject: "alice" };

function names(catalog: Catalog): string[] {
  return catalog.find({}).map(({ name }) => name);
}

function grant(...rules: ConstructorParameters<typeof ReadRule>[0][]): Grant {
  return new Grant({ read: rules.map((rule) => new ReadRule(rule)) });
}

describe("a read rule", () => {
  it("has to match the whole name: a rule for H1 does not allow H10", () => {
    const rule = new ReadRule({ match: "H1" });
    assert.equal(rule.allows(channel("H1")), true);
    assert.equal(rule.allows(channel("H10")), false);
    assert.equal(rule.allows(channel("XH1")), false);
  });

  it("cannot be widened by brackets or by branches", () => {
    assert.throws(() => new ReadRule({ match: "a)|(.*" }));
    assert.equal(new ReadRule({ match: "a|b" }).allows(channel("bc")), false);
  });

  it("of plain texts means what the engine says of the whole name", () => {
    const random = new Random(15);
    const piece = () =>
      random.of(["a", "ab", "b", "", "^a", "a.*", "^b.*", ".*"]);
    for (let i = 0; i < 300; i++) {
      const match = Array.from({ length: 1 + random.below(3) }, piece).join(
        "|",
      );
      const rule = new ReadRule({ match });
      const engine = new RegExp(`^(?:${match})$`);
      for (
        const name of ["a", "ab", "abc", "b", "ba", "ca", ".*", "^a", "a.*"]
      ) {
        const isAllowed = rule.allows(channel(name));
        assert.equal(isAllowed, engine.test(name), `${match} of ${name}`);
        const isPrefixed = rule.prefixes.some((p) => name.startsWith(p));
        assert.ok(isPrefixed || !isAllowed, `${match}: ${rule.prefixes}`);
      }
    }
  });

  it("has the prefixes of the names that it may allow", () => {
    const prefixesOf = (...args: ConstructorParameters<typeof ReadRule>) =>
      new ReadRule(...args).prefixes;
    assert.deepEqual(prefixesOf({ match: "H1:CAL-.*_[XY]" }), ["H1:CAL-"]);
    assert.deepEqual(prefixesOf({ match: "H1:A|L1:B.*" }), ["H1:A", "L1:B"]);
    assert.deepEqual(prefixesOf({ match: ".*_X" }), [""]);
    assert.deepEqual(prefixesOf({ match: "(?i)h1.*" }), [""]);
    assert.deepEqual(prefixesOf({ publisher: "CAL" }), [""]);
    assert.deepEqual(prefixesOf({ exactName: "A", exactPublisher: "P" }), [
      "A",
    ]);
  });

  it("restricts publishers as a whole too", () => {
    const rule = new ReadRule({ publisher: "CAL" });
    assert.equal(rule.allows(channel("A", "CAL")), true);
    assert.equal(rule.allows(channel("A", "CAL2")), false);
  });
});

describe("a union of grants", () => {
  it("allows what any of them allows, and takes the largest limits", () => {
    const union = Grant.union([
      new Grant({
        read: [new ReadRule({ match: "A" })],
        shares: { clientsMax: 3 },
      }),
      new Grant({
        read: [new ReadRule({ match: "B" })],
        isOperator: true,
        shares: { clientsMax: 5, sharePercent: 10 },
      }),
    ]);
    assert.equal(union.allows(channel("A")), true);
    assert.equal(union.allows(channel("B")), true);
    assert.equal(union.allows(channel("C")), false);
    assert.equal(union.isOperator, true);
    assert.deepEqual({ ...union.shares }, {
      clientsMax: 5,
      historiesMax: undefined,
      sharePercent: 10,
    });
  });
});

describe("a view of the catalog", () => {
  it("holds what its grant allows, and follows changes", () => {
    const catalog = catalogOf(channel("A1"), channel("B1"));
    const views = new CatalogViews({ catalog });
    const view = finish(views.gathering(grant({ match: "A.*" })));
    assert.deepEqual(names(view), ["A1"]);
    catalog.set(channel("A2"));
    catalog.set(channel("B2"));
    assert.deepEqual(names(view), ["A1", "A2"]);
    catalog.remove("A1", null);
    assert.deepEqual(names(view), ["A2"]);
    views.close();
    catalog.set(channel("A3"));
    assert.deepEqual(names(view), ["A2"]);
  });

  it("loses a channel whose new publisher is not allowed", () => {
    const catalog = catalogOf(channel("A", "CAL"));
    const views = new CatalogViews({ catalog });
    const view = finish(views.gathering(grant({ publisher: "CAL" })));
    catalog.set(channel("A", "OTHER"));
    assert.deepEqual(names(view), []);
  });

  it("follows changes while it is being gathered, by several requests together", () => {
    const catalog = catalogOf(
      ...Array.from({ length: 2000 }, (_, i) => channel(`A${i}`)),
    );
    const views = new CatalogViews({ catalog });
    const asked = grant({ match: "A.*" });
    const works = [views.gathering(asked), views.gathering(asked)];
    works[0]!.next();
    works[1]!.next();
    catalog.remove("A1999", null);
    catalog.set(channel("A2000"));
    const found = works.map(finish);
    assert.equal(found[0], found[1]);
    assert.equal(found[0]!.size, 2000);
    assert.equal(found[0]!.get("A1999", null), undefined);
    assert.equal(views.counters.gathered, 1);
  });

  it("is gathered without a look at channels that no prefix of its rules leaves, in all contexts", () => {
    const stepsOf = (others: number, match: string) => {
      const catalog = catalogOf(
        channel("A1"),
        { ...channel("A2"), replayId: "r" },
        ...Array.from({ length: others }, (_, i) => channel(`B${i}`)),
      );
      // The names are sorted once, for all.
      catalog.find({});
      const work = new CatalogViews({ catalog }).gathering(grant({ match }));
      let steps = 0;
      for (;;) {
        const part = work.next();
        if (part.done) {
          assert.deepEqual(names(part.value), ["A1"]);
          assert.ok(part.value.get("A2", "r"));
          return steps;
        }
        steps += part.value;
      }
    };
    assert.equal(stepsOf(5000, "A.*"), stepsOf(1, "A.*"));
  });

  it("is the catalog itself for who may read everything", () => {
    const catalog = catalogOf(channel("A"));
    assert.equal(new CatalogViews({ catalog }).known(FULL_GRANT), catalog);
  });

  it("is dropped when there are too many, the least recently used one first", () => {
    const catalog = catalogOf(channel("A"));
    const views = new CatalogViews({ catalog, viewsMax: 2 });
    const [a, b, c] = ["A", "B", "C"].map((match) => grant({ match }));
    finish(views.gathering(a!));
    finish(views.gathering(b!));
    views.known(a!);
    finish(views.gathering(c!));
    assert.equal(views.size, 2);
    assert.notEqual(views.known(a!), null);
    assert.equal(views.known(b!), null);
    assert.equal(views.counters.dropped, 1);
  });
});

const CHANNELS = [channel("A"), channel("B")];

describe("the rights of a stream", () => {
  function bookOf(grants: { now: Grant | "revoked" }) {
    return {
      version: 0,
      grantOf: () => grants.now,
      expiresMsOf: ({ expiresMs }: Claims) => expiresMs,
      onChange: () => {},
    };
  }

  /** The rights of a stream of channels that were found by the principal's grant. */
  function rightsOf(principal: Principal, unixMs: () => number = () => 0) {
    const views = new CatalogViews({ catalog: catalogOf(...CHANNELS) });
    const checks = new ChannelChecks(views);
    return principal.rights({ unixMs, checks, foundBy: principal.grant });
  }

  it("are lost when the credential expires", () => {
    const book = bookOf({ now: FULL_GRANT });
    const principal = new Principal({ ...ALICE, expiresMs: 1000 }, book);
    let nowMs = 999;
    const rights = rightsOf(principal, () => nowMs);
    assert.equal(rights.lost(CHANNELS), null);
    nowMs = 1000;
    assert.equal(rights.lost(CHANNELS), "expired");
  });

  it("are lost when the token is revoked, or a channel is no longer allowed", () => {
    const grants: { now: Grant | "revoked" } = { now: FULL_GRANT };
    const book = bookOf(grants);
    const principal = new Principal(ALICE, book);
    const rights = rightsOf(principal);
    assert.equal(rights.lost(CHANNELS), null);
    grants.now = grant({ match: "A|B" });
    book.version++;
    assert.equal(rights.lost(CHANNELS), null);
    grants.now = grant({ match: "A" });
    book.version++;
    assert.equal(rights.lost(CHANNELS), "removed");
    grants.now = "revoked";
    book.version++;
    assert.equal(rights.lost(CHANNELS), "revoked");
  });
});

describe("access control", () => {
  const verifiers = [{
    kindText: "a token of this test",
    recognizes: (token: string) => token.startsWith("t-"),
    verify: () => ALICE,
    vouchesFor: () => true,
  }];

  it("without verifiers lets everyone read everything", () => {
    const access = new AccessControl({ catalog: new Catalog() });
    const anyone = access.authenticate({
      authorization: "",
      session: null,
      address: "",
    });
    assert.ok(anyone instanceof Principal);
    assert.equal(anyone.grant.readsAll, true);
  });

  it("refuses a request without a token, and a token of an unknown kind", () => {
    const access = new AccessControl({
      catalog: new Catalog(),
      verifiers,
      book: {
        expiresMsOf: ({ expiresMs }) => expiresMs,
        version: 0,
        grantOf: ({ kind }) =>
          kind === "anonymous" ? new Grant({ read: [] }) : FULL_GRANT,
        onChange: () => {},
      },
    });
    const ask = (bearer: string | null) =>
      access.authenticate({
        authorization: bearer === null ? "" : `Bearer ${bearer}`,
        session: null,
        address: "",
      }) as {
        error?: string;
      };
    assert.equal(ask(null).error, "none");
    assert.equal(ask("x").error, "invalid_token");
    assert.equal(ask("x".repeat(9000)).error, "invalid_request");
    assert.equal(ask("t-1").error, undefined);
    assert.equal(access.counters.accepted, 1);
    assert.equal(access.denied.none, 1);
  });
});
