// Random HTTP requests as bytes: valid ones of every route, the same with one mutation, with several, and plain noise.
import type { Random } from "./random.ts";

/** A request before it becomes bytes. */
interface Draft {
  method: string;
  path: string;
  query: [name: string, value: string][];
  version: string;
  headers: [name: string, value: string][];
  body: string | null;
  isChunked: boolean;
}

/** What a made request is, for the count of valid ones. */
export interface MadeRequest {
  readonly bytes: Uint8Array;
  readonly mutations: number;
  readonly method: string;
}

const CHANNELS = [
  "H1:GWOSC-4KHZ_R1_WHITENED",
  "H1:QANAT-SINE",
  "H1:QANAT-COUNT_I64_16",
  "L1:GWOSC-4KHZ_R1_STRAIN",
];
const PLAIN_PATHS = [
  "/",
  "/healthz",
  "/readyz",
  "/v1/status",
  "/v1/clients",
  "/v1/clients/0123456789abcdef",
  "/v1/time",
  "/v1/version",
  "/metrics",
  "/openapi.json",
  "/asyncapi.json",
  "/docs",
  "/docs/start.js",
  "/docs/swagger-ui.css",
  "/qanat.js",
  "/qanat.d.ts",
  "/page/main.js",
  "/page/page.css",
  "/page/none.js",
  "/v1/channels/" + encodeURIComponent(CHANNELS[0]!),
  "/v1/channels/NONE",
  "/v1/replays",
  "/none",
];
const METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"];
const STREAM_VALUES: Readonly<Record<string, readonly string[]>> = {
  gaps: ["fill", "skip", "fail"],
  slow: ["gap", "latest", "close"],
  match: ["H1:GWOSC.*", ".*SINE", "H1:QANAT-(SINE|COUNT_I64_16)"],
  replay: [""],
};
/** What says when a stream begins and ends. */
const RANGES: readonly (readonly [name: string, value: string][])[] = [
  [["duration", "0.1"]],
  [["duration", "2e-1"]],
  [["start", "1126259462"], ["end", "1126259463"]],
  [["start", "2015-09-14T09:50:45.4Z"], ["duration", "0.5"]],
  [["start", "1126259462.42"], ["duration", "1"], [
    "after",
    "2000000000000000000",
  ]],
  [["after", "1126259462000000000"], ["duration", "0.1"]],
];
/** One more parameter of each stream route. */
const SPECIAL: Readonly<Record<string, readonly [string, string][]>> = {
  "/v1/events": [
    ["encoding", "json"],
    ["encoding", "arrow"],
    ["trend", "1s"],
    ["trend", "10s"],
    ["slow", "trend"],
  ],
  "/v1/arrow": [["coding", "gzip"], ["trend", "60s"]],
  "/v1/data": [
    ["format", "csv"],
    ["format", "ndjson"],
    ["format", "gwpy"],
    ["trend", "1s"],
  ],
};
/** Values that each parameter's reader must refuse or take without harm. */
const ODD_VALUES: Readonly<Record<string, readonly string[]>> = {
  start: [
    "1950-01-01T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00.000000000Z",
    "2000-02-30T00:00:00Z",
    "9999999999.999999999",
    "0",
    "-60",
    "1126259462.".padEnd(60, "1"),
  ],
  end: ["1960-01-01T00:00:00Z", "0", "1972-06-30T23:59:60Z"],
  duration: ["0", "1e-9", "1e400", "9".repeat(5000) + "x", ".", "1e999999"],
  after: ["-1", "9".repeat(19), "9".repeat(4000), "x"],
  match: [
    "(?:(?:.?){300}){3}Z",
    ".{0,1000}".repeat(400),
    ".*".repeat(2000),
    "(".repeat(900) + ")".repeat(900),
    "[",
    "(?i)h1:.*|".repeat(300),
    "\\pL{1,1000}",
    "x".repeat(5000),
  ],
  channels: [",", "a,".repeat(3000), "N".repeat(9000), "__proto__"],
  replay: ["__proto__", "x".repeat(5000)],
  limit: ["0", "-1", "1e3", "999999999999", "1.5"],
  type: ["float32,".repeat(900), "x"],
  min_rate: ["9".repeat(6000), "-1", "1e400"],
  publisher: [",".repeat(5000)],
};
const LIST_VALUES: Readonly<Record<string, readonly string[]>> = {
  match: ["H1:.*", ".*", "L1:GWOSC.*"],
  type: ["float32", "float64,int16", "uint8,uint64"],
  min_rate: ["16", "1e2"],
  max_rate: ["4096"],
  publisher: ["QANAT"],
  replay: [""],
  limit: ["1", "100"],
  after: ["H1:", CHANNELS[0]!],
};
const HEADER_VALUES: Readonly<Record<string, readonly string[]>> = {
  "accept": [
    "*/*",
    "text/html",
    "application/vnd.apache.arrow.stream",
    'application/vnd.apache.arrow.stream;codecs="zstd, lz4"',
  ],
  "accept-encoding": [
    "gzip",
    "identity",
    "gzip;q=0",
    "br, x-gzip;q=0.5",
    "*;q=0",
  ],
  "last-event-id": ["1126259462000000000", ""],
  "origin": ["http://localhost:3000", "null"],
  "if-none-match": ['"x"', "*", 'W/"x", "y"'],
  "x-forwarded-for": ["1.2.3.4", "::1, 10.0.0.1"],
  "content-type": ["application/json", "text/plain"],
  "expect": ["100-continue"],
  "range": ["bytes=0-1"],
  "upgrade": ["websocket"],
};

