// The time of an answer shows no difference between a forbidden channel and an unknown one: 1,000 interleaved pairs on each route, and
// a classifier that has learned from half of them decides the other half hardly better than a coin.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import {
  type EmbeddedChannel,
  embeddedChannels,
} from "../../src/source/synthetic.ts";
import { hiddenTwins, READER, twinAccess } from "../auth/twin_worlds.ts";
import { configWith, DrivenSource, silent } from "../driven_source.ts";
import { Random } from "../random.ts";

const PAIRS = 1000;
/** Requests before the first measured one, so that all code is compiled. */
const WARM_UP = 300;
/** Right decisions of a coin that is thrown 1,000 times: 50 ± 1.6 %. */
const SCORE_MAX = 0.55;

let qanat: Qanat;
let server: HttpServer;
let visible: EmbeddedChannel[];

before(async () => {
  visible = (await embeddedChannels())
    .filter(({ channel }) => channel.name.startsWith("H1:QANAT-"));
  const source = new DrivenSource([...visible, ...hiddenTwins(visible)]);
  qanat = new Qanat({
    config: configWith({ port: 0, sliceMs: 4 }),
    source,
    log: silent,
    access: twinAccess(source.catalog),
  });
  await qanat.start();
  server = await serve(qanat);
});

after(async () => {
  qanat.drain();
  await server.close(500);
  await qanat.close();
});

/** One kept connection that sends one request after the other. */
class TimedConnection {
  readonly #socket = net.connect(server.port, "127.0.0.1");
  #text = "";
  #wake: (() => void) | null = null;

  constructor() {
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (data) => {
      this.#text += data.toString("latin1");
      this.#wake?.();
    });
  }

  /** Status of the answer, and how long it took, µs. */
  async ask(
    method: string,
    path: string,
    body: string,
  ): Promise<{ status: number; us: number }> {
    const head = `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
      `authorization: Bearer ${READER}\r\n` +
      (body === ""
        ? ""
        : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`) +
      `\r\n${body}`;
    this.#text = "";
    const beganMs = performance.now();
    this.#socket.write(head);
    while (!isWhole(this.#text)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const us = (performance.now() - beganMs) * 1000;
    return { status: Number(this.#text.slice(9, 12)), us };
  }

  close(): void {
    this.#socket.destroy();
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end));
  if (length) return text.length - end - 4 >= Number(length[1]);
  return text.endsWith("0\r\n\r\n");
}

interface Route {
  readonly title: string;
  readonly method?: string;
  readonly path: (name: string) => string;
  readonly body?: (name: string) => string;
}

const ROUTES: readonly Route[] = [
  { title: "describe", path: (name) => `/v1/channels/${name}` },
  { title: "find", path: (name) => `/v1/channels?match=${name}` },
  { title: "count", path: (name) => `/v1/channels/count?match=${name}` },
  { title: "events", path: (name) => `/v1/events?channels=${name}` },
  { title: "Arrow", path: (name) => `/v1/arrow?channels=${name}` },
  {
    title: "a range",
    path: (name) => `/v1/arrow?channels=${name}&start=1400000000&duration=1`,
  },
  {
    title: "trends",
    path: (name) => `/v1/events?channels=${name}&trend=1s`,
  },
  {
    title: "a resume",
    path: (name) =>
      `/v1/events?channels=${name}&lastEventId=1400000000000000000`,
  },
  {
    title: "events by POST",
    method: "POST",
    path: () => "/v1/events",
    body: (name) => JSON.stringify({ channels: [name] }),
  },
];

/** Share of right decisions, of a threshold that was learned from the first half, on the second half. */
async function score(
  route: Route,
  a: string,
  b: string,
): Promise<{ score: number; statuses: Set<number> }> {
  const random = new Random(3);
  const connection = new TimedConnection();
  const statuses = new Set<number>();
  const times: [number[], number[]] = [[], []];
  const { method = "GET", path, body = () => "" } = route;
  const take = async (which: 0 | 1, isMeasured: boolean) => {
    const name = [a, b][which]!;
    const { status, us } = await connection.ask(method, path(name), body(name));
    statuses.add(status);
    if (isMeasured) times[which].push(us);
  };
  for (let i = 0; i < WARM_UP; i++) await take(i % 2 === 0 ? 0 : 1, false);
  for (let i = 0; i < PAIRS; i++) {
    const first = random.once(2) ? 0 : 1;
    await take(first, true);
    await take(first === 0 ? 1 : 0, true);
  }
  connection.close();
  const half = PAIRS / 2;
  const learned = times.map((t) => median(t.slice(0, half)));
  const threshold = (learned[0]! + learned[1]!) / 2;
  const isSlowerFirst = learned[0]! > learned[1]!;
  let right = 0;
  for (let i = half; i < PAIRS; i++) {
    if ((times[0][i]! > threshold) === isSlowerFirst) right++;
    if ((times[1][i]! > threshold) !== isSlowerFirst) right++;
  }
  return { score: right / PAIRS, statuses };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

describe("the time of an answer", () => {
  for (const route of ROUTES) {
    it(`to '${route.title}' shows no difference between a forbidden channel and an unknown one`, async () => {
      const name = visible[0]!.channel.name;
      const forbidden = encodeURIComponent(name.replace("QANAT", "QANAX"));
      const unknown = encodeURIComponent(name.replace("QANAT", "QANAZ"));
      const found = await score(route, forbidden, unknown);
      assert.equal(found.statuses.size, 1, [...found.statuses].join());
      assert.ok(found.score < SCORE_MAX, `${100 * found.score} % are right`);
    });
  }

  it("shows a difference between a known channel and an unknown one, so that this test can fail", async () => {
    const name = visible[0]!.channel.name;
    const known = encodeURIComponent(name);
    const unknown = encodeURIComponent(name.replace("QANAT", "QANAZ"));
    const found = await score(ROUTES[0]!, known, unknown);
    assert.ok(found.score > SCORE_MAX, `${100 * found.score} % are right`);
  });
});
