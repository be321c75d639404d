// Writes rows as a Parquet file: a line for each sample of channels of one rate, or for each bin.
// Invariant: every value has its bits: 64-bit integers as such, missing samples as nulls. Gaps are in the file's metadata.
import { ByteWriter, parquetWrite } from "hyparquet-writer";

/** @typedef {import("./series.js").Channel} Channel */
/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").TrendRow} TrendRow */
/** @typedef {{ values: (number | bigint | null)[], type: "INT32" | "INT64" | "FLOAT" | "DOUBLE", converted?: import("hyparquet-writer").SchemaElement["converted_type"] }} Column */

/** How Parquet stores a type of samples. @type {Readonly<Record<string, Pick<Column, "type" | "converted">>>} */
const TYPES = {
  int8: { type: "INT32", converted: "INT_8" },
  int16: { type: "INT32", converted: "INT_16" },
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  uint8: { type: "INT32", converted: "UINT_8" },
  uint16: { type: "INT32", converted: "UINT_16" },
  uint32: { type: "INT32", converted: "UINT_32" },
  uint64: { type: "INT64", converted: "UINT_64" },
  float32: { type: "FLOAT" },
  float64: { type: "DOUBLE" },
};
const PARTS = /** @type {const} */ (["min", "mean", "max", "count"]);
const SECOND_NS = 1_000_000_000n;

export class ParquetFile {
  #channels;
  #isTrend;
  /** @type {bigint[]} */
  #times = [];
  /** @type {Map<string, Column>} */
  #columns = new Map();
  /** @type {{ from: string, to: string, reason: string }[]} */
  #gaps = [];

  /**
   * @param {readonly Channel[]} channels of one sample rate, unless they come as bins
   * @param {boolean} isTrend
   */
  constructor(channels, isTrend) {
    this.#channels = channels;
    this.#isTrend = isTrend;
    for (const { name, data_type } of channels) {
      const own = TYPES[data_type];
      if (!isTrend) {
        this.#columns.set(name, { values: [], ...own });
        continue;
      }
      for (const part of PARTS) {
        const kind = part === "mean"
          ? TYPES.float64
          : part === "count"
          ? TYPES.int64
          : own;
        this.#columns.set(`${name}.${part}`, { values: [], ...kind });
      }
    }
  }

  /** Samples, or bins, of each channel. */
  get lines() {
    return this.#times.length;
  }

  /** @param {Row | TrendRow} row */
  putRow(row) {
    if (this.#isTrend) return this.#putBins(/** @type {TrendRow} */ (row));
    const { timeNs, strideNs, channels } = /** @type {Row} */ (row);
    const rate = BigInt(Math.round(this.#channels[0].sample_rate * 1e6));
    const count = Number(strideNs * rate / (SECOND_NS * 1_000_000n));
    for (let k = 0n; k < count; k++) {
      this.#times.push(timeNs + k * SECOND_NS * 1_000_000n / rate);
    }
    for (const { name } of this.#channels) {
      const { values } = /** @type {Column} */ (this.#columns.get(name));
      const samples = channels[name];
      for (let k = 0; k < count; k++) values.push(samples?.[k] ?? null);
    }
  }

  /** @param {TrendRow} row */
  #putBins({ timeNs, channels }) {
    this.#times.push(timeNs);
    for (const { name } of this.#channels) {
      const bin = channels[name];
      for (const part of PARTS) {
        const { values, type } = /** @type {Column} */ (
          this.#columns.get(`${name}.${part}`)
        );
        const value = bin?.[part] ?? null;
        const isWhole = type === "INT64" && typeof value === "number";
        values.push(isWhole ? BigInt(value) : value);
      }
    }
  }

  /** @param {import("./qanat.d.ts").Gap} gap */
  addGap({ fromNs, toNs, reason }) {
    this.#gaps.push({ from: String(fromNs), to: String(toNs), reason });
  }

  /** The bytes of the file. */
  bytes() {
    /** @type {import("hyparquet-writer").SchemaElement[]} */
    const schema = [
      { name: "root", num_children: 1 + this.#columns.size },
      { name: "gps_ns", type: "INT64", repetition_type: "REQUIRED" },
    ];
    const columnData = [{ name: "gps_ns", data: this.#times }];
    for (const [name, { converted, type, values }] of this.#columns) {
      schema.push({
        name,
        type,
        repetition_type: "OPTIONAL",
        ...(converted ? { converted_type: converted } : {}),
      });
      columnData.push({ name, data: /** @type {any} */ (values) });
    }
    const writer = new ByteWriter();
    parquetWrite({
      writer,
      columnData,
      schema,
      // Readers would compare unsigned values with them as signed ones.
      statistics: false,
      kvMetadata: [
        { key: "qanat.channels", value: JSON.stringify(this.#channels) },
        { key: "qanat.gaps", value: JSON.stringify(this.#gaps) },
      ],
      createdBy: "Qanat",
    });
    return new Uint8Array(writer.getBuffer());
  }
}
