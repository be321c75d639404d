// The hub in a SharedWorker (or, where there is none, a Worker of its own): one for all tabs of a server.
import { Hub } from "./hub.js";

const parameters = new URL(import.meta.url).searchParams;
const encoding = parameters.get("encoding");
const hub = new Hub(
  new URL("../", import.meta.url).href,
  {
    encoding: encoding === "json" || encoding === "arrow"
      ? encoding
      : undefined,
  },
);

/** @param {MessagePort} port */
function serve(port) {
  const joined = hub.join((message) => port.postMessage(message));
  port.onmessage = (event) => hub.take(joined, event.data);
  // Newer browsers say when a tab is gone; others are told by the tab, or find out by its silence.
  port.addEventListener("close", () => hub.leave(joined));
}

if ("onconnect" in globalThis) {
  globalThis.addEventListener("connect", (event) => {
    serve(/** @type {MessageEvent} */ (event).ports[0]);
  });
} else serve(/** @type {any} */ (globalThis));
