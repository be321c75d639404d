// Numbers as axes and readouts show them: as short as their differences allow.

/**
 * Labels of an axis: numbers, as short as their differences allow.
 * @param {number[]} splits
 */
export function numbersText(splits) {
  const largest = Math.max(...splits.map(Math.abs));
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : largest;
  if (largest === 0 || step === 0) return splits.map(String);
  let digits = 0;
  while (digits < 6 && !isWhole(step * 10 ** digits)) digits++;
  const figures = Math.ceil(Math.log10(largest / step) + 1e-9) + 1;
  if (largest < 1e-3 || (largest >= 1e6 && figures <= 3)) {
    return splits.map((v) =>
      v === 0
        ? "0"
        : v.toExponential(Math.min(figures, 4) - 1).replace("e+", "e")
    );
  }
  // Large numbers: only the digits that differ.
  if (largest >= 1e6) {
    return splits.map((v) => {
      const text = Math.round(v).toLocaleString("en");
      return text.length > 9 ? `…${text.slice(-7)}` : text;
    });
  }
  return splits.map((v) => v.toFixed(digits));
}

/** @param {number} value */
function isWhole(value) {
  return Math.abs(value - Math.round(value)) < 1e-6 * Math.max(value, 1);
}

/** A value for a reader: up to six digits; an integer with all its digits. @param {number | bigint} value */
export function valueText(value) {
  if (typeof value === "bigint") return exactText(value);
  if (Number.isNaN(value)) return "–";
  if (!isFinite(value)) return value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (Number.isInteger(value) && size < 1e21) return exactText(value);
  return size >= 1e6 || size < 1e-3
    ? value.toExponential(4)
    : String(Number(value.toPrecision(6)));
}

/**
 * A range of two values; of values that are close together, the first and the difference.
 * @template {number | bigint} Value
 * @param {Value} least
 * @param {Value} largest
 */
export function rangeText(least, largest) {
  if (least === largest) return valueText(least);
  const [low, high] = [valueText(least), valueText(largest)];
  const isNear = low === high || low.length + high.length > 30;
  const between = differenceOf(least, largest);
  return isNear && isFinite(Number(between))
    ? `${exactText(least)} + 0 … ${valueText(between)}`
    : `${low} … ${high}`;
}

/**
 * The difference of two values of one type.
 * @param {number | bigint} least
 * @param {number | bigint} largest
 */
export function differenceOf(least, largest) {
  return typeof least === "bigint" && typeof largest === "bigint"
    ? largest - least
    : Number(largest) - Number(least);
}

/** A value with all its digits. @param {number | bigint} value */
export function exactText(value) {
  if (typeof value === "bigint") return value.toLocaleString("en");
  return Number.isInteger(value) && Math.abs(value) < 1e21
    ? BigInt(value).toLocaleString("en")
    : String(value);
}
