// The hub in a SharedWorker, one for all tabs of a server; in a Worker of the tab where a browser has no SharedWorker.
import { Hub } from "./hub.js";

const parameters = new URL(import.meta.url).searchParams;
const encoding = parameters.get("encoding");
const hub = new Hub(
  new URL("../", import.meta.url).href,
  {
    hasSession: true,
    encoding: encoding === "json" || encoding === "arrow"
      ? encoding
      : undefined,
  },
);

/** @param {MessagePort} port */
function serve(port) {
  const joined = hub.join((message) => port.postMessage(message));
  port.onmessage = (event) => hub.take(joined, event.data);
  // Newer browsers report that a tab was closed. In others the tab reports it, or is removed after a silence.
  port.addEventListener("close", () => hub.leave(joined));
}

if ("onconnect" in globalThis) {
  globalThis.addEventListener("connect", (event) => {
    serve(/** @type {MessageEvent} */ (event).ports[0]);
  });
} else serve(/** @type {any} */ (globalThis));
