// Which colour each channel of a view has, by number, and its text in the address.
// Invariant: no two channels of a view have the same number, and a channel keeps its number while it is shown, whatever is
// added, removed or moved.

/** Larger numbers in an address are not used. */
const NUMBER_MAX = 999;

/** From 0 on, by channel. @typedef {ReadonlyMap<string, number>} ChannelColours */

/**
 * The numbers of channels: those that they have, and the least free ones for the others, in their order.
 * @param {readonly string[]} names each once
 * @param {ChannelColours} before
 * @returns {ChannelColours} the same one where nothing changes
 */
export function coloursFor(names, before) {
  if (names.length === before.size && names.every((n) => before.has(n))) {
    return before;
  }
  const taken = new Set(names.map((name) => before.get(name)));
  let free = 0;
  return new Map(names.map((name) => {
    const own = before.get(name);
    if (own !== undefined) return [name, own];
    while (taken.has(free)) free++;
    return [name, free++];
  }));
}

/**
 * As the address holds them: from 1 on, in the order of the channels; empty where that is the order of the numbers, too.
 * @param {readonly string[]} names
 * @param {ChannelColours} colours
 */
export function coloursText(names, colours) {
  const all = coloursFor(names, colours);
  const numbers = names.map((name) => all.get(name) ?? 0);
  return numbers.every((number, i) => number === i)
    ? ""
    : numbers.map((number) => number + 1).join(",");
}

/**
 * The numbers that an address gives; what is none, or is there twice, is left out.
 * @param {readonly string[]} names
 * @param {string} text
 * @returns {ChannelColours}
 */
export function coloursOf(names, text) {
  /** @type {Map<string, number>} */
  const colours = new Map();
  const taken = new Set();
  text.split(",").forEach((part, i) => {
    const name = names[i];
    const number = Number(part);
    const isNumber = Number.isInteger(number) && number >= 1 &&
      number <= NUMBER_MAX;
    if (name === undefined || !isNumber || taken.has(number)) return;
    taken.add(number);
    colours.set(name, number - 1);
  });
  return colours.size > 0 ? coloursFor(names, colours) : colours;
}
