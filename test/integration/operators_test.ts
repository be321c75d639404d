// A real service as its operators see it: metrics with a token and on a port of their own, the list of clients, ids of
// requests, the usage log through a rotation. Invariant: no token of the run is in any log, metric or answer.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { hashOf, newToken } from "../../src/auth/token.ts";
import { freePort, Process, sleep, startArgs } from "./chain.ts";

const WITHIN_MS = 20_000;
const A = "H1:QANAT-COUNT_I64_16";
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SECRETS = { reader: newToken(), ops: newToken(), few: newToken() };
const WRONG = newToken();

// deno-lint-ignore no-explicit-any -- JSON
type Json = any;

/** All answers of the run: headers and bodies. */
const seen: string[] = [];

async function ask(
  url: string,
  { token, headers, ...init }: RequestInit & {
    token?: string;
    headers?: Record<string, string>;
  } = {},
): Promise<{ status: number; headers: Headers; text: string; json: Json }> {
  const response = await fetch(url, {
    ...init,
    headers: {
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const text = await response.text();
  seen.push([...response.headers].map(String).join("\n"), text);
  let json: Json = null;
  try {
    json = JSON.parse(text);
  } catch { /* Not JSON. */ }
  return { status: response.status, headers: response.headers, text, json };
}

async function until<T>(
  what: string,
  found: () => Promise<T | null>,
): Promise<T> {
  const endMs = Date.now() + WITHIN_MS;
  for (;;) {
    const value = await found();
    if (value !== null) return value;
    assert.ok(Date.now() < endMs, `not within ${WITHIN_MS} ms: ${what}`);
    await sleep(50);
  }
}

describe("a service with operators", () => {
  let folder: string;
  let usage: string;
  let qanat: Process;
  let url: string;
  let operators: string;

  const logLines = (): Json[] =>
    qanat.log.split("\n").filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  const linesOf = async (path: string): Promise<Json[]> =>
    (await Deno.readTextFile(path)).trimEnd().split("\n")
      .filter((line) => line !== "").map((line) => JSON.parse(line));
  const metric = async (name: string): Promise<number> => {
    const { text } = await ask(`${operators}/metrics`);
    return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)![1]);
  };
  const read = (query: string, headers: Record<string, string> = {}) =>
    ask(`${url}/v1/events?channels=${A}&${query}`, {
      token: SECRETS.reader,
      headers,
    });

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-operators-" });
    usage = `${folder}/usage.jsonl`;
    const entry = (name: keyof typeof SECRETS, more: Json) => ({
      name,
      sha256: hashOf(SECRETS[name]),
      read: "all",
      ...more,
    });
    await Deno.writeTextFile(
      `${folder}/tokens.json`,
      JSON.stringify({
        tokens: [
          entry("reader", {}),
          entry("ops", { read: [], operate: true }),
          entry("few", { clients_max: 1 }),
        ],
      }),
    );
    const [port, operatorPort] = [freePort(), freePort()];
    url = `http://127.0.0.1:${port}`;
    operators = `http://127.0.0.1:${operatorPort}`;
    qanat = new Process("qanat", Deno.execPath(), [
      ...startArgs([`--allow-write=${folder}`]),
      `--port=${port}`,
      `--operator-port=${operatorPort}`,
      "--auth=tokens",
      `--auth-token-file=${folder}/tokens.json`,
      `--usage-log=${usage}`,
    ]);
    await qanat.answers(`${url}/readyz`);
  });

  after(async () => {
    await qanat?.stop();
    await Deno.remove(folder, { recursive: true });
  });

  it("is scraped on the operators' port without a token, and elsewhere with one only", async () => {
    const scrape = await ask(`${operators}/metrics`);
    assert.equal(scrape.status, 200);
    assert.match(scrape.text, /^qanat_clients 0$/m);
    assert.equal((await ask(`${operators}/healthz`)).status, 200);
    assert.equal((await ask(`${operators}/v1/channels`)).status, 404);
    for (const path of ["/metrics", "/v1/status", "/v1/clients"]) {
      assert.equal((await ask(`${url}${path}`)).status, 404);
      const { reader, ops } = SECRETS;
      assert.equal((await ask(`${url}${path}`, { token: reader })).status, 404);
      assert.equal((await ask(`${url}${path}`, { token: WRONG })).status, 401);
      assert.equal((await ask(`${url}${path}`, { token: ops })).status, 200);
    }
    // An operator without a grant on channels reads none.
    const { json } = await ask(`${url}/v1/channels`, { token: SECRETS.ops });
    assert.deepEqual(json.channels, []);
    assert.equal((await ask(`${url}/readyz`)).text, '{"status":"ready"}');
  });

  it("shows who reads what, and ends one stream", async () => {
    const one = read("duration=600");
    const other = read("duration=600", { "x-request-id": "to-be-ended" });
    const clients = await until("two clients", async () => {
      const { json } = await ask(`${operators}/v1/clients`);
      return json.open === 2 && json.clients.every((c: Json) => c.rows > 0)
        ? json.clients
        : null;
    });
    const client = clients.find((c: Json) => c.request_id === "to-be-ended");
    assert.equal(client.owner, "token:reader");
    assert.deepEqual(client.channels, { count: 1, first: [A] });
    assert.ok(client.lag.rows < 100);
    const path = `${operators}/v1/clients/${client.id}`;
    const foreign = await ask(path, {
      method: "DELETE",
      headers: { origin: "https://evil.example" },
    });
    assert.equal(foreign.status, 403);
    assert.equal((await ask(path, { method: "DELETE" })).status, 204);
    assert.match((await other).text, /"reason":"closed-by-operator"/);
    assert.equal((await ask(`${operators}/v1/clients`)).json.open, 1);
    const [left] = (await ask(`${operators}/v1/clients`)).json.clients;
    await ask(`${operators}/v1/clients/${left.id}`, { method: "DELETE" });
    await one;
  });

  it("counts the streams of an owner, whatever its address is", async () => {
    const controller = new AbortController();
    const token = SECRETS.few;
    const stream = `${url}/v1/events?channels=${A}`;
    const open = await fetch(stream, {
      headers: { authorization: `Bearer ${token}` },
      signal: controller.signal,
    });
    assert.equal(open.status, 200);
    const refused = await ask(stream, { token });
    assert.equal(refused.status, 429);
    assert.equal(refused.json.limit, "owner");
    controller.abort();
    await open.body?.cancel().catch(() => {});
  });

  it("has the id of a request in every line about it, and in its problems", async () => {
    const headers = {
      "x-request-id": "follow-me",
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
    };
    const stream = await read("duration=0.3", headers);
    assert.equal(stream.headers.get("x-request-id"), "follow-me");
    const lines = await until("both lines", () => {
      const found = logLines().filter((l) => l.request_id === "follow-me");
      return Promise.resolve(found.length === 2 ? found : null);
    });
    assert.deepEqual(lines.map(({ event }) => event), [
      "client-open",
      "client-close",
    ]);
    for (const line of lines) {
      assert.equal(line.trace_id, TRACE);
      assert.equal(line.owner, "token:reader");
    }
    const problem = await read("duration=x", headers);
    assert.equal(problem.json.request_id, "follow-me");
    const made = (await read("duration=x")).json.request_id;
    assert.match(made, /^[0-9a-f-]{36}$/);
  });

  it("writes a line for each stream, through a rotation, whose bytes add up to those of /metrics", async () => {
    const before = read("duration=0.3");
    await before;
    await Deno.rename(usage, `${usage}.1`);
    const during = read("duration=1");
    Deno.kill(qanat.pid, "SIGHUP");
    await until("a new file", async () => {
      const info = await Deno.stat(usage).catch(() => null);
      return info;
    });
    const arrow = ask(`${url}/v1/arrow?channels=${A}&duration=0.5`, {
      token: SECRETS.reader,
    });
    await Promise.all([during, arrow]);
    const lines = await until("all lines", async () => {
      const found = [...await linesOf(`${usage}.1`), ...await linesOf(usage)];
      const ended = await metric("qanat_clients") === 0
        ? await metric("qanat_clients_opened_total")
        : NaN;
      return found.length === ended ? found : null;
    });
    assert.ok((await linesOf(usage)).length >= 2);
    const sum = lines.reduce((bytes, line) => bytes + line.bytes, 0);
    assert.equal(sum, await metric("qanat_bytes_sent_total"));
    assert.equal(await metric("qanat_usage_log_lines_total"), lines.length);
    assert.equal(await metric("qanat_usage_log_lines_lost_total"), 0);
    const reasons = new Set(lines.map(({ reason }) => reason));
    assert.deepEqual([...reasons].sort(), [
      "client-left",
      "closed-by-operator",
      "complete",
    ]);
    for (const line of lines) {
      assert.match(line.owner, /^token:(reader|few)$/);
      assert.deepEqual(line.names, [A]);
      assert.ok(Date.parse(line.since) <= Date.parse(line.time) + 1000);
    }
    if (Deno.build.os !== "windows") {
      assert.equal((await Deno.stat(usage)).mode! & 0o777, 0o640);
    }
  });

  it("shows no token anywhere: in no log, metric or answer of the whole run", async () => {
    await ask(`${url}/v1/channels?token=${SECRETS.reader}`);
    await ask(`${url}/v1/channels`, { headers: { authorization: WRONG } });
    await ask(`${url}/v1/channels/${"x".repeat(300)}`, {
      token: SECRETS.reader,
    });
    for (const path of ["/metrics", "/v1/status", "/v1/clients"]) {
      await ask(operators + path);
    }
    const { code } = await qanat.stop();
    assert.equal(code, 0);
    const texts = [
      ...seen,
      qanat.log,
      qanat.output,
      await Deno.readTextFile(usage),
      await Deno.readTextFile(`${usage}.1`),
    ];
    assert.ok(texts.join("").length > 10_000);
    for (const secret of [...Object.values(SECRETS), WRONG]) {
      for (const text of texts) {
        assert.ok(!text.includes(secret));
        // Nor what can be used instead of it.
        assert.ok(!text.includes(secret.slice(6)));
      }
    }
    for (const secret of Object.values(SECRETS)) {
      for (const text of texts) assert.ok(!text.includes(hashOf(secret)));
    }
  });
});

describe("--usage-log", () => {
  it("ends the start where its file cannot be written, without naming it", async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/no-such-folder/secret`;
    for (
      const [runtime, why] of [
        [[`--allow-write=${folder}`], /NotFound/],
        [[], /no permission .* --print-permissions/],
      ] as const
    ) {
      const qanat = new Process("qanat", Deno.execPath(), [
        ...startArgs(runtime),
        `--port=${freePort()}`,
        `--usage-log=${path}`,
      ]);
      assert.equal(await qanat.ends(), 2);
      assert.match(qanat.log, /Cannot write the file of --usage-log/);
      assert.match(qanat.log, why);
      assert.doesNotMatch(qanat.log, /secret/);
    }
    await Deno.remove(folder, { recursive: true });
  });
});
