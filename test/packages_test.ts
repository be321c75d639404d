// What a first start fetches: `deno task` downloads everything that deno.lock holds, so the lock holds what serving
// needs and nothing else. The tests and the terminal client have locks of their own, which agree with it.
import { describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";

interface Lock {
  specifiers: Record<string, string>;
  npm: Record<string, { integrity: string }>;
  workspace: { dependencies: string[] };
}

/** All that a first start downloads. A name may be added only if the service cannot do without the package. */
const ON_THE_WAY_OF_START = [
  "@bufbuild/protobuf",
  "@hono/node-server",
  "@opentelemetry/api",
  "@types/node",
  "apache-arrow",
  "bintrees",
  "content-type",
  "flatbuffers",
  "hono",
  "jose",
  "json-with-bigint",
  "kafkajs",
  "lz4js",
  "negotiator",
  "prom-client",
  "re2js",
  "snappyjs",
  "t-a-i",
  "tdigest",
  "tslib",
  "undici-types",
];

const ROOT = new URL("..", import.meta.url);
const json = (path: string) =>
  JSON.parse(Deno.readTextFileSync(new URL(path, ROOT)));
const importsOf = (path: string): [string, string][] =>
  Object.entries(json(path).imports);
/** `npm:/name@1.2.3/` and `npm:name@1.2.3` are one package. */
const packageOf = (target: string) => target.replace(/^npm:\/?(.*?)\/?$/, "$1");

/** `name@1.2.3_peer@4.5.6`, as a lock writes it, without versions. */
const nameOf = (key: string) => key.match(/^(@[^/]+\/)?[^@/]+/)![0];
const scopes: [folder: string, [name: string, target: string][]][] = Object
  .entries(json("deno.json").scopes as Record<string, Record<string, string>>)
  .map(([folder, imports]) => [folder, Object.entries(imports)]);

/** What only tests import. */
const ofTests = scopes.find(([folder]) => folder === "./test/")![1];

/** What `deno info` says about the modules that a file loads. */
async function infoOf(file: string): Promise<{
  modules: { kind: string; npmPackage?: string }[];
  npmPackages: Record<string, unknown>;
}> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
    cwd: ROOT,
    stdin: "null",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The packages, by name, that the modules of a folder import. */
function importedBy(folder: URL, names = new Set<string>()): Set<string> {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isDirectory) {
      importedBy(new URL(`${entry.name}/`, folder), names);
    } else if (/\.(ts|js)$/.test(entry.name)) {
      const text = Deno.readTextFileSync(new URL(entry.name, folder));
      for (
        const [, target] of text.matchAll(
          /(?:from |import\()\s*"([^".]+[^"]*)"/g,
        )
      ) {
        names.add(target!.match(/^(@[^/]+\/)?[^/]+/)![0]);
      }
    }
  }
  return names;
}

