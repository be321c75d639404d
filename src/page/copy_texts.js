// The view as a command or a program: live rows of a live view, the same span of a paused one.
// Invariant: each text works when it is pasted, requests exactly the channels and the time that are shown, and does
// nothing else, whatever characters are in the names of channels.
import {
  jsonText,
  pythonString,
  queryEncoded,
  shellQuoted,
  sqlName,
} from "./quoting.js";

/**
 * @typedef {{ names: string[], live: boolean, fromS: number, toS: number, trend?: import("./qanat.d.ts").Trend | null, rateOf?: (name: string) => number | undefined }} Shown
 *   trend: bins are shown. rateOf: Hz; without it, all channels have one rate
 */

/** Seconds of a live view that a program reads. */
const LIVE_S = 10;

/** Longest URL that is shown; a longer selection goes into the body of a POST. */
const URL_CHARS_MAX = 8000;

/** @typedef {{ url: string, body: string | null }} Request a GET where it has no body */

/**
 * The request for these channels. A comma in a query separates names, so a name with a comma needs a POST.
 * @param {string} url
 * @param {string[]} channels
 * @param {Record<string, string>} fields
 * @returns {Request}
 */
export function requestOf(url, channels, fields) {
  const query = Object.entries(fields).map(([k, v]) => `&${k}=${v}`).join("");
  const get = `${url}?channels=${channels.map(queryEncoded).join(",")}${query}`;
  const isGet = get.length <= URL_CHARS_MAX &&
    channels.every((name) => !name.includes(","));
  return isGet
    ? { url: get, body: null }
    : { url, body: jsonText({ channels, ...fields }) };
}

/** @param {string} flags @param {Request} request */
function curlOf(flags, { url, body }) {
  const post = body === null
    ? ""
    : `-H 'content-type: application/json' -d ${shellQuoted(body)} `;
  return `curl ${flags} ${post}${shellQuoted(url)}`;
}

/** The line that makes `url`, which urlopen() takes. @param {Request} request */
function pythonOf({ url, body }) {
  if (body === null) return `url = ${pythonString(url)}`;
  return `url = urllib.request.Request(\n    ${pythonString(url)},\n    ${
    pythonString(body)
  }.encode(),\n    {"content-type": "application/json"},\n)`;
}

/** The texts by the tool that they are for. @param {Shown} shown @param {string} base @returns {Record<string, string>} */
export function textsOf(shown, base) {
  const { names, live, fromS, toS, trend = null } = shown;
  const span = { start: gps(fromS), end: gps(toS) };
  // Ten seconds would be few bins: the span that is shown, also of a live view.
  const isNew = live && trend === null;
  /** @type {Record<string, string>} */
  const bins = trend ? { trend } : {};
  const events = requestOf(`${base}v1/events`, names, {
    ...bins,
    ...(live ? {} : span),
  });
  const arrow = requestOf(`${base}v1/arrow`, names, {
    ...bins,
    ...(isNew ? { duration: String(LIVE_S) } : span),
  });
  const lines = groupsOf(shown).map((group) =>
    requestOf(`${base}v1/data`, group, {
      ...bins,
      ...(isNew ? { duration: String(LIVE_S) } : span),
    })
  );
  return {
    curl: `# events, ${live ? "until you stop it" : "what is shown"}\n${
      curlOf("-N", events)
    }\n\n# an Arrow file, ${
      isNew ? `${LIVE_S} s from now on` : "what is shown"
    }\n${curlOf("-o shown.arrows", arrow)}`,
    CSV: csvOf(lines),
    JavaScript: javaScriptOf(shown, base),
    pandas: pandasOf(lines),
    ...pythonTexts(names[0] ?? "", trend !== null, pythonOf(arrow)),
  };
}

/**
 * The names whose samples have a line in common: those of one rate; all where bins are shown.
 * @param {Shown} shown
 * @returns {string[][]}
 */
function groupsOf({ names, trend = null, rateOf = () => 0 }) {
  if (trend) return [names];
  return [...Map.groupBy(names, rateOf).values()];
}

/** A file of each request. @param {Request[]} requests */
function csvOf(requests) {
  return requests.map((request, i) =>
    curlOf(`--compressed -o shown${numberOf(i)}.csv`, request)
  ).join("\n");
}

/** A table of each request. @param {Request[]} requests */
function pandasOf(requests) {
  const needsUrllib = requests.some(({ body }) => body !== null);
  const imports = `${
    needsUrllib ? "import urllib.request\n" : ""
  }import pandas as pd`;
  const tables = requests.map((request, i) => {
    const table = `table${numberOf(i)}`;
    return request.body === null
      ? `${table} = pd.read_csv(${pythonString(request.url)})\nprint(${table})`
      : `${
        pythonOf(request)
      }\n${table} = pd.read_csv(urllib.request.urlopen(url))\nprint(${table})`;
  });
  return [imports, ...tables].join("\n\n");
}

/** Nothing for the first one. @param {number} i */
function numberOf(i) {
  return i === 0 ? "" : `_${i + 1}`;
}

/** @param {Shown} shown @param {string} base */
function javaScriptOf({ names, live, fromS, toS, trend = null }, base) {
  const module = jsonText(`${base}qanat.js`);
  const channels = `\n  channels: ${jsonText(names)},${
    trend ? `\n  trend: ${jsonText(trend)},` : ""
  }`;
  const onRow =
    "\n  onRow: ({ timeNs, channels }) => console.log(timeNs, channels),";
  const onGap =
    '\n  onGap: ({ fromNs, toNs, reason }) => console.log("gap", fromNs, toNs, reason),';
  return live
    ? `import { openStream } from ${module};\n\nopenStream({${channels}${onRow}${onGap}\n});`
    : `import { readRange } from ${module};\n\nawait readRange({${channels}\n  startNs: ${
      ns(fromS)
    }n,\n  endNs: ${ns(toS)}n,${onRow}\n});`;
}

/**
 * @param {string} first the channel whose peak is shown
 * @param {boolean} isTrend
 * @param {string} url the line that makes it
 */
function pythonTexts(first, isTrend, url) {
  const peak = isTrend
    ? `max(${sqlName(`${first}.max`)})`
    : `max(list_max(${sqlName(first)}))`;
  const sql =
    `select count(*) as rows, min(time) as first, ${peak} as peak from shown`;
  return {
    pyarrow:
      `import urllib.request\nimport pyarrow as pa\n\n${url}\ntable = pa.ipc.open_stream(urllib.request.urlopen(url)).read_all()\nprint(table.schema)\nprint(table.num_rows, "rows")`,
    polars:
      `import io\nimport urllib.request\nimport polars as pl\n\n${url}\ntable = pl.read_ipc_stream(io.BytesIO(urllib.request.urlopen(url).read()))\nprint(table)`,
    DuckDB:
      `import urllib.request\nimport duckdb\nimport pyarrow as pa\n\n${url}\nshown = pa.ipc.open_stream(urllib.request.urlopen(url)).read_all()\nprint(duckdb.sql(\n    ${
        pythonString(sql)
      }\n))`,
  };
}

/** GPS seconds with nine decimals at most. @param {number} seconds */
function gps(seconds) {
  return String(Number(seconds.toFixed(6)));
}

/** @param {number} seconds */
function ns(seconds) {
  return String(BigInt(Math.round(seconds * 1e6)) * 1000n);
}
