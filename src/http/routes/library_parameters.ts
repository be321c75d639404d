// Names that client libraries put into a query by themselves, and that no user can leave out.
// Invariant: none of them makes a request wrong.

/** One of the spellings under which libraries send the id of their last event when they reconnect. */
export function isLastEventId(name: string): boolean {
  return /^last[-_]?event[-_]?id$/i.test(name);
}

/** Makes each URL another one, so that no cache answers; the value means nothing. */
export function isCacheBuster(name: string): boolean {
  return name === "_";
}