describe("packages", () => {
  const lock = json("deno.lock") as Lock;
  const testLock = json("test/deno.lock") as Lock;

  it("deno.lock holds what deno.json names, and nothing that only tests need", () => {
    const named = importsOf("deno.json").map(([, target]) => target)
      .filter((target) => target.startsWith("npm:")).map(packageOf);
    const locked = Object.keys(lock.specifiers)
      .filter((name) => name.startsWith("npm:")).map(packageOf);
    assert.deepEqual(locked.sort(), [...new Set(named)].sort());
    for (const [name] of ofTests) {
      const bare = name.replace(/\/$/, "");
      const found = Object.keys(lock.npm).filter((key) =>
        key.startsWith(`${bare}@`)
      );
      assert.deepEqual(found, []);
    }
  });

  it("a first start downloads these packages and no others", async () => {
    const imported = new Set<string>();
    for (const file of ["src/main.ts", "src/worker.ts", "src/ingest.ts"]) {
      const { modules, npmPackages } = await infoOf(file);
      for (const { npmPackage } of modules) {
        if (npmPackage) imported.add(nameOf(npmPackage));
      }
      const all = Object.keys(npmPackages).map(nameOf);
      assert.deepEqual(all.sort(), ON_THE_WAY_OF_START, file);
    }
    const named = importsOf("deno.json")
      .filter(([, target]) => target.startsWith("npm:"))
      .map(([, target]) => nameOf(packageOf(target)));
    assert.deepEqual([...imported].sort(), [...new Set(named)].sort());
  });

  it("a package of the page, of `tail`, of a bench or of a test is in the scope of its folder", () => {
    const versions = new Map<string, string>();
    for (const [folder, imports] of scopes) {
      const imported = importedBy(new URL(folder, ROOT));
      for (const [name, target] of imports) {
        const bare = name.replace(/\/$/, "");
        assert.ok(imported.has(bare), `${folder} does not import ${name}`);
        const version = versions.get(name) ?? target;
        assert.equal(target, version, `${folder} has another version`);
        versions.set(name, target);
      }
    }
  });

  it("src/tail/deno.lock locks what the scope of src/tail names", () => {
    const tailLock = json("src/tail/deno.lock") as Lock;
    const [, imports] = scopes.find(([folder]) => folder === "./src/tail/")!;
    for (const [name, target] of imports) {
      assert.ok(`npm:${packageOf(target)}` in tailLock.specifiers, name);
    }
    for (const [name, { integrity }] of Object.entries(tailLock.npm)) {
      assert.equal(testLock.npm[name]?.integrity, integrity, name);
    }
  });

  it("all locks have the packages that deno.json names now, else an installation refuses them as out of date", () => {
    const locks = ["deno.lock", "src/tail/deno.lock", "test/deno.lock"]
      .map((path) => (json(path) as Lock).workspace.dependencies);
    const named = [
      ...importsOf("deno.json"),
      ...scopes.flatMap(([, imports]) => imports),
    ].map(([, target]) => target).filter((target) => target.startsWith("npm:"))
      .map((target) => `npm:${packageOf(target)}`);
    for (const dependencies of locks) {
      assert.deepEqual(dependencies, locks[0]);
      for (const name of named) assert.ok(dependencies.includes(name), name);
    }
  });

  it("Swagger UI is checked in as the version that scripts/make_libraries.ts names", () => {
    const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
    const [, version] = read("scripts/make_libraries.ts")
      .match(/SWAGGER_UI = "([^"]+)"/)!;
    const lib = "src/http/documents/lib/";
    for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
      const text = read(lib + name);
      assert.ok(text.startsWith(`/*! ${version}, `), name);
    }
    assert.ok(read(`${lib}licences.txt`).includes(`${version}\n---`));
  });

  it("deno.json names what src/ imports, and nothing that only benches or scripts would", () => {
    const imported = importedBy(new URL("src/", ROOT));
    for (const [name] of importsOf("deno.json")) {
      // Of JSR, not of npm, and fetched by the tests alone.
      if (name.startsWith("@std/testing")) continue;
      assert.ok(imported.has(name.replace(/\/$/, "")), name);
    }
  });

  it("the tests run with the very packages that the service runs with", () => {
    for (const [name, { integrity }] of Object.entries(lock.npm)) {
      assert.equal(testLock.npm[name]?.integrity, integrity, name);
    }
  });

  it("the worker is cached wherever the program that starts it is", () => {
    for (const file of ["Dockerfile", ".ci/run"]) {
      const text = Deno.readTextFileSync(new URL(file, ROOT));
      const lines = text.split("\n").filter((line) =>
        /deno (cache|install) .*src\/main\.ts/.test(line)
      );
      assert.equal(lines.length, 1, file);
      assert.match(lines[0]!, /src\/worker\.ts/, file);
      // Without its own lock, the client's packages would come with every start.
      assert.match(text, /--lock=src\/tail\/deno\.lock .*src\/tail\.ts/, file);
    }
  });

  it("no task, image or CI step changes a lock: each is frozen", () => {
    const tasks: [string, { command: string }][] = Object.entries(
      json("deno.json").tasks,
    );
    const commands = tasks.flatMap(([, { command }]) => command.split(" && "));
    for (
      const file of ["Dockerfile", "compose.yaml", ".ci/run"]
    ) {
      // A line of shell, or a list of arguments: `"deno", "run", …`.
      const text = Deno.readTextFileSync(new URL(file, ROOT))
        .replaceAll(/^\s*#.*$/gm, "")
        .replaceAll(/"(?:,\s+|\s*\])/g, " ").replaceAll('"', "");
      commands.push(
        ...text.split(/\n(?! )|&& |\|\| /).filter((line) =>
          /\bdeno (run|cache|install) /.test(line)
        ),
      );
    }
    const loading = commands.filter((c) => /deno (run|bench|cache|in)/.test(c));
    assert.ok(loading.length > 15, `${loading.length}`);
    for (const command of loading) {
      // `npm install deno@…`
      if (/npm install/.test(command)) continue;
      assert.match(command, / --frozen /, command);
    }
  });

  it("every package of the tests has an exact version, locked", () => {
    for (const [name, target] of ofTests) {
      assert.match(packageOf(target), /@\d+\.\d+\.\d+$/, name);
      assert.ok(`npm:${packageOf(target)}` in testLock.specifiers, name);
    }
  });
});
