// Builds the packages for npm, each in a folder of its own: the launcher, the library and the client for browsers.
// Invariant: a package has all that it runs; what it does not contain is a dependency with an exact version.
import { fileURLToPath } from "node:url";
import { run, writeFiles } from "./folder.ts";
import { thirdPartyLicences } from "./third_party_licences.ts";

const ROOT = new URL("../..", import.meta.url);
const HERE = new URL("./", import.meta.url);
const PROGRAMS = ["main", "worker", "ingest", "publish", "token"];
/** Tasks that the launcher has. */
const COMMANDS = ["start", "tail", "publish", "token"];
const NODE = { node: ">=20" };

interface Project {
  readonly version: string;
  readonly license: string;
  readonly unstable: readonly string[];
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly scopes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly tasks: Readonly<Record<string, { readonly command: string }>>;
}

/** Builds all packages in folders of `outdir`, and returns these folders. `sbom`: the bill of materials, as text. */
export async function buildNpmPackages(
  outdir: string,
  sbom: string,
): Promise<string[]> {
  const project = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  ) as Project;
  await buildLauncher(`${outdir}/qanat`, project, sbom);
  await buildLibrary(`${outdir}/server`, project);
  await buildClient(`${outdir}/client`, project);
  const folders = ["qanat", "server", "client"].map((n) => `${outdir}/${n}`);
  for (const folder of folders) {
    await Deno.copyFile(new URL("LICENSE", ROOT), `${folder}/LICENSE`);
  }
  return folders;
}

/** Packs a package, and returns the path of the archive. */
export async function packed(folder: string, into: string): Promise<string> {
  const out = await run("npm", [
    "pack",
    "--json",
    "--pack-destination",
    into,
  ], { cwd: folder });
  const [{ filename }] = JSON.parse(out) as [{ filename: string }];
  return `${into}/${filename}`;
}

