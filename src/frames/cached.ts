// Looks a value up, and makes it where it is not known yet.

/** What `known` has for a key; made by `make`, and kept, where it has nothing. */
export function cached<K, V>(
  known: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  let value = known.get(key);
  if (value === undefined) known.set(key, value = make());
  return value;
}
