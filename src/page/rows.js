// Decodes events into rows or bins: JSON, or Arrow in base64.
// Invariant: samples are typed arrays of the channel's type; where some are null, a Float64Array with NaN, or for
// 64-bit integers, which a double may not hold, an array of bigint and null.
import { tableFromIPC } from "@uwdata/flechette";
import { is64Bit } from "./int64_samples.js";

/** @typedef {import("./qanat.d.ts").Row} Row */
/** @typedef {import("./qanat.d.ts").Samples} Samples */
/** @typedef {import("./qanat.d.ts").DataType} DataType */
/** @typedef {import("./qanat.d.ts").TrendBin} TrendBin */
/** @typedef {{ encoding: "json" | "arrow", stride_ns: number, trend?: string, schema?: string, channels: { name: string, data_type: DataType, sample_rate: number }[] }} Hello */

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};
/** In the order in which a user may choose among them. */
export const DATA_TYPES = Object.keys(ARRAYS);

/**
 * A decoder for the events after a `hello`: into rows, or TrendRows of a trend.
 * @param {Hello} hello
 * @returns {(data: string) => Row}
 */
export function decoderOf(hello) {
  const strideNs = BigInt(hello.stride_ns);
  if (hello.trend) {
    return /** @type {any} */ (trendDecoder(hello, strideNs));
  }
  return hello.encoding === "arrow"
    ? arrowDecoder(hello, strideNs)
    : jsonDecoder(hello, strideNs);
}

/**
 * @param {Hello} hello
 * @param {bigint} strideNs
 * @returns {(data: string) => Row}
 */
function jsonDecoder({ channels }, strideNs) {
  return (data) => {
    const row = JSON.parse(data);
    /** @type {Record<string, Samples | null>} */
    const samples = {};
    for (const { name, data_type } of channels) {
      const values = row.channels[name];
      samples[name] = values ? typed(values, data_type) : null;
    }
    return {
      timeNs: BigInt(row.time),
      strideNs,
      channels: samples,
      missing: row.missing ?? {},
    };
  };
}

/**
 * @param {Hello} hello
 * @param {bigint} strideNs
 * @returns {(data: string) => import("./qanat.d.ts").TrendRow}
 */
function trendDecoder({ channels }, strideNs) {
  return (data) => {
    const row = JSON.parse(data);
    /** @type {Record<string, TrendBin | null>} */
    const bins = {};
    for (const { name, data_type } of channels) {
      const bin = row.channels[name] ?? null;
      bins[name] = bin !== null && is64Bit(data_type)
        ? { ...bin, min: bigOf(bin.min), max: bigOf(bin.max) }
        : bin;
    }
    return {
      timeNs: BigInt(row.time),
      strideNs,
      channels: bins,
      missing: row.missing ?? {},
    };
  };
}

/** @param {string | null} text */
function bigOf(text) {
  return text === null ? null : BigInt(text);
}

/**
 * @param {Hello} hello
 * @param {bigint} strideNs
 * @returns {(data: string) => Row}
 */
function arrowDecoder({ channels, schema }, strideNs) {
  const schemaBytes = bytesOf(schema ?? "");
  return (data) => {
    const table = tableFromIPC([schemaBytes, bytesOf(data)], {
      useBigInt: true,
    });
    /** @type {Record<string, Samples | null>} */
    const samples = {};
    for (const { name, data_type } of channels) {
      const values = table.getChild(name)?.at(0);
      samples[name] = !values
        ? null
        : Array.isArray(values)
        ? typed(values, data_type)
        : values;
    }
    const timeNs = BigInt(table.getChild("time")?.at(0) ?? 0);
    return { timeNs, strideNs, channels: samples, missing: {} };
  };
}

/**
 * @param {(number | string | bigint | null)[]} values
 * @param {DataType} dataType
 * @returns {Samples}
 */
function typed(values, dataType) {
  if (is64Bit(dataType)) {
    const whole = values.map((v) => v === null ? null : BigInt(v));
    return whole.includes(null)
      ? whole
      : ARRAYS[dataType].from(/** @type {bigint[]} */ (whole));
  }
  const isFloat = dataType === "float32" || dataType === "float64";
  if (!isFloat && values.includes(null)) {
    return Float64Array.from(values, (v) => v === null ? NaN : Number(v));
  }
  const numbers = values.map((v) => v === null ? NaN : Number(v));
  return ARRAYS[dataType].from(numbers);
}

/**
 * @param {string} base64
 * @returns {Uint8Array}
 */
export function bytesOf(base64) {
  const { fromBase64 } = /** @type {any} */ (Uint8Array);
  if (fromBase64) return fromBase64.call(Uint8Array, base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
