// Tokens of `deno task tail`: where they come from, what happens when they expire, and that no message shows them.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { listChannels } from "../../src/tail/channel_list.ts";
import { eventConnection } from "../../src/tail/event_reader.ts";
import { LinePrinter } from "../../src/tail/line_printer.ts";
import { parseTail, type TailOptions } from "../../src/tail/options.ts";
import { type Outcome, readRetrying } from "../../src/tail/retrying.ts";
import { testPair } from "../certificates.ts";

const HELLO = `event: hello\ndata: {"stride_ns":1000000000,"channels":[]}\n\n`;
const row = (id: string) =>
  `id: ${id}\ndata: {"time":"1","channels":{"A":[1]}}\n\n`;
const end = (reason: string) => `event: end\ndata: {"reason":"${reason}"}\n\n`;
const refusal = () =>
  Response.json({ detail: "The token has expired" }, { status: 401 });

let folder = "";
let server: Deno.HttpServer<Deno.NetAddr> | null = null;
afterEach(async () => {
  await server?.shutdown();
  server = null;
  if (folder !== "") Deno.removeSync(folder, { recursive: true });
  folder = "";
});

function tokenFile(token: string): string {
  if (folder === "") folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/token`, token);
  return `${folder}/token`;
}

function optionsOf(
  args: readonly string[],
  env: Record<string, string> = {},
): TailOptions {
  const parsed = parseTail(args, env);
  assert.equal(parsed.kind, "options", JSON.stringify(parsed));
  return (parsed as Extract<typeof parsed, { kind: "options" }>).options;
}

function complaintOf(
  args: readonly string[],
  env: Record<string, string> = {},
): string {
  const parsed = parseTail(args, env);
  return parsed.kind === "error" ? parsed.message : "";
}

interface Watched {
  readonly outcome: Outcome;
  readonly sent: readonly string[];
  readonly ids: readonly string[];
  readonly said: string;
}

/** Watches a server that gives these answers; `pause` is called instead of each wait. */
async function watch(
  answers: readonly (() => Response)[],
  args: readonly string[],
  { env = {}, pause = () => {} }: {
    readonly env?: Record<string, string>;
    readonly pause?: (count: number, ms: number) => void;
  } = {},
): Promise<Watched> {
  const sent: string[] = [];
  const ids: string[] = [];
  server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ headers }) => {
      sent.push(headers.get("authorization") ?? "");
      ids.push(headers.get("last-event-id") ?? "");
      return answers[sent.length - 1]?.() ??
        new Response(null, { status: 204 });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const options = optionsOf(["A", "-u", url, ...args], env);
  let said = "";
  let pauses = 0;
  const add = (text: string) => void (said += text);
  const printer = new LinePrinter({ nowMs: () => 0, write: add, warn: add });
  const outcome = await readRetrying(eventConnection(options, printer), {
    retriesMax: options.retriesMax,
    signal: new AbortController().signal,
    onRetry: add,
    random: () => 0,
    sleep: (ms) => Promise.resolve(pause(++pauses, ms)),
  });
  return { outcome, sent, ids, said: said + JSON.stringify(outcome) };
}

describe("tail with a token file", () => {
  it("sends what the file has at each connection, and resumes by the id after `expired`", async () => {
    const path = tokenFile("first-secret\n");
    const { outcome, sent, ids, said } = await watch(
      [
        () => new Response(HELLO + row("7") + end("expired")),
        refusal,
      ],
      ["--token-file", path],
      {
        pause: (count) => {
          if (count === 1) tokenFile("second-secret");
          if (count === 2) tokenFile("third-secret");
        },
      },
    );
    assert.deepEqual(outcome, { kind: "complete" });
    assert.deepEqual(sent, [
      "Bearer first-secret",
      "Bearer second-secret",
      "Bearer third-secret",
    ]);
    assert.deepEqual(ids, ["", "7", "7"]);
    assert.doesNotMatch(said, /secret/);
  });

  it("does not send a refused token again: it waits for another one, and gives up in the end", async () => {
    const { outcome, sent, said } = await watch(
      [refusal],
      ["--token-file", tokenFile("secret"), "--retries", "3"],
    );
    assert.equal(sent.length, 1);
    assert.equal(outcome.kind, "broken");
    assert.match(said, /waiting for another one in the file of --token-file/);
    assert.doesNotMatch(said, /secret/);
  });

  it("waits while the file is away or has no token, and shows nothing of it", async () => {
    const path = tokenFile("two secrets");
    const { outcome, sent, said } = await watch([], ["--token-file", path], {
      pause: (count) => {
        if (count === 1) Deno.removeSync(path);
        if (count === 2) tokenFile("good");
      },
    });
    assert.equal(outcome.kind, "complete");
    assert.deepEqual(sent, ["Bearer good"]);
    assert.match(said, /must have a token and nothing else/);
    assert.match(said, /there is no such file/);
    assert.doesNotMatch(said, /secrets/);
  });

  it("looks for another token once a second, also when it has waited for long", async () => {
    const path = tokenFile("refused");
    const waits: number[] = [];
    const { sent } = await watch([refusal], ["--token-file", path], {
      pause: (_, ms) => {
        waits.push(ms);
        if (waits.length === 20) tokenFile("good");
      },
    });
    assert.deepEqual(sent, ["Bearer refused", "Bearer good"]);
    assert.ok(Math.max(...waits.slice(1)) <= 1000, String(waits));
  });

  it("finds the file from the folder in which it was called", () => {
    const path = tokenFile("t");
    const options = optionsOf(["A", "--token-file", "token"], {
      INIT_CWD: folder,
    });
    assert.equal(path, `${folder}/token`);
    return options.credential.headers().then(({ authorization }) =>
      assert.equal(authorization, "Bearer t")
    );
  });
});

describe("tail without a token", () => {
  const needed = () =>
    Response.json({ detail: "send the header 'Authorization: …'" }, {
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="qanat"' },
    });

  it("says by which flag and variable the server gets one, not by which header", async () => {
    const { outcome, said } = await watch([needed], []);
    assert.equal(outcome.kind, "refused");
    assert.match(said, /--token-file FILE, or in the variable QANAT_TOKEN/);
  });

  it("shows what the server says where it asks for a password", async () => {
    const basic = () =>
      new Response("", {
        status: 401,
        headers: { "www-authenticate": "Basic realm=x" },
      });
    const { said } = await watch([basic], []);
    assert.match(said, /the server answered 401/);
  });
});

describe("tail and a certificate that it does not trust", () => {
  it("ends at once, and says which flag helps", async () => {
    const { cert, key } = testPair();
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
      () => new Response(null, { status: 204 }),
    );
    const url = `https://localhost:${server.addr.port}`;
    const options = optionsOf(["A", "-u", url]);
    const printer = new LinePrinter({ nowMs: () => 0, write() {}, warn() {} });
    const outcome = await readRetrying(eventConnection(options, printer), {
      retriesMax: 3,
      signal: new AbortController().signal,
      onRetry: assert.fail,
    });
    assert.equal(outcome.kind, "refused");
    assert.match(
      JSON.stringify(outcome),
      /certificate is not accepted.*--cacert FILE/,
    );
    const listed = await listChannels(optionsOf(["--list", "-u", url]), {
      signal: new AbortController().signal,
      write: () => {},
    });
    assert.match(
      JSON.stringify(listed),
      /certificate is not accepted.*--cacert FILE/,
    );
  });
});

