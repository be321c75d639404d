// The steps of the Dockerfile by hand, since there is no container engine here: its files in an empty folder, its RUN and
// ENTRYPOINT there, its health check. Invariant: what the image runs needs no file that the Dockerfile does not copy.
// Not tested: the base image, its user, and an engine that builds it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { run } from "../../scripts/release/folder.ts";
import project from "../../deno.json" with { type: "json" };
import { freePort, Process } from "./chain.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const text = Deno.readTextFileSync(`${ROOT}Dockerfile`)
  .replaceAll(/^#.*\n/gm, "").replaceAll("\\\n", " ");

/** What follows an instruction, each time that it is there. */
function linesOf(instruction: string): string[] {
  return [...text.matchAll(new RegExp(`^${instruction} +(.*)$`, "gm"))].map((
    [, rest],
  ) => rest!);
}

describe("the Dockerfile's steps", () => {
  const port = freePort();
  let folder: string;
  let qanat: Process;

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-image-" });
    for (const line of linesOf("COPY")) {
      const words = line.split(" ").filter((word) => !word.startsWith("--"));
      const into = words.pop()!;
      await run("cp", ["-r", ...words, `${folder}/${into}`], { cwd: ROOT });
    }
    for (const line of linesOf("RUN").filter((one) => one.includes("deno "))) {
      if (line.startsWith("chown")) continue;
      await run("sh", ["-eu", "-c", line], { cwd: folder });
    }
    const [program, ...args] = JSON.parse(linesOf("ENTRYPOINT")[0]!);
    qanat = new Process("the image's program", "env", [
      `QANAT_PORT=${port}`,
      "QANAT_REVISION=4f0c1d2",
      program,
      ...args,
    ], new URL(`file://${folder}/`));
    await qanat.answers(`http://127.0.0.1:${port}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    await Deno.remove(folder, { recursive: true });
  });

  it("run what `deno task start` runs, from the cache, and it says its version and revision", async () => {
    const [entry] = linesOf("ENTRYPOINT").map((line) => JSON.parse(line));
    assert.equal(
      entry.filter((word: string) => word !== "--cached-only").join(" "),
      project.tasks.start.command,
    );
    const answer = await fetch(`http://127.0.0.1:${port}/v1/version`);
    const { version, revision } = await answer.json();
    assert.deepEqual([version, revision], [project.version, "4f0c1d2"]);
  });

  it("have a health check that passes, and fails without the service", async () => {
    const check = JSON.parse(
      / CMD (\[.*\])/.exec(linesOf("HEALTHCHECK")[0]!)![1]!,
    );
    const checked = async (at: number) => {
      const { code } = await new Deno.Command("env", {
        args: [`QANAT_PORT=${at}`, ...check],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      return code;
    };
    assert.equal(await checked(port), 0);
    assert.notEqual(await checked(freePort()), 0);
  });

  it("label the image with version, licence and revision", () => {
    const [labels] = linesOf("LABEL");
    const named = (key: string) =>
      new RegExp(`org\\.opencontainers\\.image\\.${key}="([^"]*)"`)
        .exec(labels!)?.[1];
    assert.equal(named("version"), project.version);
    assert.equal(named("licenses"), project.license);
    assert.equal(named("revision"), "$REVISION");
  });
});
