// Client libraries for browsers, each reading one stream over as many connections as it takes. Runs in a page.
// The test serves the libraries beside this file; a type check of the tests does not look for them there.
const libraryOf = (path) => import(new URL(path, import.meta.url).href);
const { fetchEventSource } = await libraryOf("./fetch-event-source/fetch.js");
const { SSE } = await libraryOf("./sse.js");
await libraryOf("./polyfill.js");

/** @typedef {{ times: string[], gaps: string[] }} Got */

/** Anything that is made like an EventSource. Over once it is closed for good, or has as many rows as are wanted. */
function bySource(Source, url, rowsMax) {
  return new Promise((resolve) => {
    const got = { times: [], gaps: [] };
    const source = new Source(url);
    source.onmessage = ({ data }) => {
      if (got.times.length === rowsMax) return;
      got.times.push(JSON.parse(data).time);
      if (got.times.length !== rowsMax) return;
      source.close();
      resolve(got);
    };
    source.addEventListener("gap", ({ data }) => got.gaps.push(data));
    source.onerror = () => {
      if (source.readyState === 2) resolve(got);
    };
  });
}

/** The library takes an id as soon as its line is there, though the event may break off behind it. */
async function byFetchEventSource(url, rowsMax) {
  const got = { times: [], gaps: [] };
  const stop = new AbortController();
  let lastId = "";
  const isOver = new Error("204");
  await fetchEventSource(url, {
    openWhenHidden: true,
    signal: stop.signal,
    fetch(input, init) {
      const headers = new Headers(init.headers);
      if (lastId === "") headers.delete("last-event-id");
      else headers.set("last-event-id", lastId);
      return fetch(input, { ...init, headers });
    },
    onopen({ status }) {
      if (status === 204) throw isOver;
      if (status !== 200) throw new Error(`the answer is ${status}`);
    },
    onmessage({ id, event, data }) {
      if (id !== "") lastId = id;
      if (event === "gap") got.gaps.push(data);
      // A heartbeat is an event without data here.
      if (event !== "" || data === "" || got.times.length === rowsMax) return;
      got.times.push(JSON.parse(data).time);
      if (got.times.length === rowsMax) stop.abort();
    },
    onerror(error) {
      if (error === isOver) throw error;
    },
  }).catch((error) => {
    if (error !== isOver) throw error;
  });
  return got;
}

/** It would ask again after each 204: the caller closes it. */
function bySse(url, rowsMax) {
  return new Promise((resolve) => {
    const got = { times: [], gaps: [] };
    const source = new SSE(url, { autoReconnect: true });
    const finish = () => {
      source.close();
      resolve(got);
    };
    source.addEventListener("message", ({ data }) => {
      if (got.times.length === rowsMax) return;
      got.times.push(JSON.parse(data).time);
      if (got.times.length === rowsMax) finish();
    });
    source.addEventListener("gap", ({ data }) => got.gaps.push(data));
    source.addEventListener("open", ({ responseCode }) => {
      if (responseCode === 204) finish();
    });
    source.stream();
  });
}

const LIBRARIES = {
  "EventSource": (...args) => bySource(EventSource, ...args),
  "event-source-polyfill": (...args) =>
    bySource(globalThis.EventSourcePolyfill, ...args),
  "@microsoft/fetch-event-source": byFetchEventSource,
  "sse.js": bySse,
};

/** Reads all at once: `[{ library, url, rowsMax }]`, where `rowsMax` is null for a stream that ends by itself. */
globalThis.readAll = (runs) =>
  Promise.all(
    runs.map(({ library, url, rowsMax }) => LIBRARIES[library](url, rowsMax)),
  );