/** Draws one request; at least half of all are valid or one mutation away from it. */
export function randomRequest(random: Random): MadeRequest {
  const draft = validRequest(random);
  const kind = random.next();
  if (kind < 0.08) {
    return { bytes: noise(random), mutations: 9, method: "" };
  }
  const mutations = kind < 0.33 ? 0 : kind < 0.7 ? 1 : random.int(2, 5);
  let bytes: Uint8Array | null = null;
  for (let i = 0; i < mutations; i++) {
    if (random.chance(0.15)) {
      bytes = random.damaged(bytes ?? bytesOf(draft));
    } else if (bytes === null) mutate(draft, random);
  }
  const { method } = draft;
  return { bytes: bytes ?? bytesOf(draft), mutations, method };
}

function validRequest(random: Random): Draft {
  const draft: Draft = {
    method: random.chance(0.1) ? "HEAD" : "GET",
    path: random.pick(PLAIN_PATHS),
    query: [],
    version: "HTTP/1.1",
    headers: [["host", "localhost"]],
    body: null,
    isChunked: false,
  };
  const kind = random.next();
  if (kind < 0.45) {
    draft.path = random.pick(["/v1/events", "/v1/arrow", "/v1/data"]);
    const names = Array.from(
      { length: random.int(1, 3) },
      () => random.pick(CHANNELS),
    );
    draft.query.push(["channels", names.join(",")], ...random.pick(RANGES));
    if (random.chance(0.5)) {
      draft.query.push(random.pick(SPECIAL[draft.path]!));
    }
    addSome(draft, STREAM_VALUES, random);
    if (random.chance(0.4)) asBody(draft, random);
  } else if (kind < 0.7) {
    draft.path = random.pick(["/v1/channels", "/v1/channels/count"]);
    addSome(draft, LIST_VALUES, random);
  }
  for (let i = random.int(0, 2); i > 0; i--) {
    const name = random.pick(Object.keys(HEADER_VALUES));
    draft.headers.push([name, random.pick(HEADER_VALUES[name]!)]);
  }
  return draft;
}

function addSome(
  draft: Draft,
  values: Readonly<Record<string, readonly string[]>>,
  random: Random,
): void {
  for (let i = random.int(0, 2); i > 0; i--) {
    const name = random.pick(Object.keys(values));
    if (draft.query.some(([other]) => other === name)) continue;
    draft.query.push([name, random.pick(values[name]!)]);
  }
}

/** Moves the query of a stream into a JSON body. */
function asBody(draft: Draft, random: Random): void {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of draft.query) {
    fields[name] = name === "channels" ? value.split(",") : value;
  }
  draft.method = "POST";
  draft.query = [];
  draft.body = JSON.stringify(fields);
  draft.isChunked = random.chance(0.5);
  draft.headers.push(["content-type", "application/json"]);
}

