// The printed command line, run by a shell: it serves, needs each of its permissions, and has no other; and what the
// worker of `start` may do although the process may do more.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

const ROOT = new URL("../..", import.meta.url);
const PROBE = "test/supervisor/permissions_probe.ts";
const MS = 20_000;
/** What the probe finds of a Qanat that serves on port 8080. */
const PROBED = {
  "read /dev/null": "allowed",
  "read deno.lock": "NotCapable",
  "read /etc/hosts": "NotCapable",
  "write": "NotCapable",
  "listen 8080": "allowed",
  "listen 8079": "NotCapable",
  "connect elsewhere": "NotCapable",
  "variable PATH": "unset",
  "hostname": "NotCapable",
  "run": "NotCapable",
};

async function run(program: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(MS),
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** What `--print-permissions` prints for a free port, run by this Deno. */
async function printedCommand(port = 0): Promise<string> {
  const { code, out, err } = await run(Deno.execPath(), [
    ..."run --no-prompt -P=start src/main.ts --print-permissions".split(" "),
    `--port=${port}`,
  ]);
  assert.equal(code, 0, err);
  return out.replace(/^deno /m, () => `exec '${Deno.execPath()}' `);
}

/** Starts the command; resolves with its URL, or with null once it has ended. */
async function start(command: string) {
  const child = new Deno.Command("sh", {
    args: ["-c", command],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(MS),
  }).spawn();
  const errors = new Response(child.stderr).text();
  let output = "";
  let url: string | null = null;
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (url === null) {
    const { done, value } = await reader.read();
    if (done) break;
    output += value;
    url = /serving on (http:\S+)\n/.exec(output)?.[1] ?? null;
  }
  return {
    url,
    stop: async () => {
      // One that has ended needs no signal.
      if (url !== null) child.kill("SIGTERM");
      await reader.cancel();
      const { code } = await child.status;
      return { code, errors: await errors };
    },
  };
}

describe("the printed command line", {
  ignore: Deno.build.os === "windows",
}, () => {
  it("serves pages, metrics and rows, and stops in an orderly way", async () => {
    const { url, stop } = await start(await printedCommand());
    try {
      assert.ok(url);
      for (
        const path of [
          "/",
          "/docs",
          "/docs/licences.txt",
          "/metrics",
          "/v1/status",
        ]
      ) {
        const response: Response = await fetch(url + path);
        await response.body?.cancel();
        assert.equal(response.status, 200, path);
      }
      const rows = await fetch(
        `${url}/v1/events?channels=H1:QANAT-COUNT_I64_16&duration=1`,
      );
      assert.match(await rows.text(), /"H1:QANAT-COUNT_I64_16"/);
    } finally {
      const { code, errors } = await stop();
      assert.equal(code, 0, errors);
      assert.doesNotMatch(errors, /NotCapable|Requires/);
    }
  });

  it("needs each of its permissions", async () => {
    const command = await printedCommand();
    for (const flag of ["--allow-net", "--allow-read", "--allow-sys"]) {
      const without = command.replace(
        new RegExp(`^ *${flag}=.*\\\\$`, "m"),
        "\\",
      );
      assert.notEqual(without, command, flag);
      const { url, stop } = await start(without);
      const { errors } = await stop();
      assert.equal(url, null, flag);
      assert.match(errors, /NotCapable|Requires|EPERM/, flag);
    }
  });

  it("has no other permission: files, addresses, variables, system, programs", async () => {
    const command = (await printedCommand(8080))
      .replace(/src\/main\.ts.*/, PROBE);
    const { code, out, err } = await run("sh", ["-c", command]);
    assert.equal(code, 0, err);
    assert.deepEqual(JSON.parse(out), PROBED);
  });
});

describe("the worker of `start`", () => {
  it("may do no more, although the process may read and connect anywhere", async () => {
    const { code, err } = await run(Deno.execPath(), [
      ..."run --no-prompt -P=start test/supervisor/permissions_main.ts".split(
        " ",
      ),
      "--port=8080",
    ]);
    assert.equal(code, 0, err);
    assert.deepEqual(JSON.parse(err.trim().split("\n").at(-1)!), PROBED);
  });
});
