// The check of a stream's channels after a change of rights: how much of it is done, and how often.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { CatalogViews } from "../../src/auth/catalog_views.ts";
import { ChannelChecks } from "../../src/auth/channel_checks.ts";
import { ANONYMOUS, type Claims } from "../../src/auth/claims.ts";
import { Grant } from "../../src/auth/grant.ts";
import { Principal } from "../../src/auth/principal.ts";
import { ReadRule } from "../../src/auth/read_rule.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { catalogOf, channel } from "./auth_world.ts";

const COUNT = 3000;

function grant(...matches: string[]): Grant {
  return new Grant({ read: matches.map((match) => new ReadRule({ match })) });
}

/** Owners of a book that tests change, and channels that count how often a rule looks at their publisher and name. */
class World {
  reads = 0;
  readonly channels: readonly Channel[];
  readonly views: CatalogViews;
  readonly #grants: Record<string, Grant> = {};
  readonly #book = {
    version: 0,
    grantOf: ({ subject }: Claims) => this.#grants[subject]!,
    expiresMsOf: () => Infinity,
    onChange: () => {},
  };
  readonly #checks: ChannelChecks;

  constructor() {
    this.channels = Array.from({ length: COUNT }, (_, i) => {
      const name = `H1:${i}`;
      return Object.defineProperty(channel(name), "name", {
        get: () => (this.reads++, name),
      });
    });
    this.views = new CatalogViews({ catalog: catalogOf(...this.channels) });
    this.#checks = new ChannelChecks(this.views);
  }

  /** From now on owners have these grants. */
  change(grants: Record<string, Grant>): void {
    Object.assign(this.#grants, grants);
    this.#book.version++;
    this.reads = 0;
  }

  rightsOf(subject: string) {
    const claims: Claims = { ...ANONYMOUS, kind: "token", subject };
    const principal = new Principal(claims, this.#book);
    const { grant: foundBy } = principal;
    return principal.rights({ unixMs: () => 0, checks: this.#checks, foundBy });
  }

  /** The end of a check that needs several calls, and the number of calls. */
  ended(
    rights: ReturnType<World["rightsOf"]>,
    channels: readonly Channel[] = this.channels,
  ) {
    for (let calls = 1;; calls++) {
      const before = this.reads;
      const lost = rights.lost(channels);
      // At most four reads for a channel, by its rule and in the catalog.
      assert.ok(this.reads - before <= 4000, `${this.reads - before}`);
      if (lost !== "unfinished") return { lost, calls };
    }
  }
}

describe("the check of channels after a change", () => {
  it("is not done for rules by which they were found, nor where rules were only added", () => {
    const world = new World();
    world.change({ ann: grant(".*1.*|.*", "H1:.*") });
    const rights = world.rightsOf("ann");
    for (
      const now of [
        grant("H1:.*", ".*1.*|.*"),
        grant("H1:.*", ".*1.*|.*", "L1:.*x.*"),
        new Grant({ read: "all" }),
      ]
    ) {
      world.change({ ann: now });
      assert.equal(rights.lost(world.channels), null);
      assert.equal(world.reads, 0);
    }
  });

  it("is done in parts, and begins again after a change", () => {
    const world = new World();
    world.change({ ann: grant("H1:.*") });
    const rights = world.rightsOf("ann");
    world.change({ ann: grant(".*[0-9]|.*x.*") });
    const { lost, calls } = world.ended(rights);
    assert.equal(lost, null);
    assert.ok(calls > 2);
    world.change({ ann: grant(".*[0-8]|.*29[0-8]9") });
    assert.equal(world.ended(rights).lost, "removed");
    world.change({ ann: grant(".*[0-9]|.*y.*") });
    assert.equal(rights.lost(world.channels), "unfinished");
    world.change({ ann: grant("H1:[1-9].*") });
    assert.equal(rights.lost(world.channels), "removed");
  });

  it("is done once for all streams of equal rules and channels, also of different owners", () => {
    const world = new World();
    const owners = Array.from({ length: 50 }, (_, i) => `${i}`);
    const grants = (...rules: string[]) =>
      Object.fromEntries(owners.map((owner) => [owner, grant(...rules)]));
    world.change(grants("H1:.*"));
    const rights = owners.map((owner) => world.rightsOf(owner));
    for (
      const [rule, end] of [
        [".*[0-9]|.*x.*", null],
        [".*[0-8]|.*x.*", "removed"],
      ] as const
    ) {
      world.change(grants(rule));
      world.ended(rights[0]!);
      world.reads = 0;
      for (const each of rights) {
        assert.deepEqual(world.ended(each), { lost: end, calls: 1 });
      }
      assert.equal(world.reads, 0);
    }
  });

  it("of many lists looks at rules about as often as the catalog has channels, and then in a view", () => {
    const world = new World();
    world.change({ ann: grant("H1:.*") });
    const rights = Array.from({ length: 50 }, () => world.rightsOf("ann"));
    let evaluated = 0;
    const rule = new ReadRule({ match: ".*[0-9]|.*x.*" });
    const counted = Object.assign(Object.create(rule) as ReadRule, {
      allows: (each: Channel) => (evaluated++, rule.allows(each)),
      key: rule.key,
      stepsOf: (each: Channel) => rule.stepsOf(each),
    });
    Object.defineProperty(counted, "prefixes", { value: rule.prefixes });
    world.change({ ann: new Grant({ read: [counted] }) });
    for (const [i, each] of rights.entries()) {
      // Lists of their own, each without another channel.
      const channels = world.channels.toSpliced(i, 1);
      assert.equal(world.ended(each, channels).lost, null);
    }
    // Once by the first list, once for the view.
    assert.ok(evaluated <= 2 * COUNT + 1, `${evaluated}`);
    assert.equal(world.views.counters.gathered, 1);
  });

  it("does not take a channel for another one of its name", () => {
    const world = new World();
    world.change({ ann: grant("H1:.*") });
    const rights = world.rightsOf("ann");
    const changed = new Grant({
      read: [new ReadRule({ match: "H1:.*[0-9]", publisher: "CAL" })],
    });
    world.change({ ann: changed });
    for (const _ of world.views.gathering(changed));
    const list = [{ ...channel("H1:1"), publisher: "SUS" }];
    assert.equal(world.ended(rights, list).lost, "removed");
  });
});
