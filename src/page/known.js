// Requests channels by their names, with searches: a 404 for one name would be an error in the browser's console.
// Invariant: each name is found or has a reason; throws only when the server does not answer.
import { problemOf } from "./event_stream.js";
import { printable } from "./quoting.js";

/** @typedef {import("./series.js").Channel} Channel */

/** Longest expression of a search: the server allows 256 instructions, and each character takes one. */
const LENGTH_MAX = 200;
const NEAR_MAX = 3;
/** Of so many unknown names near ones are searched, one after the other; the page shows nothing before that. */
const NEAR_NAMES_MAX = 8;

/**
 * @param {readonly string[]} names
 * @param {(path: string) => Promise<Response>} get
 * @returns {Promise<{ found: Map<string, Channel>, unknown: Map<string, string> }>} unknown: reasons by name
 */
export async function describe(names, get) {
  /** @type {Map<string, Channel>} */
  const found = new Map();
  /** @type {Map<string, string>} */
  const unknown = new Map();
  const groups = groupsOf(names);
  const answers = await Promise.all(groups.map(async (some) => {
    const any = some.map(literal).join("|");
    const answer = await search(`(?:${any})$`, some.length, get);
    return { some, answer };
  }));
  for (const { some, answer } of answers) {
    for (const channel of answer.channels) found.set(channel.name, channel);
    for (const name of some) {
      if (found.has(name)) continue;
      const why = answer.detail ?? `There is no channel '${printable(name)}'`;
      const isAsked = !answer.detail && unknown.size < NEAR_NAMES_MAX;
      const near = isAsked ? await nearOf(name, get) : [];
      unknown.set(
        name,
        near.length > 0 ? `${why}; near: ${near.join(", ")}` : why,
      );
    }
  }
  return { found, unknown };
}

/**
 * Names in groups that fit into one expression.
 * @param {readonly string[]} names
 */
function groupsOf(names) {
  /** @type {string[][]} */
  const groups = [];
  let length = Infinity;
  for (const name of names) {
    length += name.length + 2;
    if (length > LENGTH_MAX) {
      groups.push([]);
      length = name.length + 2;
    }
    groups.at(-1)?.push(name);
  }
  return groups;
}

/**
 * Names with the longest beginning in common with this one.
 * @param {string} name
 * @param {(path: string) => Promise<Response>} get
 */
async function nearOf(name, get) {
  const part = name.slice(0, -1);
  const parts = [part, part.replace(/[^_-]*$/, ""), part.replace(/[^:]*$/, "")];
  for (const start of new Set(parts)) {
    if (start === "") continue;
    const { channels } = await search(literal(start), NEAR_MAX, get);
    if (channels.length > 0) return channels.map((c) => c.name);
  }
  return [];
}

/**
 * @param {string} match
 * @param {number} limit
 * @param {(path: string) => Promise<Response>} get
 * @returns {Promise<{ channels: Channel[], detail?: string }>}
 */
async function search(match, limit, get) {
  const fields = new URLSearchParams({ match, limit: String(limit) });
  const response = await get(`v1/channels?${fields}`);
  if (response.ok) return await response.json();
  return { channels: [], detail: (await problemOf(response)).detail };
}

/** @param {string} text */
function literal(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
