// What becomes of open streams when a token is revoked or expires, or the policy changes. All clocks are held.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { AccessControl } from "../../src/auth/access_control.ts";
import { GrantsInForce } from "../../src/auth/grants_in_force.ts";
import { parsePolicy } from "../../src/auth/policy.ts";
import { ReadRules } from "../../src/auth/read_rules.ts";
import { parseTokenFile } from "../../src/auth/token_file.ts";
import { TokenFileVerifier } from "../../src/auth/token_verifier.ts";
import {
  A,
  B,
  type GoldenClient,
  GoldenWorld,
  STRIDE_NS,
} from "../golden/golden_world.ts";
import { tokenWith } from "./auth_world.ts";

const ALICE = tokenWith("alice", { read: [] });
const BOB = tokenWith("bob", { read: [] });

/** An instance whose token file and policy a scenario replaces. */
class AuthWorld {
  readonly book: GrantsInForce;
  readonly rules = new ReadRules();
  readonly world: GoldenWorld;

  private constructor(world: GoldenWorld, book: GrantsInForce) {
    this.world = world;
    this.book = book;
  }

  static async play(
    scenario: (auth: AuthWorld) => Promise<void>,
  ): Promise<string> {
    const book = new GrantsInForce();
    return await GoldenWorld.record({
      config: { lingerMs: 600_000 },
      access: (catalog) =>
        new AccessControl({
          catalog,
          book,
          verifiers: [new TokenFileVerifier(() => book.tokens)],
        }),
    }, (world) => scenario(new AuthWorld(world, book)));
  }

  async tokens(...tokens: unknown[]): Promise<void> {
    const text = JSON.stringify({ tokens });
    this.book.replaceTokens(await parseTokenFile(text, this.rules));
    await this.world.settle();
  }

  async policy(grants: Record<string, string[]>): Promise<void> {
    const text = JSON.stringify({
      grants: Object.entries(grants).map(([token, names]) => ({
        token,
        read: names.map((match) => ({ match })),
      })),
    });
    this.book.replacePolicy(await parsePolicy(text, this.rules, []));
    await this.world.settle();
  }

