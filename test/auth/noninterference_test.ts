// A principal that may not read a channel learns nothing of it: two instances over the same log, of which one has such channels,
// answer the same 5,000 requests with the same bytes. QANAT_SEED repeats a run, QANAT_FUZZ changes its length.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import type { Catalog } from "../../src/channels/catalog.ts";
import type { Channel } from "../../src/channels/channel.ts";
import type { SlicedWork } from "../../src/channels/sliced_work.ts";
import { fuzzCount, fuzzSeed } from "../fuzz/random.ts";
import {
  embeddedOf,
  type GoldenClient,
  GoldenWorld,
  STRIDE_NS,
} from "../golden/golden_world.ts";
import { Random } from "../random.ts";
import {
  changed,
  HIDDEN_PUBLISHER,
  HIDDEN_REPLAY,
  hiddenTwins,
  INSIDER,
  OTHER,
  READER,
  scriptedRequest,
  scriptNames,
  twinAccess,
  TwinBook,
} from "./twin_worlds.ts";

const VISIBLE = embeddedOf(
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-COUNT_I64_64",
  "H1:QANAT-RAMP_I16_64",
);
const HIDDEN = hiddenTwins(VISIBLE);
const NAMES = scriptNames(VISIBLE, HIDDEN);
const REQUESTS = 5000;
/** Silence after which heartbeats are sent, s. */
const HEARTBEAT_S = 16;
/** Streams that stay open at a time. */
const OPEN_MAX = 8;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

interface Played {
  readonly answers: string[];
  /** Steps of sliced work of each request. */
  readonly works: number[];
}

/** What the forbidden channels and their readers do in the instance that has them. */
interface Secrets {
  readonly hasHidden: boolean;
  readonly hasInsider?: boolean;
  /** The reader's rights change, too, and no catalog but the last one is kept. */
  readonly hasChanges?: boolean;
  /** Nothing is published for some time. @default true */
  readonly hasSilence?: boolean;
}

/** Rules of the reader: all visible channels, some, and the same ones in other words. */
const READER_RULES = [
  "H1:QANAT-.*",
  "H1:QANAT-COUNT.*",
  "H1:QANAT-(COUNT|RAMP).*",
];

/** Plays the script of one seed, and returns all that the reader has received. */
async function play(
  seed: number,
  count: number,
  { hasHidden, hasInsider = false, hasChanges = false, hasSilence = true }:
    Secrets,
): Promise<Played> {
  const played: Played = { answers: [], works: [] };
  // Each has its own numbers, so that a secret event changes no request.
  const random = new Random(seed);
  const secret = new Random(seed + 1);
  const book = new TwinBook();
  const options = {
    channels: [...VISIBLE, ...HIDDEN],
    access: (catalog: Catalog) =>
      twinAccess(catalog, { book, ...hasChanges ? { viewsMax: 1 } : {} }),
    config: { lingerMs: 600_000, retentionMb: 8, trendMatch: "H1:QANAT-.*" },
  };
  await GoldenWorld.record(options, async (world) => {
    putReplays(world, hasHidden);
    if (!hasHidden) {
      for (const { channel } of HIDDEN) world.source.takeBack(channel);
    }
    const work = countedWork(world);
    // The partitions are read by the reader itself in both instances.
    await world.open("keeper", `/v1/events?channels=${NAMES.visible}`, {
      headers: bearer(READER),
    });
    await world.publish(40);
    const open: GoldenClient[] = [];
    const finish = async (client: GoldenClient) => {
      await client.leave();
      await world.settle();
      played.answers.push(await client.record());
    };
    for (let i = 0; i < count; i++) {
      if (hasHidden && secret.once(20)) secretEvent(world, secret, book);
      if (hasHidden && hasChanges && secret.once(3)) {
        await world.open("other", "/v1/channels/count", {
          headers: bearer(OTHER),
        });
      }
      if (hasInsider && secret.once(10)) {
        const client = await world.open("insider", insiderPath(secret), {
          headers: bearer(INSIDER),
        });
        if (secret.once(2)) await client.leave();
      }
      if (hasChanges && random.once(8)) {
        const stream = await world.open(`${i}`, "/v1/events?match=.*", {
          headers: bearer(READER),
        });
        await world.publish(1);
        book.changeReader(random.of(READER_RULES));
        await finish(stream);
      }
      const { path, headers, ...ask } = scriptedRequest(random, NAMES, {
        row: world.row,
        strideNs: STRIDE_NS,
      });
      const before = work.steps;
      const client = await world.open(`${i}`, path, {
        ...ask,
        headers: { ...headers, ...bearer(READER) },
      });
      if (!hasInsider) played.works.push(work.steps - before);
      open.push(client);
      if (random.once(4)) await world.publish(1);
      // Gaps and heartbeats.
      if (hasSilence && random.once(100)) await world.pass(HEARTBEAT_S);
      if (open.length >= OPEN_MAX) await finish(open.shift()!);
    }
    for (const client of open) await finish(client);
  });
  return played;
}

/** A replay with visible channels, and in one instance with others; there also a replay that has only those. */
function putReplays({ source }: GoldenWorld, hasHidden: boolean): void {
  const put = (publisher: string, channel: Channel, replayId: string) =>
    source.admission.put(
      publisher,
      changed(channel, {
        publisher,
        replayId,
        partitionId: `${publisher}_${replayId}_${channel.dataType}`,
      }),
    );
  for (const { channel } of VISIBLE) put("REPLAY", channel, "r1");
  if (!hasHidden) return;
  for (const { channel } of HIDDEN) {
    put(HIDDEN_PUBLISHER, channel, HIDDEN_REPLAY);
  }
  for (const { channel } of HIDDEN) put("REPLAY2", channel, "r1");
}

