// A plot's limits: when it is beyond, was beyond, has no data; in words, in the title, and once for screen readers.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "@std/testing/bdd";
import { LimitAnnouncer } from "../../src/page/limit_announcer.js";
import { spanWords } from "../../src/page/limit_span.js";
import { LimitWatch } from "../../src/page/limit_watch.js";
import { plotSaid, titleMark } from "../../src/page/limit_words.js";
import {
  checked,
  optionsOf,
  optionsText,
} from "../../src/page/plot_options.js";
import { Series } from "../../src/page/series.js";
import type { Row, TrendRow } from "../../src/page/qanat.d.ts";
import type { LimitKind } from "../../src/page/limit_state.js";

const GPS_S = 1_484_000_000;
const limits = { above: 3, below: -3 };
const PLOT = { kind: "series" as const, name: "A", y: limits };

/** A row of one second that begins so many seconds after GPS_S. */
function row(s: number, samples: number[] | null, strideS = 1): Row {
  return {
    timeNs: BigInt((GPS_S + s) * 1e9),
    strideNs: BigInt(strideS * 1e9),
    channels: { A: samples && Float64Array.from(samples) },
    missing: {},
  };
}

describe("limits of a plot", () => {
  let clockMs: number;
  let watch: LimitWatch;
  const take = (...rows: (Row | TrendRow)[]) => {
    for (const one of rows) {
      watch.takeRow(one);
      clockMs += 1000;
    }
  };
  const said = () => plotSaid(watch.of(PLOT), { limits, time: "gps" });
  const text = () => said().text.replaceAll(String(GPS_S).slice(0, -2), "");

  beforeEach(() => {
    clockMs = 0;
    watch = new LimitWatch({ now: () => clockMs });
    watch.show([PLOT]);
  });

  it("are not checked without data, which is said", () => {
    assert.deepEqual([said().kind, said().canAcknowledge], ["none", false]);
    assert.match(text(), /^no data yet, so limits are not checked$/);
    take(row(0, [0, 1]), row(1, null), row(2, null), row(3, null));
    assert.equal(said().kind, "silent");
    assert.equal(text(), "no data since 01, so limits are not checked");
    take(row(4, [NaN, NaN]));
    assert.equal(text(), "no number since 01, so limits are not checked");
  });

  it("are exceeded by a first sample already, and by one of many", () => {
    take(row(0, [4, 0]));
    assert.equal(said().kind, "beyond");
    assert.equal(text(), "above 3 since 00");
    watch = new LimitWatch({ now: () => clockMs });
    watch.show([PLOT]);
    take(row(5, [0, 0, 0, -3.5]));
    assert.equal(text(), "below -3 since 05");
  });

  it("that were exceeded are said until that is acknowledged", () => {
    take(
      row(0, [0]),
      row(1, [5]),
      row(2, [0]),
      row(3, [0]),
      row(4, [9]),
      row(5, [0]),
      row(6, [0]),
    );
    assert.deepEqual([said().kind, said().canAcknowledge], ["was", true]);
    assert.equal(text(), "was above 3 at 01, last at 04");
    watch.acknowledge(PLOT);
    assert.deepEqual([said().kind, text()], ["within", "within limits"]);
    take(row(7, [4]));
    watch.acknowledge();
    assert.equal(text(), "above 3 since 07", "it is beyond still");
    take(row(8, [0]), row(9, [0]));
    assert.equal(said().kind, "within");
  });

  it("have a sign that points to where the samples are, also of several channels", () => {
    const sign = () => said().sign;
    take(row(0, [4]));
    assert.equal(sign(), "▲");
    take(row(1, [-4]));
    assert.equal(sign(), "▼", "a triangle up is not below");
    take(row(2, [0]), row(3, [0]));
    assert.equal(sign(), "▽");
    watch.acknowledge();
    assert.equal(sign(), "✓");
    clockMs += 60_000;
    assert.equal(sign(), "?");
    const plot = { ...PLOT, name: "B", more: ["A"] };
    watch.show([plot]);
    watch.takeRow({
      ...row(70, null),
      channels: { A: Float64Array.of(9), B: Float64Array.of(-9) },
    });
    const both = plotSaid(watch.of(plot), { limits, time: "gps" });
    assert.equal(both.sign, "▲▼");
    assert.match(both.text, /^B below -3 since \d+; A above 3 since \d+;/);
  });

  it("stay exceeded for a second", () => {
    const rows = [5, 0, 0, 0].map((x, i) => row(i / 4, [x], 0.25));
    take(...rows);
    assert.equal(said().kind, "beyond");
    take(row(1, [0], 0.25));
    assert.equal(said().kind, "was");
  });

  it("stay exceeded since the first of samples that are less than a second apart", () => {
    take(row(0, [0, 5]), row(1, [5, 0]), row(2, [5, 0]), row(3, [-9, 0]));
    assert.equal(text(), "below -3 since 00");
  });

  it("are checked once, also in rows that arrive late", () => {
    take(row(0, [0]), row(3, [0]));
    assert.equal(text(), "within limits; 2 s not received");
    take(row(1, [7]));
    assert.equal(text(), "was above 3 at 01; 1 s not received");
    watch.acknowledge(PLOT);
    take(row(1, [7]), row(2, [7]), row(4, [0]));
    assert.equal(text(), "within limits", "acknowledged, and read again");
  });

  it("of bins are decided by the least and the largest sample", () => {
    const bin = (s: number, min: number | null, max: number, count = 9) =>
      ({
        ...row(s, null),
        channels: { A: { min, mean: 0, max, count } },
      }) as TrendRow;
    take(bin(0, -1, 1), bin(1, -1, 4));
    assert.equal(text(), "above 3 since 01");
    take(bin(2, null, 1));
    assert.equal(text(), "below -3 since 01");
    take(bin(3, null, 0, 0), bin(4, null, 0, 0), bin(5, null, 0, 0));
    assert.match(
      text(),
      /^no number since 03.*; was below -3 at 01, last at 02$/,
    );
  });

  it("of 64-bit integers are exact", () => {
    const above = 2n ** 60n;
    const plot = { ...PLOT, y: { above } };
    watch.show([plot]);
    const channels = { A: BigInt64Array.of(above) };
    take({ ...row(0, null), channels });
    const kind = () => watch.of(plot)[0]!.judged.kind;
    assert.equal(kind(), "within");
    take({ ...row(1, null), channels: { A: BigInt64Array.of(above + 1n) } });
    assert.equal(kind(), "beyond");
  });

  it("keep their state while plots change, and lose it with other limits", () => {
    take(row(0, [5]));
    watch.show([PLOT, { ...PLOT, kind: "spectrum" }]);
    assert.equal(said().kind, "beyond");
    const other = { ...PLOT, y: { ...limits, min: -9 } };
    watch.show([other]);
    assert.equal(watch.of(other)[0]!.judged.kind, "beyond");
    watch.show([{ ...PLOT, y: { above: 4 } }]);
    watch.show([PLOT]);
    assert.equal(said().kind, "none");
    assert.deepEqual(watch.of({ ...PLOT, y: undefined }), []);
  });
});

