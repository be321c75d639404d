// What a release runs: which commands publish, and how one binary is compiled.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import project from "../../deno.json" with { type: "json" };
import { compileArgs } from "../../scripts/release/compile_args.ts";
import { publishSteps } from "../../scripts/release/publish_steps.ts";

describe("publishSteps()", () => {
  const built = {
    version: "1.2.3",
    revision: "abc",
    npm: ["/out/qanat-1.2.3.tgz"],
    wheel: "/out/python/qanat_client-1.2.3.whl",
  };
  const commandsOf = (image: string | null) =>
    publishSteps({ ...built, image }).map(({ command }) => command.join(" "));

  it("tags first, then publishes each package by its own tool", () => {
    assert.deepEqual(commandsOf(null), [
      "git tag -a v1.2.3 -m Qanat 1.2.3",
      "git push origin v1.2.3",
      "deno publish",
      "npm publish --access public /out/qanat-1.2.3.tgz",
      "python3 -m twine upload /out/python/qanat_client-1.2.3.whl",
    ]);
  });

  it("builds and pushes the image last, where it has a name", () => {
    assert.deepEqual(commandsOf("registry.example.org/qanat").slice(5), [
      "docker build --build-arg REVISION=abc -t registry.example.org/qanat:1.2.3 .",
      "docker push registry.example.org/qanat:1.2.3",
    ]);
  });
});

describe("compileArgs()", () => {
  it("has the flags of the task, its permissions, and the workers", () => {
    const { command } = project.tasks.start;
    const args = compileArgs(command, { output: "dist/qanat" });
    assert.deepEqual(args, [
      "compile",
      ...command.split(" ").slice(2, -1),
      "--include=src/worker.ts",
      "--include=src/ingest.ts",
      "--output=dist/qanat",
      "src/main.ts",
    ]);
    assert.ok(args.includes("-P=start"));
    assert.ok(
      compileArgs(command, { output: "q", target: "x86_64-pc-windows-msvc" })
        .includes("--target=x86_64-pc-windows-msvc"),
    );
  });
});
