// 64-bit integers beyond what doubles hold: near ones are drawn apart and labelled right, in rows and in bins.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { rangeText } from "../../src/page/axis_text.js";
import { type Channel, Series } from "../../src/page/series.js";
import { originFor } from "../../src/page/int64_samples.js";
import { decoderOf } from "../../src/page/rows.js";
import { Envelope } from "../../src/page/envelope.js";
import { SampleRing } from "../../src/page/samples.js";
import { ValueScale } from "../../src/page/value_scale.js";

const BASE = 2n ** 60n;
const BASES = [
  BASE,
  -BASE,
  BASE - 1n,
  2n ** 63n - 1000n,
  -(2n ** 63n),
  1_484_035_218_123_456_789n,
  2n ** 53n + 1n,
];

function ringOf(samples: readonly (bigint | null)[]) {
  const ring = new SampleRing({ rate: 4, seconds: 16, kind: "int64" });
  ring.put(1000, samples);
  return ring;
}

/** The origin that a plot of these samples chooses. */
function originOf(ring: SampleRing): number {
  const { min, max } = ring.extremes(0, ring.end)!;
  return originFor(min, max, 0);
}

describe("SampleRing of int64", () => {
  it("keeps integers apart that are one double, at any size and sign", () => {
    for (const base of BASES) {
      const ring = ringOf([base, null, base + 1n, base + 2n]);
      const origin = originOf(ring);
      const from = BigInt(origin);
      assert.equal(BigInt(ring.at(1000, origin)) + from, base);
      assert.equal(ring.at(1001, origin), NaN);
      assert.equal(ring.at(1003, origin) - ring.at(1002, origin), 1);
      const { min, max } = ring.extremes(1000, 1004, origin)!;
      assert.equal(max - min, 2);
      assert.deepEqual(ring.exactExtremes(1000, 1004), {
        min: base,
        max: base + 2n,
      });
    }
  });

  it("gives the nearest double without an origin", () => {
    for (const base of [...BASES, 0n, -1n, 2n ** 32n, -(2n ** 32n) - 1n]) {
      assert.equal(ringOf([base]).at(1000), Number(base));
    }
  });

  it("copies for a spectrum what near integers differ by", () => {
    const out = new Float64Array(3);
    for (const base of BASES) {
      const ring = ringOf([base, base + 1n, base + 5n, null]);
      assert.ok(ring.copy(1000, out));
      assert.deepEqual([out[1]! - out[0]!, out[2]! - out[0]!], [1, 5]);
      assert.equal(ring.copy(1001, out), false);
    }
  });
});

describe("originFor()", () => {
  const near = Number(BASE);
  it("is zero while doubles hold the integers, and where no origin is near them all", () => {
    assert.equal(originFor(-5, 2 ** 53 - 1, 0), 0);
    assert.equal(originFor(-near, near, 0), 0);
    assert.equal(originFor(0, near, 0), 0);
    assert.equal(originFor(Infinity, -Infinity, 0), 0);
  });

  it("stays while it is near, and moves when the integers are far from it", () => {
    assert.equal(originFor(near, near, 0), near);
    assert.equal(originFor(0, 2, near), near);
    assert.equal(originFor(2 ** 40, 2 ** 41, near), near);
    assert.equal(originFor(2 ** 54, 2 ** 54, near), near + 2 ** 54);
    assert.equal(originFor(-near, 2 - near, near), 0);
    for (const base of BASES) {
      const origin = originFor(Number(base), Number(base), 0);
      assert.ok(Number.isInteger(origin / 2 ** 32), String(origin));
    }
  });
});

describe("SampleRing of uint64", () => {
  it("reads offsets from an origin exactly, up to the largest integer", () => {
    const ring = new SampleRing({ rate: 4, seconds: 16, kind: "uint64" });
    const most = 2n ** 64n - 1n;
    const samples = BigUint64Array.of(most, most - 3n, most - 1n, most - 2n);
    ring.put(1000, samples);
    const rough = ring.extremes(1000, 1004)!;
    const origin = originFor(rough.min, rough.max, 0);
    samples.forEach((sample, i) => {
      const offset = ring.at(1000 + i, origin);
      assert.equal(BigInt(offset) + BigInt(origin), sample);
    });
    assert.deepEqual(ring.exactExtremes(1000, 1004), {
      min: most - 3n,
      max: most,
    });
    assert.deepEqual(ring.extremes(1000, 1004, origin), {
      min: Number(most - 3n - BigInt(origin)),
      max: Number(most - BigInt(origin)),
    });
  });

  it("keeps the ends of bins beyond int64", () => {
    const channel = {
      name: "A",
      data_type: "uint64" as const,
      sample_rate: 4,
      publisher: "P",
      stride_ns: 1_000_000_000,
    };
    const series = new Series(channel, 8, "1s");
    const [min, max] = [2n ** 63n + 1n, 2n ** 64n - 1n];
    series.putBin(1_000_000_000n, { min, mean: 1.5 * 2 ** 63, max, count: 4 });
    assert.deepEqual(series.exactBinAt(1), { min, max });
  });
});

