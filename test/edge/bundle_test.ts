// dist/edge.js and dist/edge_worker.js, as `deno task edge` writes them: what they import, and that loading them does
// nothing that edge runtimes refuse outside of a request.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";

const ROOT = new URL("../../", import.meta.url);
/** workerd and Node have them. Not node:v8, node:net, node:http, node:worker_threads, node:fs. */
const ALLOWED = ["node:crypto", "node:zlib"];

/** Loads the bundle where a timer, a random number, a connection or a large buffer throws. */
const PROBE = `
const refused = (what) => () => { throw new Error(what + " while it loads"); };
for (const name of ["setTimeout", "setInterval", "setImmediate", "fetch"]) globalThis[name] = refused(name);
crypto.getRandomValues = crypto.randomUUID = refused("a random number");
Math.random = refused("a random number");
for (const name of ["ArrayBuffer", "SharedArrayBuffer", "Uint8Array", "Int32Array", "Float64Array"]) {
  globalThis[name] = new Proxy(globalThis[name], {
    construct(target, args, self) {
      if (typeof args[0] === "number" && args[0] > 1024 * 1024) refused("a large buffer")();
      return Reflect.construct(target, args, self);
    },
  });
}
`;

let folder: string;

async function deno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  return decoder.decode(stdout);
}

const FILES = ["edge.js", "edge_worker.js"];

describe("the files of `deno task edge`", () => {
  before(async () => {
    folder = await Deno.makeTempDir();
    const { tasks } = JSON.parse(
      await Deno.readTextFile(new URL("deno.json", ROOT)),
    );
    const [, ...words] = (tasks.edge.command as string).split(" ");
    await deno(...words, `--outdir=${folder}`);
  });

  after(async () => {
    await Deno.remove(folder, { recursive: true });
  });

  for (const file of FILES) {
    it(`${file} imports only what workerd and Node have`, async () => {
      const info = JSON.parse(
        await deno("info", "--json", "--no-config", `${folder}/${file}`),
      ) as {
        modules: { dependencies?: { specifier: string; code?: unknown }[] }[];
      };
      const specifiers = info.modules.flatMap(({ dependencies = [] }) =>
        // Comments name types, which nothing loads.
        dependencies.filter(({ code }) => code !== undefined)
          .map(({ specifier }) => specifier)
      );
      const forbidden = specifiers.filter((name) => !ALLOWED.includes(name));
      assert.deepEqual([...new Set(forbidden)], []);
      const text = await Deno.readTextFile(`${folder}/${file}`);
      assert.ok(!text.includes("Dynamic require of"), "a require() is left");
    });

    it(`${file} starts no timer, makes no random number and takes no large buffer while it loads`, async () => {
      await Deno.writeTextFile(`${folder}/refusals.mjs`, PROBE);
      await Deno.writeTextFile(
        `${folder}/probe.mjs`,
        `import "./refusals.mjs";\nimport edge from "./${file}";\nconsole.log(typeof edge.fetch);\n`,
      );
      const text = await deno(
        "run",
        "--no-prompt",
        "--no-config",
        `${folder}/probe.mjs`,
      );
      assert.equal(text, "function\n");
    });
  }
});
