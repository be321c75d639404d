// An instance on its embedded source, with trends and clients, whose machine sleeps: the work and the gaps that follow.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { gpsMsOfUnixMs, gpsNsOfMs } from "../../src/blocks/gps_time.ts";
import { PartitionBlocks } from "../../src/blocks/partition_blocks.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { StreamShape } from "../../src/frames/stream_format.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { trendBinOf } from "../../src/trends/trend_bins.ts";
import { TrendRing } from "../../src/trends/trend_ring.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import { configWith, silent } from "../driven_source.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const STRIDE_NS = 62_500_000n;
const UNIX_MS = 1_795_000_000_000;
const TICK_MS = 62.5;

let passedMs: number;
let sleptMs: number;
let turn: (() => void) | null;
let qanat: Qanat;
/** Blocks and bins that were looked up. */
let looks: number;
const { locate } = PartitionBlocks.prototype;
const { has } = TrendRing.prototype;

const nowMs = () => UNIX_MS + passedMs + sleptMs;

beforeEach(async () => {
  passedMs = sleptMs = looks = 0;
  turn = null;
  PartitionBlocks.prototype.locate = function (index) {
    looks++;
    return locate.call(this, index);
  };
  TrendRing.prototype.has = function (bin) {
    looks++;
    return has.call(this, bin);
  };
  qanat = new Qanat({
    config: configWith({ retentionMb: 4, trendMatch: NAME, trendHours: 1 }),
    source: new EmbeddedSource({
      catalog: new Catalog(),
      nowGpsNs: () => gpsNsOfMs(gpsMsOfUnixMs(nowMs())),
      clockMs: () => passedMs,
      later: (call) => {
        turn = call;
        return () => turn = turn === call ? null : turn;
      },
    }),
    log: silent,
    clocks: { nowMs, clockMs: () => passedMs },
  });
  await qanat.start();
});

afterEach(async () => {
  PartitionBlocks.prototype.locate = locate;
  TrendRing.prototype.has = has;
  qanat.drain();
  await qanat.close();
});

/** The machine is awake: the source publishes and the instance ticks. */
async function run(seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 1000 / TICK_MS; i++) {
    passedMs += TICK_MS;
    for (let k = 0; k < 20 && turn !== null; k++) {
      const due: () => void = turn;
      turn = null;
      due();
    }
    qanat.store.tick();
    qanat.trends.tick();
    if (i % 16 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function open(shape: StreamShape): HeldOutlet {
  const channel = qanat.catalog.get(NAME, null)!;
  const admission = qanat.hub.admission.admit([channel], shape, {
    address: "",
    gaps: "skip",
  });
  assert.ok(admission.kind === "ready");
  const outlet = new HeldOutlet();
  admission.open(outlet);
  return outlet;
}

function gapsOf(outlet: HeldOutlet) {
  return [...outlet.text.matchAll(/event: gap\ndata: (.*)\n/g)].map((m) =>
    JSON.parse(m[1]!) as { from: string; to: string; reason: string }
  );
}

function idsOf(outlet: HeldOutlet): bigint[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata/gm)].map((m) =>
    BigInt(m[1]!)
  );
}

describe("an instance whose machine sleeps", () => {
  for (
    const [what, ms] of [["10 minutes", 600_000], [
      "10 days",
      864_000_000,
    ]] as const
  ) {
    it(`for ${what} continues in the present, with bounded work, and reports one gap`, async () => {
      const rows = open({ format: "events" });
      const bins = open({ format: "events", trend: trendBinOf("1s") });
      await run(20);
      looks = 0;
      await run(20);
      const usual = looks;
      looks = 0;
      sleptMs = ms;
      await run(20);
      assert.ok(looks < 10 * usual, `${looks} looks, usually ${usual}`);
      for (
        const [outlet, strideNs] of [[rows, STRIDE_NS], [
          bins,
          1_000_000_000n,
        ]] as const
      ) {
        const gaps = gapsOf(outlet);
        assert.deepEqual(gaps.map((g) => g.reason), ["missing"]);
        const { from, to } = gaps[0]!;
        const spanMs = Number(BigInt(to) - BigInt(from)) / 1e6;
        // All of the sleep, except the backlog that the source publishes afterwards.
        assert.ok(Math.abs(spanMs - (ms - 10_000)) < 3000, `${spanMs} ms`);
        const ids = idsOf(outlet);
        ids.forEach((id, i) => {
          if (i === 0 || id === ids[i - 1]! + strideNs) return;
          assert.equal(id, BigInt(to) + strideNs, "rows begin behind the gap");
          assert.equal(ids[i - 1], BigInt(from));
        });
        const nowNs = gpsNsOfMs(gpsMsOfUnixMs(nowMs()));
        assert.ok(nowNs - ids.at(-1)! < 3_000_000_000n, "the newest is new");
      }
    });
  }
});
