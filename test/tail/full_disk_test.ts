// `deno task tail` on a full disk: one line of error, an exit code, no stack trace.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { joined, rowMessage, SCHEMA } from "./arrow_stream.ts";

const ROOT = new URL("../..", import.meta.url);

/** With all permissions: /dev/full is not for programs with fewer. */
async function tail(
  args: readonly string[],
  redirection: string = "",
): Promise<{ code: number; err: string }> {
  const words = [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "-A",
    "--lock=src/tail/deno.lock",
    "src/tail.ts",
  ]
    .concat(args).map((word) => `'${word}'`).join(" ");
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", `${words} ${redirection}`],
    cwd: ROOT,
    stdin: "null",
  }).output();
  const err = new TextDecoder().decode(stderr).split("\n")
    .filter((line) => line !== "" && !/Permissions in the config/.test(line));
  return { code, err: err.join("\n") };
}

describe("tail on a full disk", { ignore: Deno.build.os !== "linux" }, () => {
  it("reports that it cannot write to standard output", async () => {
    const { code, err } = await tail(["--help"], ">/dev/full");
    assert.equal(code, 1, err);
    assert.match(err, /^Cannot write to standard output: No space left/);
    assert.ok(!err.includes("    at "), err);
  });

  it("reports that it cannot write to the file", async () => {
    const folder = await Deno.makeTempDir({ prefix: "qanat-full-" });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        new Response(
          joined([SCHEMA, rowMessage(0), END_OF_STREAM]) as Uint8Array<
            ArrayBuffer
          >,
        ),
    );
    try {
      await Deno.symlink("/dev/full", `${folder}/x.csv.part`);
      const url = `http://127.0.0.1:${server.addr.port}`;
      const full = await tail([
        ..."A,B --start 1400000000 --duration 1 --plain -u".split(" "),
        url,
        "-o",
        `${folder}/x.csv`,
      ]);
      assert.equal(full.code, 1, full.err);
      assert.match(full.err, /Cannot write \S+x\.csv\.part: No space left/);
      assert.ok(!full.err.includes("    at "), full.err);
      const none = await tail([
        ..."A,B --start 1400000000 --duration 1 --plain -u".split(" "),
        url,
        "-o",
        `${folder}/none/x.csv`,
      ]);
      assert.equal(none.code, 2, none.err);
      assert.match(none.err, /^Cannot write \S+: No such file or directory/);
      assert.ok(!none.err.includes("    at "), none.err);
    } finally {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  });
});
