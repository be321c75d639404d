// A server that a test controls and that looks like Qanat to the page: values that no instrument should send, silence, outages.
// Invariant: rows are of the GPS time that they are sent at; a resume gets what was missed, all at once.
import { PAGE_FILES } from "../../src/page/page_files.ts";

const STRIDE_NS = 250_000_000n;
const STRIDE_MS = 250;
const BIN_NS = 1_000_000_000n;
const EPOCH_S = 315_964_800 - 18;
const BASE = 2n ** 60n;

type Value = number | string | null;

/** What is sent of each channel, by number of the sample. */
const CHANNELS: Record<
  string,
  { type: string; rate: number; value: (i: number) => Value }
> = {
  "X:SINE": { type: "float64", rate: 64, value: (i) => Math.sin(i / 3) },
  "X:NEAR": {
    type: "int64",
    rate: 256,
    value: (i) => String(BASE + 256n * BigInt(i % 3)),
  },
  "X:NEXT": {
    type: "int64",
    rate: 256,
    value: (i) => String(BASE + BigInt(i % 3)),
  },
  "X:HUGE": {
    type: "float64",
    rate: 64,
    value: (i) => Math.sin(i / 3) * 1.7e308,
  },
  "X:TINY": { type: "float64", rate: 64, value: (i) => (i % 3) * 5e-324 },
  "X:CONSTANT": { type: "float32", rate: 64, value: () => 42 },
  "X:ZERO": { type: "int16", rate: 64, value: () => 0 },
  "X:NULL": { type: "float64", rate: 64, value: () => null },
  "X:INFINITE": {
    type: "float64",
    rate: 64,
    value: (i) => i % 64 === 0 ? null : Math.sin(i / 3),
  },
};
for (let i = 0; i < 20; i++) {
  CHANNELS[`X:LOAD${i}`] = CHANNELS["X:SINE"]!;
}

export const HOSTILE = Object.keys(CHANNELS).slice(0, 9);
export const LOAD = Object.keys(CHANNELS).slice(9);

interface Live {
  readonly send: (text: string) => void;
  readonly close: () => void;
  readonly asked: Asked;
  next: bigint;
}

/** What a stream is of: rows, or bins of a second. */
interface Asked {
  readonly names: readonly string[];
  readonly strideNs: bigint;
  readonly trend: boolean;
}

/** GPS time now, ns, at the start of a row. */
function rowNow(strideNs: bigint): bigint {
  const ns = BigInt(Math.floor((Date.now() / 1000 - EPOCH_S) * 1e6)) * 1000n;
  return ns / strideNs * strideNs;
}

export class PlayedServer {
  /** Rows come; without, heartbeats alone, as when all publishers are away. */
  sends = true;
  /** Answers; without, every stream is cut and none begins. */
  isUp = true;
  /** Channels that are known no more. */
  readonly gone = new Set<string>();
  /** Runs in the page, too: a module. */
  readonly #script: string;
  readonly url: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #live = new Set<Live>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(script = "") {
    this.#script = script;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
    this.#timer = setInterval(() => this.#tick(), STRIDE_MS);
  }

  /** Cuts all streams; those that begin later have to wait for up(). */
  down(): void {
    this.isUp = false;
    for (const one of this.#live) one.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.down();
    await this.#server.shutdown();
  }

  #tick(): void {
    for (const one of this.#live) {
      const { strideNs } = one.asked;
      const now = rowNow(strideNs);
      if (!this.sends) {
        one.next = now;
        one.send(`id: ${now}\n\n`);
      }
      for (; one.next < now; one.next += strideNs) {
        one.send(rowText(one.asked, one.next));
      }
    }
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/") {
      const { text, type } = PAGE_FILES.get("page.html")!;
      const script = `<script type="module">${this.#script}</script></body>`;
      return new Response(text.replace("</body>", () => script), {
        headers: { "content-type": type },
      });
    }
    if (pathname.startsWith("/page/")) return file(pathname.slice(6));
    if (pathname === "/v1/session") {
      return Response.json({ principal: "anonymous", can_sign_in: false });
    }
    if (pathname === "/v1/time") {
      const unixMs = Date.now();
      const timeNs = Math.round((unixMs / 1000 - EPOCH_S) * 1e9);
      return Response.json({ time_ns: String(timeNs), unix_ms: unixMs });
    }
    if (pathname === "/v1/channels") {
      const channels = Object.keys(CHANNELS).filter((n) => !this.gone.has(n))
        .map(described);
      return Response.json({ channels, total: channels.length });
    }
    if (pathname === "/v1/channels/count") {
      return Response.json({ count: Object.keys(CHANNELS).length });
    }
    if (pathname !== "/v1/events") return new Response(null, { status: 404 });
    if (!this.isUp) return new Response("{}", { status: 503 });
    const body = request.method === "POST" ? await request.json() : {};
    const query = (name: string): string | undefined =>
      body[name] ?? searchParams.get(name) ?? undefined;
    const names: string[] = body.channels ?? query("channels")!.split(",");
    const unknown = names.filter((name) => this.gone.has(name));
    if (unknown.length > 0) {
      return Response.json({
        status: 404,
        title: "Unknown channels",
        unknown: unknown.map((name) => ({ name, near: [] })),
      }, { status: 404 });
    }
    const trend = query("trend") !== undefined;
    const asked = { names, trend, strideNs: trend ? BIN_NS : STRIDE_NS };
    return query("start") === undefined
      ? this.#openLive(asked, query("after"))
      : past(asked, query("start")!, query("end")!);
  }

  #openLive(asked: Asked, after: string | undefined): Response {
    let live: Live;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (text: string) =>
          controller.enqueue(new TextEncoder().encode(text));
        const next = after === undefined
          ? rowNow(asked.strideNs)
          : BigInt(after);
        const close = () => {
          this.#live.delete(live);
          controller.close();
        };
        live = { send, close, asked, next };
        this.#live.add(live);
        send(helloText(asked));
      },
      cancel: () => void this.#live.delete(live),
    });
    return events(body);
  }
}