  open(
    { token }: { readonly token: string },
    path: string,
    headers: Record<string, string> = {},
  ): Promise<GoldenClient> {
    return this.world.open("client", path, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  }
}

/** The ids of the rows that a client of events has, as indexes, and why its stream ended. */
async function received(client: GoldenClient) {
  const text = await client.record();
  const rows = [...text.matchAll(/^event: row\nid: (\d+)$|^id: (\d+)$/gm)]
    .map(([, a, b]) => Number(BigInt(a ?? b!) / STRIDE_NS));
  const end = /event: end\n(?:id: .*\n)?data: (.*)/.exec(text)?.[1];
  return {
    rows: [...new Set(rows)],
    gaps: [...text.matchAll(/^event: gap$/gm)].length,
    reason: end === undefined ? null : JSON.parse(end).reason,
  };
}

/** Asserts that rows follow each other up to the newest one, and that all are there but the one at a live start. */
function assertWhole(
  rows: readonly number[],
  published: number,
  { row }: GoldenWorld,
): void {
  assert.deepEqual(
    rows,
    Array.from({ length: published - 1 }, (_, i) => row - published + i + 2),
  );
}

describe("a stream", () => {
  it("ends when its token is revoked, and those of other tokens continue", async () => {
    await AuthWorld.play(async (auth) => {
      const { world } = auth;
      await auth.tokens(ALICE.entry, BOB.entry);
      await auth.policy({ alice: [A], bob: [A] });
      const path = `/v1/events?channels=${A}`;
      const [alice, bob] = [
        await auth.open(ALICE, path),
        await auth.open(BOB, path),
      ];
      await world.publish(3);
      await auth.tokens(BOB.entry);
      assert.equal(alice.ending, "ended");
      assert.equal((await received(alice)).reason, "revoked");
      await world.publish(3);
      assert.equal(bob.ending, "open");
      const { rows, gaps } = await received(bob);
      assert.equal(gaps, 0);
      assertWhole(rows, 6, world);
      const again = await auth.open(ALICE, path);
      assert.equal(again.response!.status, 401);
      assert.match(await again.record(), /error="invalid_token"/);
    });
  });

  it("ends when the policy takes one of its channels away; exactly those, and no other loses a row", async () => {
    await AuthWorld.play(async (auth) => {
      const { world } = auth;
      await auth.tokens(ALICE.entry, BOB.entry);
      await auth.policy({ alice: [A, B], bob: [A, B] });
      const events = (names: string) => `/v1/events?channels=${names}`;
      const onlyA = await auth.open(ALICE, events(A));
      const onlyB = await auth.open(ALICE, events(B));
      const both = await auth.open(ALICE, events(`${A},${B}`));
      const arrow = await auth.open(ALICE, `/v1/arrow?channels=${B}`);
      const bob = await auth.open(BOB, events(`${A},${B}`));
      await world.publish(3);
      await auth.policy({ alice: [A], bob: [A, B] });
      for (const ended of [onlyB, both]) {
        assert.equal(ended.ending, "ended");
        assert.equal((await received(ended)).reason, "removed");
      }
      assert.equal(arrow.ending, "ended");
      await world.publish(3);
      for (const kept of [onlyA, bob]) {
        assert.equal(kept.ending, "open");
        const { rows, gaps } = await received(kept);
        assert.equal(gaps, 0);
        assertWhole(rows, 6, world);
      }
      // From now on the channel does not exist for alice.
      const forbidden = await auth.open(ALICE, events(B));
      const unknown = await auth.open(ALICE, events("H1:NONE"));
      assert.deepEqual(
        [forbidden.response!.status, unknown.response!.status],
        [404, 404],
      );
    });
  });

  it("survives changes that do not concern it", async () => {
    await AuthWorld.play(async (auth) => {
      await auth.tokens(ALICE.entry);
      await auth.policy({ alice: [A] });
      const alice = await auth.open(ALICE, `/v1/events?channels=${A}`);
      for (let i = 0; i < 5; i++) {
        await auth.world.publish(1);
        await auth.tokens(ALICE.entry, ...(i % 2 ? [BOB.entry] : []));
        await auth.policy({ alice: [`${A}|X${i}`], bob: [B] });
      }
      assert.equal(alice.ending, "open");
      const { rows, gaps } = await received(alice);
      assert.equal(gaps, 0);
      assertWhole(rows, 5, auth.world);
    });
  });

  it("ends as expired at the time of its token, and is resumed with another one without loss", async () => {
    await AuthWorld.play(async (auth) => {
      const { world } = auth;
      const expires = new Date(world.clock.nowMs() + 1500).toISOString();
      await auth.tokens({ ...ALICE.entry, expires }, BOB.entry);
      await auth.policy({ alice: [A], bob: [A] });
      const path = `/v1/events?channels=${A}`;
      const alice = await auth.open(ALICE, path);
      await world.publish(16);
      assert.equal(alice.ending, "open");
      await world.publish(24);
      assert.equal(alice.ending, "ended");
      const before = await received(alice);
      assert.equal(before.reason, "expired");
      assert.ok(before.rows.length >= 16 && before.rows.length <= 40);
      const again = await auth.open(ALICE, path);
      assert.equal(again.response!.status, 401);
      assert.match(await again.record(), /The token has expired/);
      const id = BigInt(before.rows.at(-1)!) * STRIDE_NS;
      const next = await auth.open(BOB, path, { "last-event-id": `${id}` });
      await world.publish(4);
      const after = await received(next);
      assert.equal(after.gaps, 0);
      assertWhole([...before.rows, ...after.rows], 44, world);
    });
  });

  it("ends when the file says that its token has expired meanwhile", async () => {
    await AuthWorld.play(async (auth) => {
      await auth.tokens({ ...ALICE.entry, read: "all" });
      const events = await auth.open(ALICE, `/v1/events?channels=${A}`);
      const arrow = await auth.open(ALICE, `/v1/arrow?channels=${A}`);
      await auth.world.publish(2);
      await auth.tokens({ ...ALICE.entry, read: "all", expires: "1990-01-01" });
      assert.equal((await received(events)).reason, "expired");
      assert.equal(arrow.ending, "broke off");
    });
  });
});
