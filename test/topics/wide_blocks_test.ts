import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { TimeUnit } from "apache-arrow";
import { DATA_TYPES } from "../../src/channels/channel.ts";
import { SAMPLE_ARRAYS } from "../../src/channels/sample_arrays.ts";
import {
  BLOCKS_BYTES_MAX,
  MESSAGE_BLOCKS_MAX,
  WideBlocks,
} from "../../src/topics/wide_blocks.ts";
import { Random } from "../random.ts";
import { randomSamples } from "../random_samples.ts";
import { blocksOf, mapping, wideMessage } from "./wide.ts";

const NS = 1_000_000_000n;
const scalar = (name: string, samples: number[]) => ({
  name,
  dataType: "float64" as const,
  samples: Float64Array.from(samples),
});

describe("WideBlocks", () => {
  it("gives each row's samples, of scalars and of all kinds of lists, in all types", () => {
    const random = new Random(1);
    for (const dataType of DATA_TYPES) {
      for (const kind of ["list", "large-list", "fixed-list"] as const) {
        const blocks = new WideBlocks(mapping());
        const a = randomSamples(random, dataType, 3);
        const b = randomSamples(random, dataType, 12);
        const message = wideMessage({
          times: [5n * NS, 6n * NS, 9n * NS],
          columns: [
            { name: "other", dataType: "int8", samples: new Int8Array(3) },
            { name: "b", dataType, kind, rowSamples: 4, samples: b },
            { name: "a", dataType, samples: a },
          ],
        });
        assert.equal(blocks.read(message), null);
        const list = (from: number, to: number, of: typeof a) =>
          Array.from(of.slice(from, to) as Float64Array);
        assert.deepEqual(
          blocksOf(blocks, dataType),
          [5, 6, 9].map((time, i) => [time, {
            0: list(i, i + 1, a),
            1: list(4 * i, 4 * i + 4, b),
          }]),
          `${dataType} ${kind}`,
        );
        assert.equal(blocks.skippedRows, 0);
      }
    }
  });

  it("copies lists of any length, in words or as a view", () => {
    const random = new Random(2);
    for (const dataType of ["int8", "int16", "float32", "float64"] as const) {
      for (const rowSamples of [1, 3, 7, 16, 31, 32, 33, 63, 64, 65, 129]) {
        const blocks = new WideBlocks(mapping({
          channels: [
            { column: "a", name: "X:A", sampleRate: rowSamples, rowSamples },
            { column: "b", name: "X:B", sampleRate: 1, rowSamples: 1 },
          ],
        }));
        const samples = randomSamples(random, dataType, 2 * rowSamples);
        const one = randomSamples(random, dataType, 2);
        const message = wideMessage({
          times: [1n * NS, 2n * NS],
          columns: [
            { name: "a", dataType, kind: "list", rowSamples, samples },
            { name: "b", dataType, samples: one },
          ],
        });
        // At an odd place, as records are in an answer of Kafka.
        const answer = new Uint8Array(message.byteLength + 3);
        answer.set(message, 3);
        assert.equal(blocks.read(answer.subarray(3)), null);
        const list = (from: number, to: number, of: typeof one) =>
          Array.from(of.slice(from, to) as Float64Array);
        assert.deepEqual(
          blocksOf(blocks, dataType),
          [0, 1].map((i) => [i + 1, {
            0: list(i * rowSamples, (i + 1) * rowSamples, samples),
            1: list(i, i + 1, one),
          }]),
          `${dataType} ${rowSamples}`,
        );
      }
    }
  });

  it("puts channels of each type into blocks of that type; a type without channels has blocks without samples", () => {
    const blocks = new WideBlocks(mapping());
    const message = wideMessage({
      times: [1n * NS],
      columns: [
        scalar("a", [7]),
        {
          name: "b",
          dataType: "int16",
          kind: "list",
          rowSamples: 4,
          samples: Int16Array.of(1, 2, 3, 4),
        },
      ],
    });
    assert.equal(blocks.read(message), null);
    assert.deepEqual(blocksOf(blocks, "float64"), [[1, { 0: [7] }]]);
    assert.deepEqual(blocksOf(blocks, "int16"), [[1, { 1: [1, 2, 3, 4] }]]);
    assert.deepEqual(blocksOf(blocks, "uint8"), [[1, {}]]);
  });

  it("makes one block of several rows, also across record batches, and several of one message", () => {
    const four = mapping({
      rowRate: 4,
      blockRows: 4,
      channels: [
        { column: "a", name: "X:A", sampleRate: 4, rowSamples: 1 },
        { column: "b", name: "X:B", sampleRate: 8, rowSamples: 2 },
      ],
    });
    for (const batchRows of [1, 2, 3, 5, 8]) {
      for (const kind of ["list", "fixed-list"] as const) {
        const blocks = new WideBlocks(four);
        const message = wideMessage({
          times: Array.from({ length: 8 }, (_, i) => BigInt(i) * NS / 4n),
          batchRows,
          columns: [
            scalar("a", [0, 1, 2, 3, 4, 5, 6, 7]),
            {
              name: "b",
              dataType: "float64",
              kind,
              rowSamples: 2,
              samples: Float64Array.from({ length: 16 }, (_, i) => 100 + i),
            },
          ],
        });
        assert.equal(blocks.read(message), null);
        const b = (from: number) =>
          Array.from({ length: 8 }, (_, i) => 100 + from + i);
        assert.deepEqual(blocksOf(blocks, "float64"), [
          [0, { 0: [0, 1, 2, 3], 1: b(0) }],
          [1, { 0: [4, 5, 6, 7], 1: b(8) }],
        ], `${batchRows} ${kind}`);
      }
    }
  });

  it("takes a null, and a list of another length, as missing in its block alone", () => {
    const blocks = new WideBlocks(mapping());
    const message = wideMessage({
      times: [1n * NS, 2n * NS],
      columns: [
        { ...scalar("a", [1, 2]), nulls: [0] },
        {
          name: "b",
          dataType: "float64",
          kind: "list",
          rowSamples: 3,
          samples: new Float64Array(6),
        },
      ],
    });
    assert.equal(blocks.read(message), null);
    assert.deepEqual(blocksOf(blocks, "float64"), [[1, {}], [2, { 0: [2] }]]);
    assert.equal(blocks.missing, 3);
  });

  it("leaves out a column that the schema lacks", () => {
    const blocks = new WideBlocks(mapping());
    const times = [1n * NS];
    assert.equal(
      blocks.read(wideMessage({ times, columns: [scalar("a", [1])] })),
      null,
    );
    assert.deepEqual(blocksOf(blocks, "float64"), [[1, { 0: [1] }]]);
    assert.equal(blocks.read(wideMessage({ times, columns: [] })), null);
    assert.deepEqual(blocksOf(blocks, "float64"), [[1, {}]]);
  });

  it("skips rows that are not in the grid, and blocks that are not whole", () => {
    const half = mapping({
      rowRate: 2,
      blockRows: 2,
      channels: [{ column: "a", name: "X:A", sampleRate: 2, rowSamples: 1 }],
    });
    const blocks = new WideBlocks(half);
    // Half a block, a block, an irregular one, a block, half a block.
    const times = [0.5, 1, 1.5, 2, 2.6, 3, 3.5, 4];
    const message = wideMessage({
      times: times.map((s) => BigInt(s * 1e9)),
      columns: [scalar("a", times)],
    });
    assert.equal(blocks.read(message), null);
    assert.deepEqual(blocksOf(blocks, "float64"), [
      [1, { 0: [1, 1.5] }],
      [3, { 0: [3, 3.5] }],
    ]);
    assert.equal(blocks.skippedRows, 4);
  });

  it("takes times that are as near as the tolerance says, and no others", () => {
    const near = mapping({
      toleranceNs: 1000,
      channels: [{ column: "a", name: "X:A", sampleRate: 1, rowSamples: 1 }],
    });
    const blocks = new WideBlocks(near);
    const message = wideMessage({
      times: [NS - 1000n, 2n * NS + 1000n, 3n * NS + 1001n, 4n * NS - 1001n],
      columns: [scalar("a", [1, 2, 3, 4])],
    });
    assert.equal(blocks.read(message), null);
    assert.deepEqual(blocksOf(blocks, "float64"), [
      [1, { 0: [1] }],
      [2, { 0: [2] }],
    ]);
    assert.equal(blocks.skippedRows, 2);
  });

  it("reads all units, and Unix time with its leap seconds", () => {
    const cases = [
      ["s", "gps", 1_000_000_000n, 1e9],
      ["ms", "gps", 1_000_000_000_000n, 1e9],
      ["us", "gps", 1_000_000_000_000_000n, 1e9],
      // 2015-09-14T09:50:45Z, at 17 leap seconds; 1980-01-06, at none.
      ["s", "unix", 1_442_224_245n, 1_126_259_462],
      ["ns", "unix", 1_442_224_245_000_000_000n, 1_126_259_462],
      ["ms", "unix", 315_964_800_000n, 0],
    ] as const;
    for (const [unit, epoch, time, gps] of cases) {
      const blocks = new WideBlocks(mapping({ unit, epoch }));
      const message = wideMessage({
        times: [time],
        columns: [scalar("a", [1])],
      });
      assert.equal(blocks.read(message), null);
      assert.deepEqual(blocksOf(blocks, "float64"), [[gps, { 0: [1] }]], unit);
    }
  });

  it("skips times before the epoch, and the largest ones, without an error", () => {
    for (const time of [-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 55n]) {
      for (const epoch of ["gps", "unix"] as const) {
        const blocks = new WideBlocks(mapping({ unit: "s", epoch }));
        const message = wideMessage({
          times: [time],
          columns: [scalar("a", [1])],
        });
        assert.equal(blocks.read(message), null);
        assert.equal(blocks.skippedRows, 1);
      }
    }
  });

  it("reads a timestamp of the stated unit, and refuses another", () => {
    const options = {
      times: [1_442_224_245_000n],
      columns: [scalar("a", [1])],
      timestamp: TimeUnit.MILLISECOND,
    };
    const blocks = new WideBlocks(mapping({ unit: "ms", epoch: "unix" }));
    assert.equal(blocks.read(wideMessage(options)), null);
    assert.equal(blocks.blockCount, 1);
    assert.match(
      new WideBlocks(mapping()).read(wideMessage(options))!,
      /has the unit ms; --topics says ns/,
    );
  });

  it("refuses a message without the time, or with a time of another type", () => {
    const blocks = new WideBlocks(mapping());
    const columns = [scalar("a", [1])];
    const times = [1n];
    assert.match(
      blocks.read(wideMessage({ times, columns, timeName: "t" }))!,
      /it has no time column time/,
    );
    assert.match(
      new WideBlocks(mapping({ timeColumn: "a" })).read(
        wideMessage({ times, columns }),
      )!,
      /time column a is float64; int64 and timestamp are read/,
    );
  });

  it("names columns that cannot be their channels", () => {
    const blocks = new WideBlocks(mapping());
    const message = wideMessage({
      times: [1n * NS],
      columns: [
        {
          name: "a",
          dataType: "int8",
          kind: "fixed-list",
          rowSamples: 2,
          samples: new Int8Array(2),
        },
        scalar("b", [1]),
      ],
    });
    assert.equal(blocks.read(message), null);
    assert.deepEqual(blocks.plan!.columns, []);
    assert.deepEqual(blocks.plan!.faults, [
      {
        index: 0,
        detail:
          "its column is fixed_size_list<int8>[2]; a row must have 1 sample of a number type",
      },
      {
        index: 1,
        detail:
          "its column is float64; a row must have 4 samples of a number type",
      },
    ]);
  });

  it("refuses more blocks than one message may have, and larger messages", () => {
    const one = mapping({
      channels: [{ column: "a", name: "X:A", sampleRate: 1, rowSamples: 1 }],
    });
    const rows = MESSAGE_BLOCKS_MAX + 1;
    const message = (count: number) =>
      wideMessage({
        times: Array.from({ length: count }, (_, i) => BigInt(i) * NS),
        columns: [scalar("a", new Array(count).fill(1))],
      });
    const blocks = new WideBlocks(one);
    assert.equal(blocks.read(message(MESSAGE_BLOCKS_MAX)), null);
    assert.equal(blocks.blockCount, MESSAGE_BLOCKS_MAX);
    assert.equal(
      blocks.read(message(rows)),
      `${rows} rows, at most ${MESSAGE_BLOCKS_MAX} are taken`,
    );
    assert.equal(blocks.blockCount, 0);
    assert.match(
      blocks.read(new Uint8Array(16 * 1024 * 1024 + 1))!,
      /bytes, at most 16777216 are read/,
    );
  });

  it("refuses a message whose rows are small, as they are null, and whose blocks would not be", () => {
    const rowSamples = 65_536;
    const rows = 600;
    const wide = mapping({
      channels: [{ column: "a", name: "X:A", sampleRate: 65_536, rowSamples }],
    });
    const message = (count: number) =>
      wideMessage({
        times: Array.from({ length: count }, (_, i) => BigInt(i) * NS),
        columns: [{
          name: "a",
          dataType: "float64",
          kind: "list",
          rowSamples: 0,
          samples: new Float64Array(0),
        }],
      });
    const blocks = new WideBlocks(wide);
    assert.ok(message(rows).byteLength < 10_000);
    assert.equal(
      blocks.read(message(rows)),
      `its ${rows} blocks have ${
        rows * (8 * rowSamples + 16)
      } bytes, at most ${BLOCKS_BYTES_MAX} are made of one message; send fewer rows in each`,
    );
    assert.equal(blocks.blockCount, 0);
    assert.equal(blocks.read(message(10)), null);
    assert.equal(blocks.blockCount, 10);
  });

  it("reads a stream without its end, and takes one without rows as no block", () => {
    const blocks = new WideBlocks(mapping());
    const columns = [scalar("a", [1])];
    assert.equal(
      blocks.read(wideMessage({ times: [NS], columns, isOpen: true })),
      null,
    );
    assert.equal(blocks.blockCount, 1);
    const empty = wideMessage({ times: [], columns: [scalar("a", [])] });
    assert.equal(blocks.read(empty), null);
    assert.equal(blocks.blockCount, 0);
  });

  it("knows a header again, and reads messages that take turns", () => {
    const blocks = new WideBlocks(mapping());
    const first = wideMessage({ times: [NS], columns: [scalar("a", [1])] });
    const second = wideMessage({
      times: [2n * NS, 3n * NS],
      columns: [scalar("x", [0, 0]), scalar("a", [2, 3])],
    });
    assert.equal(blocks.read(first), null);
    const { plan } = blocks;
    for (let i = 0; i < 3; i++) {
      assert.equal(blocks.read(second), null);
      assert.deepEqual(blocksOf(blocks, "float64"), [
        [2, { 0: [2] }],
        [3, { 0: [3] }],
      ]);
      assert.equal(blocks.read(first), null);
      assert.equal(blocks.plan, plan);
      assert.deepEqual(blocksOf(blocks, "float64"), [[1, { 0: [1] }]]);
    }
  });

  it("never throws for damaged bytes, and never reads outside of them", () => {
    const random = new Random(7);
    const samples = new SAMPLE_ARRAYS.float32(12);
    for (const kind of ["list", "large-list", "fixed-list"] as const) {
      const message = wideMessage({
        times: [NS, 2n * NS, 3n * NS],
        batchRows: 2,
        columns: [
          { ...scalar("a", [1, 2, 3]), nulls: [1] },
          { name: "b", dataType: "float32", kind, rowSamples: 4, samples },
        ],
      });
      const blocks = new WideBlocks(mapping());
      for (let i = 0; i < 1000; i++) {
        const bytes = Uint8Array.from(message);
        for (let k = random.below(4); k >= 0; k--) {
          bytes[random.below(bytes.length)] = random.of([
            0,
            1,
            0x7f,
            0x80,
            0xff,
            random.below(256),
          ]);
        }
        const cut = random.once(4)
          ? bytes.subarray(0, random.below(bytes.length))
          : bytes;
        if (blocks.read(cut) !== null) continue;
        for (let block = 0; block < blocks.blockCount; block++) {
          for (const type of ["float64", "float32", "int64"] as const) {
            blocks.block(block, type);
          }
        }
      }
    }
  });
});
