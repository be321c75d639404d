// The setting with the addresses of other instances.
import { list } from "./readers.ts";
import { type Setting, SettingError } from "./setting.ts";

const ITEMS_MAX = 16;
const CHARS_MAX = 512;

/** Addresses of instances, without a slash at their end. */
export function upstreams(help: string): Setting<readonly string[]> {
  const each = list(
    "URL,…",
    help,
    (item) =>
      isUpstream(item)
        ? null
        : "a list of addresses such as https://qanat.example.org or https://example.org/qanat, without user, " +
          "query, and slash at the end",
  );
  const connects = (values: readonly string[]) => ({
    addresses: values.map((value) => {
      const { hostname, port, protocol } = new URL(value);
      return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
    }),
    others: null,
  });
  const read = (value: string) => {
    const items = each.read(value);
    if (items.length <= ITEMS_MAX) return items;
    throw new SettingError(`a list of at most ${ITEMS_MAX}`, "");
  };
  return { ...each, read, connects };
}

function isUpstream(text: string): boolean {
  if (text.length > CHARS_MAX || /[\s?#\\]|\/$/.test(text)) return false;
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}
