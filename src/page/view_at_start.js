// What the page shows when it is opened.
import { emptyView, firstView, namesOf, viewOf } from "./view.js";

/**
 * What the address says; without a view in it, the first view where the server has its channels, else nothing.
 * @param {import("./channel_book.js").ChannelBook} channels
 * @param {{ show(isOpen: boolean): void }} finder opened where there is nothing to show
 * @returns {Promise<import("./view.js").View>}
 */
export async function viewAtStart(channels, finder) {
  const view = viewOf(location.hash);
  if (view) return view;
  const first = firstView();
  await channels.learn(namesOf(first));
  const isThere = namesOf(first).every((name) => channels.has(name));
  if (isThere) return first;
  finder.show(true);
  return emptyView();
}
