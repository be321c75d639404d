// What threads that share a source find out about topics, and know together.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { gpsNsOfMs } from "../../src/blocks/gps_time.ts";
import type { Admission } from "../../src/clients/admission.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import { HISTORY_FAILS } from "../../src/clients/needs_history.ts";
import type { Ingest } from "../../src/ingest/ingest.ts";
import type { ReadingMessage } from "../../src/ingest/messages.ts";
import { ServedHistories } from "../../src/ingest/served_histories.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { ingestOf, joined } from "./through_log.ts";

const FIRST = 23_671_510_000;
const NAME = "H1:QANAT-COUNT_I64_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

let clock: BlockClock;
let source: DrivenSource;
let ingest: Ingest;
let threads: { qanat: Qanat; leave: () => void }[];
let row: number;

beforeEach(async () => {
  clock = new BlockClock(FIRST);
  row = FIRST;
  source = new DrivenSource(channels);
  ingest = await ingestOf(source, clock);
  threads = [await thread(), await thread()];
});

afterEach(async () => {
  for (const { qanat } of threads) {
    qanat.drain();
    await qanat.close();
  }
  await ingest.close();
});

async function thread() {
  const now = () => ({ gpsMs: clock.index * 62.5 + 1, unixMs: clock.nowMs() });
  const { ring, source, leave } = await joined(ingest, now, clock.clockMs);
  const qanat = new Qanat({
    config: configWith({ retentionMb: 4, lingerMs: 0, outageGraceMs: 0 }),
    source,
    ring,
    log: silent,
    clocks: clock,
  });
  await qanat.start();
  return { qanat, leave };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function admit(
  { qanat }: { qanat: Qanat },
  options: Partial<ClientOptions> = {},
): Admission {
  return qanat.hub.admission.admit(
    [qanat.catalog.get(NAME, null)!],
    "events",
    { address: "", ...options },
  );
}

function open(...args: Parameters<typeof admit>): HeldOutlet {
  const admission = admit(...args);
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

/** One row, or only its time, without a block. Then all threads look at what they read. */
async function publish(hasBlock = true): Promise<void> {
  const [topic] = source.blocks.topics;
  clock.index = row + 1;
  if (hasBlock) {
    const block = source.blocks.blockOf(topic!, row);
    source.sink!.onMessage(topic!, block, row, clock.nowMs());
  }
  source.sink!.onCaughtUp(topic!, clock.clockMs());
  row++;
  await settle();
  for (const { qanat } of threads) qanat.store.tick();
  await settle();
}

const live = () =>
  threads.map(({ qanat: { catalog, channelStates } }) =>
    channelStates.isLive(catalog.get(NAME, null)!)
  );

describe("whether a channel's blocks come in time", () => {
  it("is the same in all threads, also in those that do not read it", async () => {
    assert.deepEqual(live(), [true, true]);
    const outlet = open(threads[0]!);
    await settle();
    assert.deepEqual(live(), [false, false]);
    await publish();
    assert.deepEqual(live(), [true, true]);
    row += 1000;
    await publish(false);
    assert.deepEqual(live(), [false, false]);
    const late = await thread();
    threads.push(late);
    assert.deepEqual(live(), [false, false, false]);
    await publish();
    assert.deepEqual(live(), [true, true, true]);
    row += 1000;
    await publish(false);
    outlet.owner.onClose();
    await settle();
    for (const { qanat } of threads) qanat.store.tick();
    await settle();
    // Nothing reads it any more.
    assert.deepEqual(live(), [true, true, true]);
  });

  it("is what another thread finds, once the one that counts the blocks reads them no more", async () => {
    const [outlet] = threads.map((each) => open(each));
    await settle();
    await publish();
    outlet!.owner.onClose();
    await settle();
    await publish();
    assert.deepEqual(live(), [true, true]);
    row += 1000;
    await publish(false);
    assert.deepEqual(live(), [false, false]);
    await publish();
    assert.deepEqual(live(), [true, true]);
  });
});

describe("a history that cannot be read", () => {
  const old = { startNs: gpsNsOfMs((FIRST - 100_000) * 62.5) };

  it("for a client of one thread refuses clients of all, until that one has ended", async () => {
    const [first, second] = threads;
    const refusals = () => {
      const admission = admit(second!, old);
      if (admission.kind === "ready") admission.cancel();
      return admission.kind === "full" ? admission.reason : admission.kind;
    };
    assert.equal(refusals(), "ready");
    const outlet = open(first!, old);
    await settle();
    await publish();
    for (let i = 0; i < 100 && refusals() === "ready"; i++) await settle();
    assert.equal(refusals(), HISTORY_FAILS);
    // A thread that begins later knows it, too.
    threads.push(await thread());
    const later = admit(threads[2]!, old);
    assert.equal(later.kind === "full" && later.reason, HISTORY_FAILS);
    outlet.owner.onClose();
    for (let i = 0; i < 100 && refusals() !== "ready"; i++) await settle();
    assert.equal(refusals(), "ready");
  });
});

describe("ServedHistories", () => {
  it("reports a reader that fails, and not one whose read ends as it is closed", async () => {
    const failed: string[] = [];
    let over = 0;
    let rejects: (error: Error) => void = () => {};
    const sent: ReadingMessage[] = [];
    const histories = new ServedHistories({
      source: {
        openHistory: () => ({
          read: () => new Promise((_, reject) => rejects = reject),
          close: () => rejects(new Error("closed")),
        }),
      },
      port: { send: (message) => void sent.push(message) },
      onFailed: (_, topics) => void failed.push(...topics),
      onOver: () => void over++,
    });
    histories.open(1, []);
    const first = histories.read(1, ["T"]);
    rejects(new Error("no broker"));
    await first;
    assert.deepEqual(failed, ["T"]);
    const second = histories.read(1, ["T"]);
    histories.closeAll();
    await second;
    assert.deepEqual(failed, ["T"]);
    assert.equal(over, 1);
    histories.close(1);
    assert.equal(over, 1);
    assert.deepEqual(
      sent.map((message) => message.kind === "history" && message.error),
      ["no broker", "closed"],
    );
  });
});