/** The programs as bundles: Deno takes no TypeScript from node_modules. */
async function buildLauncher(
  folder: string,
  { version, license, unstable, permissions, tasks }: Project,
  sbom: string,
): Promise<void> {
  // Two folders deep as in src/, since the supervisor names deno.json and its own folder by their places.
  const programs = `${folder}/program/dist`;
  await bundle(programs, PROGRAMS.map((name) => `src/${name}.ts`));
  await bundle(programs, ["src/tail.ts"], ["--lock=src/tail/deno.lock"]);
  const main = await Deno.readTextFile(`${programs}/main.js`);
  await writeFiles(folder, {
    "program/dist/main.js": main.replace(
      /new URL\("\.\/(worker|ingest)\.ts"/g,
      'new URL("./$1.js"',
    ),
    "deno.json": { unstable, permissions },
    "commands.json": {
      commands: Object.fromEntries(
        COMMANDS.map((name) => [name, commandOf(tasks[name]!.command)]),
      ),
    },
    "THIRD_PARTY_LICENCES.txt": await thirdPartyLicences(ROOT),
    "sbom.cdx.json": sbom,
    "package.json": {
      name: "qanat",
      version,
      description: "Live time series from Kafka to many clients over HTTP",
      license,
      type: "module",
      bin: { qanat: "bin/qanat.js" },
      engines: NODE,
      dependencies: { deno: await denoVersion() },
    },
  });
  await copy("launcher", "README.md", folder);
  await Deno.mkdir(`${folder}/bin`, { recursive: true });
  await Deno.copyFile(
    new URL("launcher/qanat.js", HERE),
    `${folder}/bin/qanat.js`,
  );
  await Deno.chmod(`${folder}/bin/qanat.js`, 0o755);
}

/** The program, and the options of `deno run` before it: the locks are of the sources, and a bundle needs none. */
function commandOf(command: string): string[] {
  const [, , ...words] = command.split(" ");
  const program = words.pop()!.replace(
    /^src\/(\w+)\.ts$/,
    "program/dist/$1.js",
  );
  const options = words.filter((word) => !/^--(frozen|lock)/.test(word));
  return [program, ...options];
}

async function buildLibrary(folder: string, project: Project): Promise<void> {
  const { version, license, imports } = project;
  const importedOf = await bundleWithout(
    folder,
    ["scripts/release/library/entry.ts"],
    imports,
  );
  await Deno.rename(`${folder}/entry.js`, `${folder}/mod.js`);
  await bundleTypes("mod.ts", `${folder}/mod.d.ts`);
  await copy("library", "README.md", folder);
  await writeFiles(folder, {
    "package.json": {
      name: "@qanat/server",
      version,
      description: "An instance of Qanat as a fetch handler",
      license,
      type: "module",
      exports: { ".": { types: "./mod.d.ts", default: "./mod.js" } },
      engines: NODE,
      dependencies: importedOf(await codeOf(folder)),
    },
  });
}

async function buildClient(folder: string, project: Project): Promise<void> {
  const { version, license, scopes } = project;
  const imports = scopes["./src/page/"]!;
  // The worker, too: bundlers look for the file that the module names.
  const importedOf = await bundleWithout(
    folder,
    ["src/page/qanat.js", "src/page/hub_worker.js"],
    imports,
    ["--lock=src/tail/deno.lock"],
  );
  await Deno.copyFile(
    new URL("src/page/qanat.d.ts", ROOT),
    `${folder}/qanat.d.ts`,
  );
  await copy("browser", "README.md", folder);
  await writeFiles(folder, {
    "package.json": {
      name: "@qanat/client",
      version,
      description: "Live time series of a Qanat server in a browser",
      license,
      type: "module",
      exports: { ".": { types: "./qanat.d.ts", default: "./qanat.js" } },
      engines: NODE,
      dependencies: importedOf(await codeOf(folder)),
    },
  });
}

/** Bundles modules without their packages; returns which of them, by version, some code imports. */
async function bundleWithout(
  outdir: string,
  entries: readonly string[],
  imports: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<(code: string) => Record<string, string>> {
  const versions = new Map<string, string>();
  for (const specifier of Object.values(imports)) {
    const [, name, version] =
      /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)/.exec(specifier) ?? [];
    if (name !== undefined) versions.set(name, version!);
  }
  const externals = [...versions.keys()].flatMap((name) => [
    `--external=${name}`,
    `--external=${name}/*`,
  ]);
  await bundle(outdir, entries, [...flags, ...externals]);
  return (code) =>
    Object.fromEntries(
      [...versions].filter(([name]) =>
        new RegExp(`\\b(?:from |import\\()"${name}["/]`).test(code)
      ).sort(([a], [b]) => a < b ? -1 : 1),
    );
}

/** All modules of a package. */
async function codeOf(folder: string): Promise<string> {
  let code = "";
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".js")) {
      code += await Deno.readTextFile(`${folder}/${name}`);
    }
  }
  return code;
}

async function bundle(
  outdir: string,
  programs: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  await run(Deno.execPath(), [
    ..."bundle --quiet --frozen --code-splitting --platform deno".split(" "),
    ...flags,
    "--outdir",
    outdir,
    ...programs,
  ], { cwd: ROOT });
}

/** One file with the types of a module and of all that it exports. */
async function bundleTypes(module: string, file: string): Promise<void> {
  const tools = new URL(".qanat/release_types/", ROOT);
  await Deno.mkdir(tools, { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) {
    await Deno.copyFile(new URL(`types/${name}`, HERE), new URL(name, tools));
  }
  await run("npm", [
    ..."install --silent --no-audit --no-fund --no-package-lock".split(" "),
  ], { cwd: tools });
  await run("node", [
    ..."node_modules/rollup/dist/bin/rollup --silent --format es".split(" "),
    ...["--plugin", 'dts={"tsconfig":"tsconfig.json"}', "--file", file],
    fileURLToPath(new URL(module, ROOT)),
  ], { cwd: tools });
}

async function copy(from: string, name: string, folder: string): Promise<void> {
  await Deno.copyFile(new URL(`${from}/${name}`, HERE), `${folder}/${name}`);
}

/** The version of Deno that the image has. */
async function denoVersion(): Promise<string> {
  const dockerfile = await Deno.readTextFile(new URL("Dockerfile", ROOT));
  return /^FROM denoland\/deno:(\S+)/m.exec(dockerfile)![1]!;
}
