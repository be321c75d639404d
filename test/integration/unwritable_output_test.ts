// Programs whose standard output and error are a full disk, or a pipe without a reader.
// Invariant: the service starts, serves and stops as usual; commands end with the exit code that they mean,
// and with 1 if they cannot print what they were asked for.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { freePort, metric, Process, sleep, startArgs } from "./chain.ts";

describe("standard output and error that cannot be written", () => {
  it("stop neither the start nor the service nor the stop: a full disk", async () => {
    await servesWith(">/dev/full 2>/dev/full");
  });

  it("stop neither the start nor the service nor the stop: a reader that has ended", async () => {
    await servesWith("2>&1 | true");
  });
});

async function servesWith(redirection: string): Promise<void> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const quoted = [Deno.execPath(), ...startArgs(), `--port=${port}`]
    .map((argument) => `'${argument}'`).join(" ");
  // The shell says the process's id on a descriptor of its own, and how it ended.
  const shell = new Process("shell", "sh", [
    "-c",
    `exec 3>&1; { ${quoted} & echo "pid $!" >&3; wait $!; echo "code $?" >&3; } ${redirection}; wait`,
  ]);
  const [, pid] = await shell.says(/pid (\d+)/);
  try {
    await shell.answers(`${url}/readyz`);
    // A stream is opened and closed, which the log would say.
    const stream = await fetch(
      `${url}/v1/events?channels=H1:QANAT-COUNT_I64_16&duration=0.2`,
    );
    assert.equal(stream.status, 200);
    await stream.text();
    while (await metric(url, "qanat_log_lines_lost_total") === 0) {
      await sleep(50);
    }
    Deno.kill(Number(pid), "SIGTERM");
    assert.equal((await shell.says(/code (\d+)/))[1], "0");
  } finally {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch { /* ended */ }
    await shell.ends();
  }
}

describe("commands whose output cannot be written", () => {
  const cases = [
    ["main.ts", "--port=x", 2],
    ["main.ts", "--help", 1],
    ["publish.ts", "--nonsense", 2],
    ["publish.ts", "--help", 1],
    ["tail.ts", "--nonsense", 2],
  ] as const;
  for (const [file, argument, code] of cases) {
    it(`${file} ${argument} ends with ${code}`, async () => {
      const options = file === "tail.ts"
        ? "-P=tail --lock=src/tail/deno.lock"
        : file === "publish.ts"
        ? "-P=publish"
        : "-P=start";
      const shell = new Process("shell", "sh", [
        "-c",
        `'${Deno.execPath()}' run --no-prompt ${options} src/${file} ${argument} >/dev/full 2>/dev/full`,
      ]);
      assert.equal(await shell.ends(), code);
    });
  }

  it("main.ts --help ends with 0 when its reader has finished", async () => {
    const shell = new Process("shell", "bash", [
      "-c",
      `'${Deno.execPath()}' run --no-prompt -P=start src/main.ts --help | true; exit "\${PIPESTATUS[0]}"`,
    ]);
    assert.equal(await shell.ends(), 0);
  });
});
