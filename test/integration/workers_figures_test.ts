// `--workers 2`: each worker answers operators for the whole process, whichever one a connection reaches, also while
// workers are replaced or hang. Invariant: no counter falls, and no answer takes much more than a second.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { Breakable } from "./breakable.ts";
import { freePort, sleep, streamUrl } from "./chain.ts";

const CLIENTS = 30;
const CHANNEL = "H1:QANAT-COUNT_I64_16";
const REQUESTS = 20;
/** A second, and what a machine that is busy with other tests adds. */
const ANSWER_MAX_MS = 5000;
const WAIT_MAX_MS = 60_000;

/** The connection was closed before its answer. */
class BrokenError extends Error {
  override name = "BrokenError";
}

interface Stream {
  readonly abort: AbortController;
  text: string;
  isOver: boolean;
}

describe("what two workers answer operators", () => {
  const operatorPort = freePort();
  const streams: Stream[] = [];
  let folder: string;
  let trial: Breakable;

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-workers-" });
    trial = new Breakable({
      workers: 2,
      permissions: [`--allow-write=${folder}`],
      args: [
        "--log-level=warn",
        "--address-share-percent=100",
        `--operator-port=${operatorPort}`,
        `--usage-log=${folder}/usage`,
      ],
    });
    await trial.qanat.says(/is serving on/);
    for (let i = 0; i < CLIENTS; i++) streams.push(await open());
  });

  after(async () => {
    for (const { abort } of streams) abort.abort();
    await trial?.qanat.stop();
    await Deno.remove(folder, { recursive: true });
  });

  async function open(): Promise<Stream> {
    const abort = new AbortController();
    const url = streamUrl(trial.url, "events", [CHANNEL]);
    const response = await fetch(url, { signal: abort.signal });
    assert.equal(response.status, 200);
    const stream: Stream = { abort, text: "", isOver: false };
    const body = response.body!.pipeThrough(new TextDecoderStream());
    (async () => {
      for await (const text of body) stream.text += text;
    })().catch(() => {}).finally(() => stream.isOver = true);
    return stream;
  }

  /** One request over a connection of its own. */
  async function ask(
    path: string,
    method = "GET",
  ): Promise<{ status: number; body: string; tookMs: number }> {
    const beganMs = performance.now();
    using connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: operatorPort,
    });
    await connection.write(
      new TextEncoder().encode(
        `${method} ${path} HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n`,
      ),
    );
    // A worker that ends takes its connections with it.
    const text = await new Response(connection.readable).text().catch(() => "");
    const [head, ...rest] = text.split("\r\n\r\n");
    return {
      status: Number(head!.split(" ")[1]),
      body: rest.join("\r\n\r\n"),
      tookMs: performance.now() - beganMs,
    };
  }

  async function figures(): Promise<Map<string, number>> {
    const { status, body, tookMs } = await ask("/metrics");
    if (Number.isNaN(status)) throw new BrokenError();
    assert.equal(status, 200);
    assert.ok(tookMs < ANSWER_MAX_MS, `${tookMs} ms`);
    return new Map(
      body.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => {
          const space = line.lastIndexOf(" ");
          return [line.slice(0, space), Number(line.slice(space + 1))];
        }),
    );
  }

  function assertGrown(
    before: Map<string, number>,
    now: Map<string, number>,
  ): void {
    for (const [name, value] of before) {
      if (!/_total(\{|$)|_bucket|_count$|_sum$/.test(name)) continue;
      assert.ok(now.get(name)! >= value, `${name} ${value} ${now.get(name)}`);
    }
  }

  /** Until `isReached`, and at most a minute. */
  async function until(isReached: () => Promise<boolean>): Promise<void> {
    const beganMs = performance.now();
    while (!await isReached()) {
      assert.ok(performance.now() - beganMs < WAIT_MAX_MS, trial.qanat.log);
      await sleep(200);
    }
  }

  it("are the figures of both, and they grow", async () => {
    let before = await figures();
    for (let i = 0; i < REQUESTS; i++) {
      const now = await figures();
      assertGrown(before, now);
      assert.equal(now.get("qanat_clients"), CLIENTS);
      const byWorker = [0, 1].map((worker) =>
        now.get(`qanat_worker_clients{worker="${worker}"}`)!
      );
      assert.equal(byWorker[0]! + byWorker[1]!, CLIENTS);
      assert.ok(Math.min(...byWorker) > 0, byWorker.join());
      before = now;
    }
    const status = JSON.parse((await ask("/v1/status")).body);
    assert.equal(status.clients, CLIENTS);
    assert.equal(status.workers.length, 2);
  });

  it("are all clients, of which any can be ended", async () => {
    const ids = new Set<string>();
    for (let after: number | null = 0; after !== null;) {
      const { body } = await ask(`/v1/clients?limit=7&after=${after}`);
      const { open, next, clients } = JSON.parse(body);
      assert.equal(open, CLIENTS);
      for (const { id } of clients) ids.add(id);
      after = next;
    }
    assert.equal(ids.size, CLIENTS);
    const ended = [...ids].slice(0, 4);
    for (const id of ended) {
      assert.equal((await ask(`/v1/clients/${id}`, "DELETE")).status, 204);
      assert.equal((await ask(`/v1/clients/${id}`, "DELETE")).status, 404);
    }
    const over = () => streams.filter(({ isOver }) => isOver);
    await until(() => Promise.resolve(over().length === ended.length));
    for (const { text } of over()) assert.match(text, /closed-by-operator/);
  });

  it("has no counter that falls when a worker is replaced, and no stream that is not in the usage log", async () => {
    let before = await figures();
    const broken = before.get('qanat_worker_clients{worker="1"}')!;
    await trial.break("throw", 1);
    await until(async () => {
      const now = await figures().catch((error) => {
        if (!(error instanceof BrokenError)) throw error;
      });
      if (!now) return false;
      assertGrown(before, now);
      before = now;
      return now.get("qanat_workers_replaced_total") === 1 &&
        now.get('qanat_worker_answers{worker="1"}') === 1;
    });
    assert.equal(before.get("qanat_clients"), CLIENTS - 4 - broken);
    const usage = await Deno.readTextFile(`${folder}/usage`);
    const reasons = usage.trim().split("\n").map((line) =>
      JSON.parse(line).reason
    );
    assert.equal(
      reasons.filter((reason) => reason === "worker-ended").length,
      broken,
    );
    assert.equal(
      reasons.filter((reason) => reason === "closed-by-operator").length,
      4,
    );
  });

  it("names a worker that hangs, and does not wait for it", async () => {
    const before = await figures();
    await trial.break("hang", 1);
    // The port is shared: some connections reach the one that hangs.
    const answered = await Promise.any(
      Array.from({ length: 12 }, () => figures()),
    );
    assertGrown(before, answered);
    assert.equal(answered.get('qanat_worker_answers{worker="1"}'), 0);
    assert.equal(answered.get("qanat_clients"), before.get("qanat_clients"));
    trial.qanat.kill9();
    await trial.ends();
  });
});