describe("Envelope of int64", () => {
  it("is counted from where the plot says, old samples and new", () => {
    const ring = ringOf([BASE, BASE + 1n, BASE + 2n, BASE + 3n]);
    const envelope = new Envelope(ring);
    envelope.setGrid(2, 40);
    const place = envelope.place(500);
    assert.deepEqual([envelope.min[place], envelope.max[place]], [
      Number(BASE),
      Number(BASE),
    ]);
    envelope.setOrigin(Number(BASE));
    assert.equal(envelope.place(501), place + 1);
    ring.put(1004, [BASE - 7n]);
    for (const [k, min, max] of [[500, 0, 1], [501, 2, 3], [502, -7, -7]]) {
      const at = envelope.place(k!);
      assert.deepEqual([envelope.min[at], envelope.max[at]], [min, max]);
    }
  });
});

describe("ValueScale of int64", () => {
  it("draws integers that differ by one apart, and its labels add up", () => {
    for (const base of BASES) {
      const ring = ringOf([base, base + 1n, base + 2n]);
      const origin = originOf(ring);
      const { min, max } = ring.extremes(0, ring.end, origin)!;
      const scale = new ValueScale();
      scale.fit(min, max, origin);
      const shares = [1000, 1001, 1002].map((i) =>
        scale.share(ring.at(i, origin))
      );
      assert.ok(Math.abs(shares[1]! - 0.5) < 1e-9, String(shares));
      assert.ok(shares[2]! - shares[0]! > 0.7, String(shares));
      assert.equal(scale.baseText(4), base.toLocaleString("en"));
      assert.deepEqual(
        scale.ticks(4).map(({ text }) => text),
        ["+0", "+1", "+2"],
      );
      scale.ticks(4).forEach(({ at }, i) =>
        assert.ok(Math.abs(at - shares[i]!) < 1e-9)
      );
    }
  });

  it("follows a change of the origin, and ordinary integers have ordinary labels", () => {
    const scale = new ValueScale();
    scale.fit(0, 2, Number(BASE));
    const { version } = scale;
    scale.fit(0, 2, 0);
    assert.equal(scale.version, version + 1);
    assert.equal(scale.baseText(4), "");
    assert.deepEqual(scale.ticks(4).map(({ text }) => text), ["0", "1", "2"]);
    // Far apart: whole labels, as of doubles.
    scale.fit(-1e18, 1e18, 0);
    assert.equal(scale.baseText(4), "");
  });
});

describe("rangeText() of int64", () => {
  it("has all the digits", () => {
    assert.equal(rangeText(BASE, BASE), "1,152,921,504,606,846,976");
    assert.equal(
      rangeText(BASE + 1n, BASE + 3n),
      "1,152,921,504,606,846,977 + 0 … 2",
    );
    assert.equal(rangeText(-3n, 4n), "-3 … 4");
  });
});

describe("rows and bins of int64", () => {
  const channel: Channel = {
    name: "A",
    data_type: "int64",
    sample_rate: 4,
    publisher: "P",
    stride_ns: 1_000_000_000,
  };
  const hello = {
    encoding: "json" as const,
    stride_ns: 1_000_000_000,
    channels: [{ name: "A", data_type: "int64" as const, sample_rate: 4 }],
  };
  const text = (more: bigint) => String(BASE + more);

  it("keep their digits when one is null", () => {
    const decode = decoderOf(hello);
    const values = JSON.stringify([text(0n), null, text(1n), text(2n)]);
    const row = decode(`{"time":"0","channels":{"A":${values}}}`);
    assert.deepEqual(row.channels.A, [BASE, null, BASE + 1n, BASE + 2n]);
    const series = new Series(channel, 8);
    series.put(row.timeNs, row.channels.A!);
    assert.deepEqual(series.ring.exactExtremes(0, 4), {
      min: BASE,
      max: BASE + 2n,
    });
  });

  it("keep the ends of bins apart; a mean that is too coarse is not known", () => {
    const series = new Series(channel, 8, "1s");
    const decode = decoderOf({ ...hello, trend: "1s" });
    const put = (i: number, [min, max]: bigint[], mean: number | null) => {
      const bin = { min: text(min!), mean, max: text(max!), count: 4 };
      const row = decode(
        JSON.stringify({ time: `${i}000000000`, channels: { A: bin } }),
      );
      series.putBin(row.timeNs, row.channels.A as never);
    };
    const origin = Number(BASE);
    put(1, [0n, 2n], origin);
    put(2, [0n, 1024n], origin + 512);
    put(3, [300n, 300n], origin + 256);
    assert.deepEqual(series.binAt(1, origin), { min: 0, max: 2, mean: NaN });
    assert.deepEqual(series.binAt(2, origin), {
      min: 0,
      max: 1024,
      mean: 512,
    });
    assert.deepEqual(series.binAt(3, origin), {
      min: 300,
      max: 300,
      mean: 300,
    });
    assert.deepEqual(series.exactBinAt(1), { min: BASE, max: BASE + 2n });
    assert.equal(series.exactBinAt(4), null);
    series.putBin(5_000_000_000n, {
      min: null,
      mean: null,
      max: null,
      count: 0,
    });
    assert.equal(series.binAt(5, origin), null);
  });
});
