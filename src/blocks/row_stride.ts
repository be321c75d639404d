// The stride of the rows that join partitions of different strides: their least common multiple.

/** Longest row stride that a selection may have, ns. */
export const ROW_STRIDE_MAX_NS = 60_000_000_000n;

/**
 * Least common multiple of strides, ns. Where it exceeds {@linkcode ROW_STRIDE_MAX_NS}, the result is some number above
 * that limit, not the exact multiple.
 */
export function rowStrideOf(strides: Iterable<bigint>): bigint {
  let result = 1n;
  for (const stride of strides) {
    // A thousand odd strides would give a number with a thousand times as many digits.
    if (result > ROW_STRIDE_MAX_NS) break;
    let a = result;
    let b = stride;
    while (b > 0n) [a, b] = [b, a % b];
    result = result / a * stride;
  }
  return result;
}
