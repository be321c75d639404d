// 20,000 random HTTP requests on real sockets against a whole instance. It never answers with an error of its own,
// /healthz answers all the while, and at the end everything that was taken is back. QANAT_SEED repeats a run.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { PART_STEPS_MAX } from "../../src/channels/sliced_work.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { configWith, silent } from "../driven_source.ts";
import { type MadeRequest, randomRequest } from "./http_requests.ts";
import { fuzzCount, fuzzSeed, Random } from "./random.ts";

const CONNECTIONS = 32;
/** Round trips of /healthz for which a connection that brings nothing more is kept. */
const QUIET_ROUNDS = 3;
const ROUNDS_MAX = 60;
const HOME_ROUNDS_MAX = 20_000;

let qanat: Qanat;
let server: HttpServer;
const errors: string[] = [];

before(async () => {
  const catalog = new Catalog();
  qanat = new Qanat({
    config: configWith({
      port: 0,
      sliceMs: 4,
      clientsMax: 200,
      connectionsMax: 500,
    }),
    source: new EmbeddedSource({
      catalog,
      nowGpsNs: () => nowGpsNs(),
      extraChannels: 200,
      extraRate: 16,
    }),
    log: {
      ...silent,
      error: (event, fields) => {
        errors.push(`${event} ${JSON.stringify(fields)}`);
      },
    },
  });
  await qanat.start();
  server = await serve(qanat);
});

after(async () => {
  qanat.drain();
  await server.close(500);
  await qanat.close();
});

/** One connection of the fuzz, and what has come back on it. */
class FuzzConnection {
  readonly requests: readonly MadeRequest[];
  readonly statuses: number[] = [];
  isClosed = false;
  quietRounds = 0;
  readonly #socket: net.Socket;
  #tail = "";

  constructor(requests: readonly MadeRequest[], endsSending: boolean) {
    this.requests = requests;
    this.#socket = net.connect(server.port, "127.0.0.1", () => {
      this.#socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
      if (endsSending) this.#socket.end();
    });
    this.#socket.on("data", (data) => this.#take(data.toString("latin1")));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.isClosed = true);
  }

  #take(text: string): void {
    this.quietRounds = 0;
    const all = this.#tail + text;
    const line = /HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g;
    let end = 0;
    for (let found = line.exec(all); found; found = line.exec(all)) {
      this.statuses.push(Number(found[1]));
      end = line.lastIndex;
    }
    this.#tail = all.slice(Math.max(end, all.length - 80));
  }

  /** Whether nothing more is worth waiting for. */
  get isOver(): boolean {
    return this.isClosed ||
      this.statuses.length > 0 && this.quietRounds > QUIET_ROUNDS;
  }

  close(isRude: boolean): void {
    if (isRude) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}

/** A kept connection that asks for /healthz, one request after the other. */
class Probe {
  readonly #socket: net.Socket;
  #answer: ((text: string) => void) | null = null;
  #fail: ((error: Error) => void) | null = null;
  #text = "";

  constructor() {
    this.#socket = net.connect(server.port, "127.0.0.1");
    this.#socket.on("data", (data) => {
      this.#text += data.toString("latin1");
      if (!this.#text.includes('{"status":"ok"}')) return;
      const text = this.#text;
      this.#text = "";
      this.#answer?.(text);
    });
    this.#socket.on(
      "close",
      () => this.#fail?.(new Error(`/healthz was cut off: ${this.#text}`)),
    );
  }

  async round(): Promise<void> {
    const text = await new Promise<string>((resolve, reject) => {
      this.#answer = resolve;
      this.#fail = reject;
      this.#socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    });
    assert.match(text, /^HTTP\/1\.1 200 /);
  }

  close(): void {
    this.#fail = null;
    this.#socket.destroy();
  }
}

async function runBatch(
  random: Random,
  requests: MadeRequest[][],
  probe: Probe,
): Promise<FuzzConnection[]> {
  const connections = requests.map((some) =>
    new FuzzConnection(some, random.chance(0.3))
  );
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await probe.round();
    if (connections.every((c) => c.isOver)) break;
    for (const connection of connections) connection.quietRounds++;
  }
  for (const connection of connections) connection.close(random.chance(0.3));
  return connections;
}

/** Resources that are still in use; empty when all are released. */
function notHome(): string[] {
  const { hub, slab, store } = qanat;
  const counts: Record<string, number> = {
    clients: hub.figures.clients,
    groups: hub.groups.size,
    addresses: hub.admission.shares.size,
    slots: slab.usedSlots,
    reserved: slab.reservedBytes,
    unheld: hub.lifecycle.books.idleReserveBytes,
    histories: hub.history.histories,
    resumes: hub.history.resumes,
    waiting: hub.history.waiting,
    // The recorder of the embedded source's trends holds one lease of each topic.
    leases: [...store.partitions()].filter(({ leases }) => leases > 1).length,
  };
  return Object.entries(counts).filter(([, n]) => n !== 0)
    .map(([name, n]) => `${name}: ${n}`);
}

describe("an instance under random HTTP requests", () => {
  it("answers none with a 5xx but 503, and gets everything back", async () => {
    const seed = fuzzSeed();
    const random = new Random(seed);
    const probe = new Probe();
    const statuses = new Map<number, number>();
    const count = fuzzCount(20_000);
    let sent = 0;
    let nearValid = 0;
    while (sent < count) {
      const requests = Array.from({ length: CONNECTIONS }, () => {
        const length = random.chance(0.7) ? 1 : random.int(2, 4);
        return Array.from({ length }, () => randomRequest(random));
      });
      const connections = await runBatch(random, requests, probe);
      for (const { requests, statuses: got } of connections) {
        sent += requests.length;
        nearValid += requests.filter(({ mutations }) => mutations < 2).length;
        for (const status of got) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status < 500 || status === 503) continue;
          const texts = requests.map(({ bytes }) =>
            JSON.stringify(Buffer.from(bytes).toString("latin1")).slice(0, 2000)
          );
          assert.fail(
            `seed ${seed}: ${status} for one of\n${texts.join("\n")}\n` +
              errors.join("\n"),
          );
        }
      }
    }
    assert.ok(nearValid / sent >= 0.3, `${nearValid} of ${sent} are near`);
    for (const status of [200, 204, 400, 404, 405, 406]) {
      assert.ok(statuses.has(status), `no request led to ${status}`);
    }
    let rounds = 0;
    while (notHome().length > 0 && rounds++ < HOME_ROUNDS_MAX) {
      await probe.round();
    }
    probe.close();
    assert.deepEqual(notHome(), []);
    const { slices, bodies } = qanat.requests;
    assert.ok(slices.stepsMax > 0, "no request had work to be counted");
    assert.ok(slices.stepsMax <= PART_STEPS_MAX, `${slices.stepsMax} steps`);
    assert.equal(slices.waiting, 0);
    assert.equal(bodies.usedBytes, 0);
    assert.deepEqual(errors, []);
  });
});
