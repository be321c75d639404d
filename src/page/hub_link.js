// Connects a page to its hub: in a SharedWorker, in a Worker, or in the page itself.
// Invariant: a page whose worker does not load has the hub in itself, and no message is lost.
import { Hub } from "./hub.js";

/** @typedef {import("./qanat.d.ts").ConnectOptions} ConnectOptions */
/** @typedef {(message: any) => void} Take */

const PING_MS = 20_000;
/** Part of the worker's name: tabs of another version use another worker. */
const VERSION = 5;
/** Where Qanat is served, with a slash at its end. */
export const HOME = new URL("../", import.meta.url).href;

/**
 * Connects to a hub: in a shared worker if possible. Returns a function that sends it a message.
 * @param {string} base
 * @param {ConnectOptions} options
 * @param {Take} take
 * @returns {Take}
 */
export function connect(base, { share = true, encoding, token }, take) {
  const isSite = typeof location !== "undefined" &&
    new URL(base).origin === location.origin;
  const ownHub = () => {
    const hub = new Hub(base, { encoding, token, hasSession: isSite });
    const port = hub.join((message) => queueMicrotask(() => take(message)));
    return (/** @type {any} */ message) => hub.take(port, message);
  };
  // A worker's script must come from the page's own origin; a page of another origin has the hub in itself. So has a page
  // with a token, since no worker can call its function.
  if (share && isSite && base === HOME && token === undefined) {
    const script = new URL("./hub_worker.js", import.meta.url);
    if (encoding) script.searchParams.set("encoding", encoding);
    const init =
      /** @type {const} */ ({ type: "module", name: `qanat ${VERSION}` });
    if (typeof SharedWorker !== "undefined") {
      const worker = new SharedWorker(script, init);
      const { port } = worker;
      // The hub removes a tab that is silent, where the browser does not report its end.
      setInterval(() => port.postMessage({ type: "ping" }), PING_MS);
      return linkTo(worker, port, { take, ownHub });
    }
    if (typeof Worker !== "undefined") {
      const worker = new Worker(script, init);
      return linkTo(worker, worker, { take, ownHub });
    }
  }
  return ownHub();
}

/**
 * Sends to a worker. If it fails before it has answered, a hub in the page gets what was sent so far, and all that follows.
 * @param {{ onerror: ((event: any) => any) | null }} worker
 * @param {{ onmessage: ((event: MessageEvent) => any) | null, postMessage: Take }} port
 * @param {{ take: Take, ownHub: () => Take }} options
 * @returns {Take}
 */
export function linkTo(worker, port, { take, ownHub }) {
  /** What was sent; null once the worker has answered, or failed. @type {any[] | null} */
  let sent = [];
  let post = (/** @type {any} */ message) => port.postMessage(message);
  port.onmessage = (event) => {
    sent = null;
    take(event.data);
  };
  worker.onerror = () => {
    if (!sent) return;
    const all = sent;
    sent = null;
    port.onmessage = null;
    post = ownHub();
    for (const message of all) post(message);
  };
  return (message) => {
    sent?.push(message);
    post(message);
  };
}
