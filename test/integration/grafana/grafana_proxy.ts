// In front of a Qanat as Grafana's proxy for data sources is, with the route of plugin.json; it can also break a stream, and leave rows out.
// Invariant: other bytes pass unchanged, and the plugin never gets the token.
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const PATH = "/api/datasources/proxy/uid/test";
/** Rows before a stream is broken. */
const CUT_AFTER = 100;

type Change = (events: readonly string[]) => readonly string[];

/** A route of plugin.json: Grafana's server replaces what is in `{{ }}`. */
export interface Route {
  readonly path: string;
  readonly url: string;
  readonly headers: readonly { name: string; content: string }[];
}

export class GrafanaProxy {
  readonly #route: Route;
  readonly #values: Readonly<Record<string, string>>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #cutNext = false;
  #startMs: number | null = null;
  #change: Change = (events) => events;
  #refusals = 0;
  #refusedPath = "";
  cuts = 0;
  /** Parameters of the last request for events. */
  asked = new URLSearchParams();
  /** Rows of the last stream. */
  rows = 0;

  /** `token`: what an operator wrote into the settings of the data source; empty: nothing. */
  constructor(route: Route, qanat: string, token: string = "") {
    this.#route = route;
    this.#values = { ".URL": qanat, ".SecureJsonData.token": token };
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#forward(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}${PATH}`;
  }

  /** The next stream breaks after some rows. */
  cutOnce(): void {
    this.#cutNext = true;
  }

  /** The next `count` requests for what begins so are answered as Grafana does while Qanat is away, and ask for no wait. */
  refuse(count: number, path = ""): void {
    this.#refusals = count;
    this.#refusedPath = path;
  }

  /** Requests that would be refused, had they come. */
  get refusalsLeft(): number {
    return this.#refusals;
  }

  /** The next stream begins at this time instead. */
  beginAt(unixMs: number): void {
    this.#startMs = unixMs;
  }

  /** The next stream has a gap instead of `count` rows, after its first `before` ones. */
  leaveOut(before: number, count: number): void {
    let seen = 0;
    let from = "";
    this.#change = (events) =>
      events.flatMap((event) => {
        const [, time] = /^data: \{"time":"(\d+)"/m.exec(event) ?? [];
        if (time === undefined) return [event];
        const k = seen++ - before;
        if (k === 0) from = time;
        if (k >= 0 && k < count) return [];
        if (k !== count) return [event];
        const gap = { from, to: time, reason: "missing", filled: false };
        return [`event: gap\ndata: ${JSON.stringify(gap)}`, event];
      });
  }

  close(): Promise<void> {
    return this.#server.shutdown();
  }

  async #forward(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const before = `${PATH}/${this.#route.path}/`;
    if (!pathname.startsWith(before)) {
      return new Response("No route of the plugin", { status: 502 });
    }
    const rest = pathname.slice(before.length);
    if (this.#refusals > 0 && rest.startsWith(this.#refusedPath)) {
      this.#refusals--;
      return new Response("", { status: 502, headers: { "retry-after": "0" } });
    }
    const isStream = rest === "events";
    if (isStream) this.asked = searchParams;
    if (isStream && this.#startMs !== null) {
      searchParams.set("start", new Date(this.#startMs).toISOString());
      this.#startMs = null;
    }
    const headers = new Headers({
      accept: request.headers.get("accept") ?? "*/*",
    });
    for (const { name, content } of this.#route.headers) {
      headers.set(name, this.#filled(content));
    }
    const base = this.#filled(this.#route.url);
    let answer: Response;
    try {
      answer = await fetch(`${base}/${rest}?${searchParams}`, { headers });
    } catch {
      // As Grafana's does while Qanat is away.
      return new Response("", { status: 502 });
    }
    const passed = new Headers(answer.headers);
    for (const name of ["content-encoding", "content-length"]) {
      passed.delete(name);
    }
    const body = isStream && answer.ok
      ? this.#eventsOf(answer.body!)
      : answer.body;
    return new Response(body, { status: answer.status, headers: passed });
  }

  /** What a template of Go becomes, as far as plugin.json uses them. */
  #filled(template: string): string {
    return template
      .replace(
        /\{\{ if (\S+) \}\}(.*)\{\{ end \}\}/,
        (_, name, text) => this.#values[name] ? text : "",
      )
      .replace(/\{\{ (\S+) \}\}/g, (_, name) => this.#values[name]!);
  }

  #eventsOf(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const isCut = this.#cutNext;
    this.#cutNext = false;
    const change = this.#change;
    this.#change = (events) => events;
    this.rows = 0;
    let rest = "";
    return body.pipeThrough(
      new TransformStream({
        transform: (bytes, controller) => {
          const events = (rest + decoder.decode(bytes, { stream: true }))
            .split("\n\n");
          rest = events.pop()!;
          const text = change(events).map((event) => `${event}\n\n`).join("");
          if (text !== "") controller.enqueue(encoder.encode(text));
          this.rows += events.filter((event) =>
            /^data: \{"time"/m.test(event)
          ).length;
          if (isCut && this.rows >= CUT_AFTER) {
            this.cuts++;
            controller.terminate();
          }
        },
      }),
    );
  }
}
