// Client libraries for browsers, each reading one stream over as many connections as it takes. Runs in a page.
// The test serves the libraries next to this file; a type check of the tests does not look for them there.
const libraryOf = (path) => import(new URL(path, import.meta.url).href);
const { fetchEventSource } = await libraryOf("./fetch-event-source/fetch.js");
const { SSE } = await libraryOf("./sse.js");
await libraryOf("./polyfill.js");

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ (crc & 1) * 0xedb88320;
  return crc;
});

/** CRC-32, as zlib has it, of a text in ASCII. */
function crc32(text) {
  let crc = -1;
  for (let i = 0; i < text.length; i++) {
    crc = CRC_TABLE[(crc ^ text.charCodeAt(i)) & 255] ^ crc >>> 8;
  }
  return ~crc >>> 0;
}

/** What one stream has given so far, as a test reads it. */
class Got {
  times = [];
  digests = [];
  gaps = [];
  lastRowMs = 0;
  #rowsMax;

  constructor(rowsMax) {
    this.#rowsMax = rowsMax;
  }

  /** Whether this is the last required row; later rows are ignored. */
  takeRow(data) {
    if (this.times.length === this.#rowsMax) return false;
    this.times.push(JSON.parse(data).time);
    this.digests.push(crc32(data));
    this.lastRowMs = Date.now();
    return this.times.length === this.#rowsMax;
  }
}

/** Anything that is made like an EventSource. Ends when it is closed permanently, or has the required number of rows. */
function bySource(Source, url, got) {
  return new Promise((resolve) => {
    const source = new Source(url);
    source.onmessage = ({ data }) => {
      if (!got.takeRow(data)) return;
      source.close();
      resolve();
    };
    source.addEventListener("gap", ({ data }) => got.gaps.push(data));
    source.onerror = () => {
      if (source.readyState === 2) resolve();
    };
  });
}

/**
 * The library takes an id as soon as its line is there, though the event may break off behind it; and a stream that the
 * server ends is over for it, though an instance that stops ends streams that continue on another instance.
 */
async function byFetchEventSource(url, got) {
  const stop = new AbortController();
  let lastId = "";
  let isComplete = false;
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
      if (event === "end") isComplete = JSON.parse(data).reason === "complete";
      // A heartbeat is an event without data here.
      if (event !== "" || data === "") return;
      if (got.takeRow(data)) stop.abort();
    },
    onclose() {
      if (!isComplete) {
        throw new Error("the stream continues on another instance");
      }
    },
    onerror(error) {
      if (error === isOver) throw error;
    },
  }).catch((error) => {
    if (error !== isOver) throw error;
  });
}

/** It would ask again after each 204: the caller closes it. */
function bySse(url, got) {
  return new Promise((resolve) => {
    const source = new SSE(url, { autoReconnect: true });
    const finish = () => {
      source.close();
      resolve();
    };
    source.addEventListener("message", ({ data }) => {
      if (got.takeRow(data)) finish();
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

/**
 * Reads all at once: `[{ library, url, rowsMax }]`, where `rowsMax` is null for a stream that ends by itself. What each
 * has given so far is in `gots`.
 */
globalThis.readAll = async (runs) => {
  const gots = runs.map(({ rowsMax }) => new Got(rowsMax));
  globalThis.gots = gots;
  await Promise.all(
    runs.map(({ library, url }, i) => LIBRARIES[library](url, gots[i])),
  );
  return gots;
};
