// The service with a token file, as operators use it: `deno task token`, curl, a link that Kubernetes swaps, a bad file.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, PARTS, type Process } from "./chain.ts";
import { until } from "./until.ts";

const runnable = canRun([PARTS.curl]);
const ROOT = new URL("../..", import.meta.url);
const COUNT = "H1:QANAT-COUNT_I64_16";
const RAMP = "H1:QANAT-RAMP_I16_64";
const decoder = new TextDecoder();

/** Runs `deno task token` as a person does. */
async function tokenTask(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "token", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** Adds a token; what `TOKEN=$(deno task token add …)` has. */
async function added(file: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await tokenTask("add", ...args, `--file=${file}`);
  assert.equal(code, 0, err);
  assert.match(out, /^qanat_[\w-]{43}\n$/);
  assert.ok(!err.includes(out.trim()));
  return out.trim();
}

/** Status, headers and body, by curl. */
async function curl(url: string, ...args: string[]) {
  const { stdout } = await new Deno.Command(PARTS.curl.program!, {
    args: ["-sS", "-i", "--max-time", "10", ...args, url],
    stdin: "null",
  }).output();
  const text = decoder.decode(stdout);
  return { text, status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]) };
}

const bearer = (token: string) => `Authorization: Bearer ${token}`;

/** A stream of events that is read until it ends. */
class Stream {
  text = "";
  isOver = false;
  readonly response: Promise<Response>;

  constructor(url: string, token: string) {
    this.response = fetch(url, {
      headers: { authorization: `Bearer ${token}` },
    });
    this.#read();
  }

  async #read(): Promise<void> {
    const response = await this.response;
    for await (const bytes of response.body!) {
      this.text += decoder.decode(bytes);
    }
    this.isOver = true;
  }

  get rows(): number {
    return [...this.text.matchAll(/^id: /gm)].length;
  }

  get reason(): string | undefined {
    return /event: end\n(?:id: .*\n)?data: \{"reason":"(\w+)"/.exec(this.text)
      ?.[1];
  }
}