describe("the title of the tab", () => {
  it("begins with a sign and the count of plots beyond their limits", () => {
    const mark = (...plots: [LimitKind, string][]) =>
      titleMark(plots.map(([kind, sign]) => ({ kind, sign })));
    assert.equal(mark(), "");
    assert.equal(mark(["within", "✓"], ["none", "?"], ["silent", "?"]), "");
    const above: [LimitKind, string] = ["beyond", "▲"];
    const below: [LimitKind, string] = ["beyond", "▼"];
    assert.equal(mark(above, ["was", "▽"], above), "▲ 2 beyond limits");
    assert.equal(mark(below), "▼ 1 beyond limits");
    assert.equal(mark(below, above), "▲▼ 2 beyond limits");
    assert.equal(mark(["was", "△"], ["within", "✓"]), "△ 1 was beyond limits");
    assert.equal(mark(["was", "▽"]), "▽ 1 was beyond limits");
  });
});

describe("LimitAnnouncer", () => {
  it("says a change once, and nothing for the rows after it", () => {
    const announcer = new LimitAnnouncer();
    const next = (s: number, ...kinds: LimitKind[]) =>
      announcer.next(
        kinds.map((kind, i) => ({
          key: `${i}`,
          name: `N${i}`,
          kind,
          text: kind,
        })),
        s * 1000,
      );
    assert.equal(next(0, "none", "none"), "");
    assert.equal(next(1, "within", "within"), "");
    assert.equal(next(2, "beyond", "within"), "N0: beyond");
    assert.equal(next(3, "beyond", "beyond"), "", "not at once after another");
    assert.equal(next(8, "beyond", "beyond"), "N1: beyond");
    assert.equal(next(20, "beyond", "beyond"), "");
    assert.equal(next(30, "was", "silent"), "N0: was. N1: silent");
    assert.equal(next(40, "within", "within"), "N1: within");
    const many = next(50, ...Array(9).fill("beyond"));
    assert.equal(many, "N0: beyond. N1: beyond. N2: beyond. And 6 more");
  });
});

describe("a paused plot", () => {
  it("says whether what it shows is beyond its limits, or missing", () => {
    const series = new Series({
      name: "A",
      data_type: "float64",
      sample_rate: 4,
      publisher: "P",
      stride_ns: 1e9,
    }, 60);
    const words = (fromS: number, toS: number) =>
      spanWords(series, { limits, fromS: GPS_S + fromS, toS: GPS_S + toS });
    assert.equal(words(0, 10), "no data");
    const put = (s: number, ...samples: number[]) =>
      series.putRow(row(s, samples));
    put(0, 0, 1, 2, 3);
    put(1, 0, 4, -9, Infinity);
    put(3, 0, 0, 0, 0);
    assert.equal(words(0, 1), "within limits");
    assert.equal(words(0, 2), "above 3 and below -3");
    // The newest sample at the left edge is 4: its line runs into the plot.
    assert.equal(words(1.3, 1.4), "above 3");
    assert.equal(
      words(2, 4),
      "within limits, but a part is missing",
    );
  });
});

describe("limits in the address", () => {
  it("follow a name, and come back as they were", () => {
    for (
      const y of [limits, { above: 2n ** 60n + 1n }, { below: 0, min: -1 }]
    ) {
      assert.deepEqual(optionsOf(optionsText(y).split(";").slice(1)), y);
    }
    assert.equal(optionsText(limits), ";above=3;below=-3");
    assert.equal(optionsOf(["above=x", "below="]), undefined);
    assert.equal(optionsOf(["above=1", "below=1"]), undefined);
    assert.match(checked({ above: 1, below: 1 }).wrong, /below the upper/);
  });
});