describe("tail with QANAT_TOKEN", () => {
  const env = { QANAT_TOKEN: "env-secret" };

  it("sends it, and gives up when it is refused or has expired, since no other one can come", async () => {
    const refused = await watch([refusal], [], { env });
    assert.deepEqual(refused.sent, ["Bearer env-secret"]);
    assert.deepEqual(refused.outcome, {
      kind: "refused",
      detail: "The token has expired",
    });
    await server?.shutdown();
    const expired = await watch(
      [() => new Response(HELLO + end("expired"))],
      [],
      { env },
    );
    assert.equal(expired.outcome.kind, "broken");
    assert.match(expired.said, /ended the stream: expired/);
    assert.doesNotMatch(refused.said + expired.said, /secret/);
  });

  it("gives way to a token file", async () => {
    const path = tokenFile("file");
    const { sent } = await watch([], ["--token-file", path], { env });
    assert.deepEqual(sent, ["Bearer file"]);
  });

  it("is sent with --list, too", async () => {
    let got: string | null = null;
    server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      ({ headers }) => {
        got = headers.get("authorization");
        return Response.json({ channels: [], next: null });
      },
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    await listChannels(optionsOf(["--list", "-u", url], env), {
      signal: new AbortController().signal,
      write: () => {},
    });
    assert.equal(got, "Bearer env-secret");
  });

  it("is refused together with a user in the URL, and when it cannot be a token, without being shown", () => {
    const both = complaintOf(["A", "-u", "http://u:hunter2@h"], env);
    assert.match(both, /user and password in the URL or QANAT_TOKEN, not both/);
    const odd = complaintOf(["A"], { QANAT_TOKEN: "env secret" });
    assert.match(odd, /QANAT_TOKEN must be a token/);
    assert.doesNotMatch(both + odd, /secret|hunter2/);
  });
});