const MUTATIONS: readonly ((draft: Draft, random: Random) => void)[] = [
  (draft, random) => draft.method = random.pick([...METHODS, "get", "X", ""]),
  (draft, random) => draft.path = random.pick(PLAIN_PATHS),
  (draft, random) => draft.path += random.text(200),
  (draft, random) => draft.path = random.text(2000),
  (draft, random) => draft.path = "/v1/channels/" + random.text(4000),
  (draft, random) => draft.version = random.pick(["HTTP/1.0", "HTTP/2.0", "X"]),
  (draft, random) => {
    const at = random.int(0, Math.max(0, draft.query.length - 1));
    const name = draft.query[at]?.[0] ?? "match";
    draft.query[at] = [name, random.text(6000)];
  },
  (draft, random) => {
    const names = Object.keys(random.pick([STREAM_VALUES, LIST_VALUES]));
    draft.query.push([random.pick(names), random.text(3000)]);
  },
  (draft, random) => draft.query.push([random.text(300), random.text(300)]),
  oddValue,
  oddValue,
  oddValue,
  (draft, random) => {
    const [pair] = draft.query;
    const copies = random.length(800);
    for (let i = 0; pair && i < copies; i++) draft.query.push(pair);
  },
  (draft, random) => {
    const name = random.pick(Object.keys(HEADER_VALUES));
    draft.headers.push([name, latin1(random.text(8000))]);
  },
  (draft, random) => draft.headers.push([latin1(random.text(60)), "x"]),
  (draft, random) => {
    const host = random.pick(["127.0.0.1", "evil.example", "", "[::1]:80"]);
    draft.headers[0] = ["host", random.chance(0.7) ? host : random.text(300)];
  },
  (draft) => draft.headers.shift(),
  (draft, random) => {
    if (draft.body === null) asBody(draft, random);
    draft.body = random.text(random.chance(0.02) ? 3_000_000 : 20_000);
  },
  (draft, random) => {
    if (draft.body === null) asBody(draft, random);
    draft.body = randomJson(random);
  },
  (draft, random) => {
    const length = random.pick(["0", "5", "-1", "99999999", "1e3", "5, 6"]);
    draft.headers.push(["content-length", length]);
  },
  (draft) => draft.headers.push(["transfer-encoding", "gzip, chunked"]),
];

/** Gives one parameter an odd value. */
function oddValue(draft: Draft, random: Random): void {
  const known = draft.query.map(([name]) => name)
    .filter((name) => Object.hasOwn(ODD_VALUES, name));
  const names = known.length > 0 ? known : Object.keys(ODD_VALUES);
  const name = random.pick(names);
  draft.query = draft.query.filter(([other]) => other !== name);
  draft.query.push([name, random.pick(ODD_VALUES[name]!)]);
}

function mutate(draft: Draft, random: Random): void {
  random.pick(MUTATIONS)(draft, random);
}

/** JSON of the right shape with odd values: many keys, many names, deep lists, wrong types. */
function randomJson(random: Random): string {
  const fields: Record<string, unknown> = { channels: [random.pick(CHANNELS)] };
  switch (random.int(0, 4)) {
    case 0:
      fields.channels = Array.from(
        { length: random.length(20_000) },
        (_, i) => random.chance(0.5) ? `NONE${i}` : CHANNELS[0],
      );
      break;
    case 1:
      for (let i = random.length(20_000); i > 0; i--) fields[`key${i}`] = i;
      break;
    case 2: {
      const depth = random.length(50_000);
      return `{"channels":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    }
    case 3:
      fields.channels = [random.text(100_000)];
      break;
    default: {
      const name = random.pick(Object.keys(ODD_VALUES));
      fields[name] = random.pick<unknown>([
        random.text(50_000),
        random.int(-1e9, 1e9),
        1e308,
        true,
        null,
        [],
        {},
      ]);
    }
  }
  return JSON.stringify(fields);
}

/** Bytes that no grammar made. */
function noise(random: Random): Uint8Array {
  if (random.chance(0.5)) return random.bytes(random.length(2000));
  const lines = Array.from(
    { length: random.int(1, 20) },
    () => latin1(random.text(200)),
  );
  return new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
}

function bytesOf(draft: Draft): Uint8Array {
  const query = draft.query
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .join("&");
  const target = draft.path + (query === "" ? "" : `?${query}`);
  const headers = [...draft.headers];
  let body = draft.body ?? "";
  if (draft.body !== null) {
    const { length } = new TextEncoder().encode(body);
    if (draft.isChunked) {
      headers.push(["transfer-encoding", "chunked"]);
      body = `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      if (length === 0) body = "0\r\n\r\n";
    } else headers.push(["content-length", String(length)]);
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const head = [`${draft.method} ${target} ${draft.version}`, ...lines];
  return new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n" + body);
}

/** Percent-encoding that also takes lone surrogates. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function latin1(text: string): string {
  return text.replace(/[^\x20-\xff]/g, "?");
}
