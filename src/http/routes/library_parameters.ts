// Query parameters that client libraries add by themselves, and that users cannot leave out.
// Invariant: none of them makes a request invalid.

/** Whether a name is one under which libraries send the id of the last event when they reconnect. */
export function isLastEventId(name: string): boolean {
  return /^last[-_]?event[-_]?id$/i.test(name);
}

/** Whether a name is one that libraries add to make each URL unique, so that no cache answers. */
export function isCacheBuster(name: string): boolean {
  return name === "_";
}
