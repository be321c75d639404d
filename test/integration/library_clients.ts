// Clients of the libraries that docs/recipes.md lists, each reading one live stream: some in a tab of Chromium, some in
// Python, most here. Invariant: close() ends all of them.
import { EventSource } from "eventsource";
import { crc32 } from "node:zlib";
import { canRun } from "../../scripts/optional_parts.ts";
import { PARTS, Process, sleep } from "./chain.ts";
import type { ResumeTab, Run } from "./resume_page.ts";

const OF_PYTHON = ["sseclient-py", "httpx-sse"];
const OF_A_PAGE = [
  "EventSource",
  "event-source-polyfill",
  "@microsoft/fetch-event-source",
  "sse.js",
];
/** Clients of each of those; all others are of `eventsource`. */
const FEW = 4;
/** A client with a row that recent is inside. */
const RECENT_MS = 1500;
const POLL_MS = 200;

/** What one client has so far. */
export interface Got {
  readonly times: string[];
  /** CRC-32 of each row's text. */
  readonly digests: number[];
  readonly gaps: string[];
  /** When the last row came, by the machine's clock. */
  lastRowMs: number;
}

/** One client, and what it has. */
export interface Client extends Got {
  readonly library: string;
  readonly url: string;
}

/** Clients that run in one place. */
interface Group {
  readonly runs: readonly Run[];
  got(): readonly Got[] | Promise<readonly Got[]>;
  /** What went wrong there, as far as it said so. */
  readonly troubles: string;
  close(): void | Promise<void>;
}

const nothing = (): Got => ({
  times: [],
  digests: [],
  gaps: [],
  lastRowMs: -Infinity,
});

/** `eventsource`, each with a connection of its own, half of them by HTTP/2. */
class HereGroup implements Group {
  readonly runs: readonly Run[];
  readonly troubles = "";
  readonly #got: Got[];
  readonly #closers: (() => void)[] = [];

  constructor(runs: readonly Run[], certificate: string) {
    this.runs = runs;
    this.#got = runs.map(({ url }, i) => this.#read(url, certificate, i));
  }

  got(): readonly Got[] {
    return this.#got;
  }

  close(): void {
    for (const close of this.#closers) close();
  }

  #read(url: string, certificate: string, index: number): Got {
    const got = nothing();
    const client = Deno.createHttpClient({
      caCerts: [certificate],
      http1: index % 2 === 0,
      http2: index % 2 === 1,
    });
    const source = new EventSource(url, {
      fetch: (input, init) => fetch(input, { ...init, client } as RequestInit),
    });
    source.addEventListener("gap", ({ data }) => got.gaps.push(data));
    source.onmessage = ({ data }) => {
      got.lastRowMs = Date.now();
      got.times.push(JSON.parse(data).time);
      got.digests.push(crc32(data));
    };
    this.#closers.push(() => {
      source.close();
      client.close();
    });
    return got;
  }
}

/** Libraries for browsers, over the connections that one browser makes. */
class PageGroup implements Group {
  readonly runs: readonly Run[];
  readonly #page: ResumeTab;

  constructor(runs: readonly Run[], page: ResumeTab) {
    this.runs = runs;
    this.#page = page;
  }

  get troubles(): string {
    return this.#page.tab.troubles.slice(-10).join("\n");
  }

  /** The proxy's certificate is signed by itself, which a browser cannot accept from its command line. */
  async open(): Promise<void> {
    const { tab } = this.#page;
    await tab.call("Security.setIgnoreCertificateErrors", { ignore: true });
    await tab.evaluate(`void readAll(${JSON.stringify(this.runs)})`);
  }

  async got(): Promise<readonly Got[]> {
    return await this.#page.tab.evaluate("gots") as Got[];
  }

  async close(): Promise<void> {
    await this.#page.load();
  }
}

/** Libraries for Python, in one process. */
class PythonGroup implements Group {
  readonly runs: readonly Run[];
  readonly #python: Process;