describe("a service with a token file", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let folder: string;
  let file: string;
  let qanat: Process;
  let url: string;
  let operator: string;
  const secrets: string[] = [];

  const statusOf = async (token: string, path = "/v1/channels") =>
    (await curl(url + path, "-H", bearer(token))).status;
  const isValid = async () => {
    const { text } = await curl(`${url}/metrics`, "-H", bearer(operator));
    return /^qanat_auth_file_valid\{file="tokens"\} (\d)/m.exec(text)![1] ===
      "1";
  };

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-tokens-" });
    file = `${folder}/tokens.json`;
    operator = await added(file, "operator", "--read=all", "--operate");
    ({ qanat, url } = launchQanat([
      "--auth=tokens",
      `--auth-token-file=${file}`,
    ]));
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    await Deno.remove(folder, { recursive: true });
  });

  it("refuses requests without a token, and says what is needed", async () => {
    const { status, text } = await curl(`${url}/v1/channels`);
    assert.equal(status, 401);
    assert.match(text, /^www-authenticate: Bearer realm="qanat"\r$/im);
    assert.match(text, /application\/problem\+json/);
    const wrong = "qanat_" + "A".repeat(43);
    const denied = await curl(`${url}/v1/channels`, "-H", bearer(wrong));
    assert.equal(denied.status, 401);
    assert.match(denied.text, /error="invalid_token"/);
    assert.equal((await curl(`${url}/healthz`)).status, 200);
    const inUrl = await curl(`${url}/v1/channels?access_token=${operator}`);
    assert.equal(inUrl.status, 400);
    assert.match(inUrl.text, /Token in the address/);
  });

  it("shows the owner of a new token, within a second or so, what it may read, and nothing else", async () => {
    const alice = await added(file, "alice", `--match=${COUNT}`);
    secrets.push(alice);
    await until("the token works", async () => await statusOf(alice) === 200);
    const { text } = await curl(`${url}/v1/channels`, "-H", bearer(alice));
    assert.ok(text.includes(COUNT) && !text.includes(RAMP), text);
    const events = (name: string) => `/v1/events?channels=${name}&duration=1`;
    assert.equal(await statusOf(alice, events(COUNT)), 200);
    assert.equal(await statusOf(alice, events(RAMP)), 404);
    assert.equal(await statusOf(alice, "/v1/channels/H1:NONE"), 404);
    const { code, out } = await tokenTask("list", `--file=${file}`);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^alice +never +read ${COUNT}$`, "m"));
  });

  it("ends the streams of a token that is revoked, and no others", async () => {
    const bob = await added(file, "bob", "--read=all");
    secrets.push(bob);
    await until("the token works", async () => await statusOf(bob) === 200);
    const path = `${url}/v1/events?channels=${COUNT}`;
    const [revoked, kept] = [new Stream(path, bob), new Stream(path, operator)];
    await until("rows", () => revoked.rows > 3 && kept.rows > 3);
    const { code, out, err } = await tokenTask(
      "revoke",
      "bob",
      `--file=${file}`,
    );
    assert.deepEqual([code, out], [0, ""], err);
    await until("the stream ends", () => revoked.isOver);
    assert.equal(revoked.reason, "revoked");
    assert.equal(await statusOf(bob), 401);
    const before = kept.rows;
    await until("more rows", () => kept.rows > before + 3);
    assert.equal(kept.isOver, false);
    assert.ok(!kept.text.includes("event: gap"));
    await tokenTask("add", "kept", "--read=none", `--file=${file}`);
    (await kept.response).body?.cancel().catch(() => {});
  });

  it("ends a stream when its token expires", async () => {
    const expires = new Date(Date.now() + 6000).toISOString();
    const carol = await added(
      file,
      "carol",
      "--read=all",
      `--expires=${expires}`,
    );
    secrets.push(carol);
    await until("the token works", async () => await statusOf(carol) === 200);
    const stream = new Stream(`${url}/v1/events?channels=${COUNT}`, carol);
    await until("the stream ends", () => stream.isOver);
    assert.equal(stream.reason, "expired");
    const { status, text } = await curl(
      `${url}/v1/channels`,
      "-H",
      bearer(carol),
    );
    assert.equal(status, 401);
    assert.match(text, /The token has expired/);
  });

  it("keeps the old tokens while the file is wrong or away, and says so", async () => {
    const good = await Deno.readTextFile(file);
    for (
      const spoil of [
        () => Deno.writeTextFile(file, good.slice(0, -20)),
        () => Deno.writeTextFile(file, good.replaceAll('"read"', '"reads"')),
        () => Deno.remove(file),
      ]
    ) {
      await spoil();
      await until("the metric", async () => !await isValid());
      assert.equal(await statusOf(operator), 200);
      const { code, err } = await tokenTask(
        "revoke",
        "operator",
        `--file=${file}`,
      );
      assert.equal(code, 2, err);
      await Deno.writeTextFile(file, good);
      await until("the metric", isValid);
    }
    assert.match(qanat.log, /"event":"auth-file-invalid","file":"tokens"/);
    assert.match(qanat.log, /there is no such file/);
  });

  it("follows a link that is swapped as Kubernetes does, with permission for that path alone", async () => {
    const mount = `${folder}/mount`;
    const version = async (name: string, from: string) => {
      await Deno.mkdir(`${mount}/..${name}`, { recursive: true });
      await Deno.copyFile(from, `${mount}/..${name}/tokens.json`);
      await Deno.symlink(`..${name}`, `${mount}/..data_tmp`);
      await Deno.rename(`${mount}/..data_tmp`, `${mount}/..data`);
    };
    const other = `${folder}/other.json`;
    const dave = await added(other, "dave", "--read=all");
    const erin = await added(`${folder}/third.json`, "erin", "--read=all");
    secrets.push(dave, erin);
    await version("first", other);
    await Deno.symlink("..data/tokens.json", `${mount}/tokens.json`);
    const second = launchQanat([
      "--auth=tokens",
      `--auth-token-file=${mount}/tokens.json`,
    ]);
    try {
      await second.qanat.answers(`${second.url}/readyz`);
      const path = `${second.url}/v1/events?channels=${COUNT}`;
      const stream = new Stream(path, dave);
      await until("rows", () => stream.rows > 3);
      await version("second", `${folder}/third.json`);
      await Deno.remove(`${mount}/..first`, { recursive: true });
      await until("the stream ends", () => stream.isOver);
      assert.equal(stream.reason, "revoked");
      const again = new Stream(path, erin);
      await until("rows", () => again.rows > 3);
      (await again.response).body?.cancel().catch(() => {});
    } finally {
      await second.qanat.stop();
    }
    assert.ok(!second.qanat.log.includes("auth-file-invalid"));
  });

  it("does not start with a wrong file, and names the setting", async () => {
    const bad = `${folder}/bad.json`;
    await Deno.writeTextFile(bad, `{"tokens": [{"name": "x"}]}`);
    for (
      const [path, message] of [
        [bad, "token 1 ('x'): needs 'sha256'"],
        [`${folder}/none.json`, "there is no such file"],
      ]
    ) {
      const { qanat } = launchQanat([
        "--auth=tokens",
        `--auth-token-file=${path}`,
      ]);
      assert.equal(await qanat.ends(), 2);
      assert.ok(qanat.log.includes("--auth-token-file"), qanat.log);
      assert.ok(qanat.log.includes(message!), qanat.log);
    }
  });

  it("has logged no token", () => {
    for (const secret of [operator, ...secrets]) {
      assert.ok(!qanat.log.includes(secret));
    }
  });
});
