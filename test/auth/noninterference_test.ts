// A principal that may not read a channel learns nothing of it: two instances over the same log, of which one has such channels,
// answer the same 5,000 requests with the same bytes. QANAT_SEED repeats a run, QANAT_FUZZ changes its length.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
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
  hiddenTwins,
  INSIDER,
  READER,
  scriptedRequest,
  twinAccess,
} from "./twin_worlds.ts";

const VISIBLE = embeddedOf(
  "H1:QANAT-COUNT_I64_16",
  "H1:QANAT-COUNT_I64_64",
  "H1:QANAT-RAMP_I16_64",
);
const HIDDEN = hiddenTwins(VISIBLE);
const NAMES = {
  visible: VISIBLE.map(({ channel }) => channel.name),
  hidden: HIDDEN.map(({ channel }) => channel.name),
};
const REQUESTS = 5000;
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
  readonly hasInsider: boolean;
}

/** Plays the script of one seed, and returns all that the reader has received. */
async function play(
  seed: number,
  count: number,
  { hasHidden, hasInsider }: Secrets,
): Promise<Played> {
  const played: Played = { answers: [], works: [] };
  // Each has its own numbers, so that a secret event changes no request.
  const random = new Random(seed);
  const secret = new Random(seed + 1);
  const options = {
    channels: [...VISIBLE, ...HIDDEN],
    access: twinAccess,
    config: { lingerMs: 600_000, retentionMb: 8, trendMatch: "H1:QANAT-.*" },
  };
  await GoldenWorld.record(options, async (world) => {
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
      if (hasHidden && secret.once(20)) secretEvent(world, secret);
      if (hasInsider && secret.once(10)) {
        const client = await world.open("insider", insiderPath(secret), {
          headers: bearer(INSIDER),
        });
        if (secret.once(2)) await client.leave();
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
      if (open.length >= OPEN_MAX) await finish(open.shift()!);
    }
    for (const client of open) await finish(client);
  });
  return played;
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

/** A forbidden channel comes, leaves, changes, or is claimed wrongly. */
function secretEvent({ source }: GoldenWorld, secret: Random): void {
  const { channel } = secret.of(HIDDEN);
  switch (secret.below(4)) {
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
      hasInsider: false,
    });
    const withHidden = await play(seed, count, {
      hasHidden: true,
      hasInsider: false,
    });
    assertSame(withHidden, without);
    assert.deepEqual(withHidden.works, without.works);
    assert.ok(without.works.some((steps) => steps > 0));
    const streams = without.answers.filter((a) => /^id: /m.test(a));
    assert.ok(streams.length > count / 20, `${streams.length} with rows`);
    const statuses = new Set(
      without.answers.map((answer) => /HTTP (\d+)/.exec(answer)![1]),
    );
    for (const status of ["200", "400", "404"]) {
      assert.ok(statuses.has(status), `${[...statuses]} without ${status}`);
    }
  });

  it("does not show either while another principal of the same instance reads it", async () => {
    const secrets = { hasHidden: true, hasInsider: false };
    const alone = await play(seed + 7, count / 5, secrets);
    const beside = await play(seed + 7, count / 5, {
      ...secrets,
      hasInsider: true,
    });
    assertSame(beside, alone);
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