function past(asked: Asked, from: string, to: string): Response {
  const { strideNs } = asked;
  let text = helloText(asked);
  const at = (s: string) => BigInt(s.replace(".", "")) / strideNs * strideNs;
  for (let ns = at(from); ns < at(to); ns += strideNs) {
    text += rowText(asked, ns);
  }
  return events(`${text}event: end\ndata: {"reason":"complete"}\n\n`);
}

function events(body: BodyInit): Response {
  return new Response(body, {
    headers: { "content-type": "text/event-stream" },
  });
}

function file(name: string): Response {
  const found = PAGE_FILES.get(name);
  return found
    ? new Response(found.text, { headers: { "content-type": found.type } })
    : new Response(null, { status: 404 });
}

function described(name: string) {
  const { type, rate } = CHANNELS[name]!;
  return {
    name,
    data_type: type,
    sample_rate: rate,
    publisher: "PLAYED",
    stride_ns: Number(STRIDE_NS),
  };
}

function helloText({ names, strideNs, trend }: Asked): string {
  const channels = names.map(described);
  const hello = {
    version: 1,
    encoding: "json",
    stride_ns: Number(strideNs),
    channels,
    ...(trend ? { trend: "1s" } : {}),
  };
  return `retry: 200\nevent: hello\ndata: ${JSON.stringify(hello)}\n\n`;
}

function rowText({ names, strideNs, trend }: Asked, timeNs: bigint): string {
  const channels: Record<string, unknown> = {};
  for (const name of names) {
    const { rate, value } = CHANNELS[name]!;
    const count = rate * Number(strideNs) / 1e9;
    const first = Number(timeNs / strideNs) * count;
    const values = Array.from({ length: count }, (_, i) => value(first + i));
    channels[name] = trend ? binOf(name, values) : values;
  }
  const row = JSON.stringify({ time: String(timeNs), channels });
  return `id: ${timeNs + strideNs}\ndata: ${row}\n\n`;
}

/** A bin as Qanat sends it: JSON has no infinity, so that null stands for it. */
function binOf(name: string, values: readonly Value[]): unknown {
  const known = values.filter((v) => v !== null);
  if (known.length === 0) return null;
  const sorted = known.toSorted((a, b) =>
    typeof a === "string" && typeof b === "string"
      ? Number(BigInt(a) - BigInt(b))
      : Number(a) - Number(b)
  );
  const isInfinite = name === "X:INFINITE";
  return {
    min: sorted[0],
    mean: isInfinite
      ? null
      : known.reduce((sum: number, v) => sum + Number(v) / known.length, 0),
    max: isInfinite ? null : sorted.at(-1),
    count: values.length,
  };
}