  constructor(runs: readonly Run[], certificateFile: string) {
    this.runs = runs;
    this.#python = new Process("resume_clients.py", "env", [
      // One for requests, one for httpx.
      `REQUESTS_CA_BUNDLE=${certificateFile}`,
      `SSL_CERT_FILE=${certificateFile}`,
      PARTS.sseClients.program!,
      new URL("python/resume_clients.py", import.meta.url).pathname,
      JSON.stringify(runs),
    ]);
  }

  get troubles(): string {
    return this.#python.isRunning ? "" : this.#python.log;
  }

  got(): readonly Got[] {
    return gotOfPython(this.#python.output, this.runs.length);
  }

  async close(): Promise<void> {
    await this.#python.stop();
  }
}

/** What python/resume_clients.py has printed so far, by run. */
export function gotOfPython(output: string, runs: number): readonly Got[] {
  const got = Array.from({ length: runs }, nothing);
  for (const text of output.split("\n").slice(0, -1)) {
    const line = JSON.parse(text);
    const mine = got[line.run]!;
    if (line.gap !== undefined) mine.gaps.push(line.gap);
    else {
      mine.times.push(line.time);
      mine.digests.push(line.digest);
      mine.lastRowMs = line.atMs;
    }
  }
  return got;
}

export interface LibraryClientsOptions {
  /** Signed by itself; the proxy's. */
  readonly certificateFile: string;
  /** Where libraries for browsers run; null: none of them. */
  readonly page: ResumeTab | null;
}

/** A client a URL, of all libraries that can run here. */
export class LibraryClients {
  readonly #groups: readonly Group[];

  private constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  static async open(
    urls: readonly string[],
    { certificateFile, page }: LibraryClientsOptions,
  ): Promise<LibraryClients> {
    const ofPage = page === null ? [] : OF_A_PAGE;
    const ofPython = canRun([PARTS.sseClients]) ? OF_PYTHON : [];
    const few = [...ofPage, ...ofPython];
    const runs = urls.map((url, i): Run => ({
      library: few[Math.floor(i / FEW)] ?? "eventsource",
      url,
      rowsMax: null,
    }));
    const runsOf = (libraries: readonly string[]) =>
      runs.filter(({ library }) => libraries.includes(library));
    const certificate = await Deno.readTextFile(certificateFile);
    const groups: Group[] = [
      new HereGroup(runsOf(["eventsource"]), certificate),
    ];
    const clients = new LibraryClients(groups);
    try {
      if (ofPython.length > 0) {
        groups.push(new PythonGroup(runsOf(ofPython), certificateFile));
      }
      if (page !== null) {
        const group = new PageGroup(runsOf(ofPage), page);
        groups.push(group);
        await group.open();
      }
      return clients;
    } catch (error) {
      await clients.close();
      throw error;
    }
  }

  /** All clients, each with what it has now. */
  async all(): Promise<readonly Client[]> {
    const all = await Promise.all(this.#groups.map(async (group) => {
      const got = await group.got();
      return group.runs.map(({ library, url }, i) => ({
        library,
        url,
        ...got[i]!,
      }));
    }));
    return all.flat();
  }

  /** How many of which library have no recent row, as text; empty if all clients are connected. */
  async outside(): Promise<string> {
    const counts = new Map<string, number>();
    for (const { library, lastRowMs } of await this.all()) {
      if (Date.now() - lastRowMs < RECENT_MS) continue;
      counts.set(library, (counts.get(library) ?? 0) + 1);
    }
    if (counts.size === 0) return "";
    const names = [...counts].map(([name, count]) => `${count} of ${name}`);
    const troubles = this.#groups.map((group) => group.troubles);
    return [names.join(", "), ...troubles.filter(Boolean)].join("\n");
  }

  /** Resolves when all clients are connected. */
  async allInside(timeoutMs: number): Promise<void> {
    const endMs = Date.now() + timeoutMs;
    for (;;) {
      const outside = await this.outside();
      if (outside === "") return;
      if (Date.now() > endMs) {
        throw new Error(`outside after ${timeoutMs} ms: ${outside}`);
      }
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.close()));
  }
}