/** Counts the steps of all sliced work from now on. */
function countedWork({ qanat: { requests: { slices } } }: GoldenWorld) {
  const counted = { steps: 0 };
  const run = slices.run.bind(slices);
  slices.run = (work, isGone) => run(stepsOf(work, counted), isGone);
  return counted;
}

function* stepsOf<T>(
  work: SlicedWork<T>,
  counted: { steps: number },
): SlicedWork<T> {
  for (;;) {
    const part = work.next();
    if (part.done) return part.value;
    counted.steps += part.value;
    yield part.value;
  }
}

/** A forbidden channel comes, leaves, changes, or is claimed wrongly, or someone else's rights change. */
function secretEvent(
  { source }: GoldenWorld,
  secret: Random,
  book: TwinBook,
): void {
  const { channel } = secret.of(HIDDEN);
  switch (secret.below(6)) {
    case 4:
      return book.changeOther(secret.of(["nothing", "all", "hidden"]));
    case 5:
      // Conflicts with a visible channel, whose index it has.
      source.admission.put(
        channel.publisher,
        changed(channel, { partitionIndex: channel.partitionIndex - 50 }),
      );
      return;
    case 0:
      return source.takeBack(channel);
    case 1:
      source.admission.put(channel.publisher, channel);
      return;
    case 2:
      source.admission.put(
        channel.publisher,
        changed(channel, { name: channel.name + "_NEW", partitionIndex: 90 }),
      );
      return;
    default:
      // Refused: no such rate.
      source.admission.put(
        channel.publisher,
        changed(channel, { name: channel.name + "_BAD", sampleRate: -1 }),
      );
  }
}

function insiderPath(secret: Random): string {
  const channels = [secret.of(NAMES.hidden), secret.of(NAMES.visible)];
  return `${secret.of(["/v1/events", "/v1/arrow"])}?channels=${channels}`;
}

/** The first answer that differs, with both texts. */
function assertSame(a: Played, b: Played): void {
  const index = a.answers.findIndex((answer, i) => answer !== b.answers[i]);
  if (index >= 0) assert.equal(a.answers[index], b.answers[index]);
  assert.equal(a.answers.length, b.answers.length);
}

describe("what a principal may not read", () => {
  const seed = fuzzSeed();
  const count = fuzzCount(REQUESTS);

  it(`changes no byte of ${count} answers, nor the work that is counted (seed ${seed})`, async () => {
    const without = await play(seed, count, {
      hasHidden: false,
    });
    const withHidden = await play(seed, count, {
      hasHidden: true,
    });
    assertSame(withHidden, without);
    assert.deepEqual(withHidden.works, without.works);
    assert.ok(without.works.some((steps) => steps > 0));
    const streams = without.answers.filter((a) => /^id: /m.test(a));
    assert.ok(streams.length > count / 20, `${streams.length} with rows`);
    const statuses = new Set(
      without.answers.map((answer) => /HTTP (\d+)/.exec(answer)![1]),
    );
    for (const status of ["200", "400", "403", "404"]) {
      assert.ok(statuses.has(status), `${[...statuses]} without ${status}`);
    }
  });

  it("does not show either while another principal of the same instance reads it", async () => {
    // Where a stream that opens in a silence begins depends on who reads its partitions (docs/security.md).
    const secrets = { hasHidden: true, hasSilence: false };
    const alone = await play(seed + 7, count / 5, secrets);
    const beside = await play(seed + 7, count / 5, {
      ...secrets,
      hasInsider: true,
    });
    assertSame(beside, alone);
  });

  it("does not show while rights change and catalogs are gathered again and again", async () => {
    const of = (hasHidden: boolean) =>
      play(seed + 14, count / 2, { hasHidden, hasChanges: true });
    const without = await of(false);
    assertSame(await of(true), without);
    // Some streams have ended because their reader lost a channel.
    assert.ok(without.answers.some((answer) => answer.includes('"removed"')));
  });

  it("does not show in refusals, however many of them there are when a catalog is gathered", async () => {
    const count = async (many: number) => {
      let text = "";
      await GoldenWorld.record({
        channels: VISIBLE,
        access: twinAccess,
        // A request that needs more than a slice is refused.
        config: { requestWorksMax: 0 },
      }, async (world) => {
        const { channel } = HIDDEN[0]!;
        for (let i = 0; i < many; i++) {
          world.source.catalog.set(
            changed(channel, { name: `${channel.name}_${i}` }),
          );
        }
        const client = await world.open("reader", "/v1/channels/count", {
          headers: bearer(READER),
        });
        text = await client.record();
      });
      return text;
    };
    const few = await count(1);
    assert.match(few, /HTTP 200/);
    assert.equal(await count(20_000), few);
  });

  it("is named in an answer where it is not hidden, so that this test can fail", async () => {
    let text = "";
    await GoldenWorld.record({
      channels: [...VISIBLE, ...HIDDEN],
      access: twinAccess,
    }, async (world) => {
      const client = await world.open("insider", "/v1/channels", {
        headers: bearer(INSIDER),
      });
      text = await client.record();
    });
    assert.ok(text.includes(NAMES.hidden[0]!));
  });
});
