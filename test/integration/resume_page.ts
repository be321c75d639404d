// The page in which the client libraries for browsers are loaded (resume_page.js), and a tab of Chromium that shows it.
// Invariant: close() ends the browser and the page's server.
import polyfill from "event-source-polyfill/src/eventsource.js" with {
  type: "text",
};
import fetchSource from "@microsoft/fetch-event-source/lib/esm/fetch.js" with {
  type: "text",
};
import fetchParse from "@microsoft/fetch-event-source/lib/esm/parse.js" with {
  type: "text",
};
import sse from "sse.js/lib/sse.js" with { type: "text" };
import { BrowserPage } from "./browser_page.ts";
import page from "./resume_page.js" with { type: "text" };

const READY_MS = 60_000;

/** One stream that is to be read; `rowsMax` is null for one that ends by itself, or with its reader. */
export interface Run {
  readonly library: string;
  readonly url: string;
  readonly rowsMax: number | null;
}

const SCRIPTS: Readonly<Record<string, string>> = {
  "/page.js": page,
  "/polyfill.js": polyfill,
  "/fetch-event-source/fetch.js": fetchSource,
  "/fetch-event-source/parse": fetchParse,
  "/sse.js": sse,
};

/** What the page's server answers at a path. A browser that nothing drives reads `runs` and posts what it got. */
export function resumePage(path: string, runs: readonly Run[] = []): Response {
  const script = SCRIPTS[path];
  if (script !== undefined) {
    return new Response(script, {
      headers: { "content-type": "text/javascript" },
    });
  }
  const html = `<!doctype html><meta charset="utf-8"><title>resumes</title>
<script type="module">import "./page.js";
const runs = ${JSON.stringify(runs)};
if (runs.length > 0) {
  const body = JSON.stringify(await readAll(runs));
  await fetch("/report", { method: "POST", body });
}
globalThis.isReady = true;</script>`;
  return new Response(html, { headers: { "content-type": "text/html" } });
}

/** A Chromium whose one tab shows the page. */
export class ResumeTab {
  /** Of the page, which a Qanat must admit by --cors-origin. */
  readonly origin: string;
  readonly tab: BrowserPage;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    tab: BrowserPage,
    server: Deno.HttpServer<Deno.NetAddr>,
  ) {
    this.tab = tab;
    this.#server = server;
    this.origin = `http://127.0.0.1:${server.addr.port}`;
  }

  static async open(program: string): Promise<ResumeTab> {
    const tab = await BrowserPage.open(program);
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => resumePage(new URL(request.url).pathname),
    );
    const opened = new ResumeTab(tab, server);
    try {
      await opened.load();
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  /** Reloads the page, which ends all its streams. */
  async load(): Promise<void> {
    await this.tab.goto(`${this.origin}/`);
    await this.tab.until("globalThis.isReady", READY_MS);
  }

  async close(): Promise<void> {
    await this.tab.close();
    await this.#server.shutdown();
  }
}
