// The packages that `deno task start` loads: those of its import graph, from npm, and the browser libraries that the
// repository holds. Invariant: each npm package is locked in deno.lock with the hash of its archive.

/** A package, and what is known of it. */
export interface StartPackage {
  /** Unique in the list: `name@version`, with peers as deno.lock writes it. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** SPDX expression, or null when it is not known. */
  readonly licence: string | null;
  /** The full text, where the repository holds it. */
  readonly licenceText: string | null;
  /** `sha512-…` in base64, as deno.lock has it; null for a library that the repository holds. */
  readonly integrity: string | null;
  /** A module of Qanat imports it, or the repository holds it. */
  readonly isDirect: boolean;
  /** Keys of other packages of the list. */
  readonly dependencies: readonly string[];
}

interface ModuleGraph {
  readonly modules: readonly { npmPackage?: string; error?: string }[];
  readonly npmPackages: Readonly<
    Record<string, {
      name: string;
      version: string;
      dependencies: string[];
      localPath: string;
      registryUrl?: string;
    }>
  >;
}

interface Lock {
  readonly npm: Readonly<Record<string, { integrity?: string }>>;
}

/** The supervisor and the threads that it starts. */
const ENTRY_POINTS = ["src/main.ts", "src/worker.ts", "src/ingest.ts"];
/** Lists of the licences of checked-in libraries; scripts/make_libraries.ts writes them. */
const LICENCE_FILES = [
  "src/page/lib/licences.txt",
  "src/http/documents/lib/licences.txt",
];

/** All packages, sorted by name. Throws where one is not locked. */
export async function startPackages(root: URL): Promise<StartPackage[]> {
  const lock = JSON.parse(
    await Deno.readTextFile(new URL("deno.lock", root)),
  ) as Lock;
  const found = new Map<string, StartPackage>();
  for (const file of ENTRY_POINTS) {
    for (const one of packagesOf(await graphOf(file, root), lock)) {
      found.set(one.key, one);
    }
  }
  for (const file of LICENCE_FILES) {
    const text = await Deno.readTextFile(new URL(file, root));
    for (const one of checkedIn(text)) found.set(one.key, one);
  }
  return [...found.values()].sort((a, b) => a.key < b.key ? -1 : 1);
}

/** The registries that Deno has the packages from, as configured on this machine. */
export async function registriesOf(root: URL): Promise<string[]> {
  const { npmPackages } = await graphOf(ENTRY_POINTS[0]!, root);
  const urls = Object.values(npmPackages).flatMap((one) =>
    one.registryUrl ?? []
  );
  return [...new Set(urls)].sort();
}

async function graphOf(file: string, root: URL): Promise<ModuleGraph> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file],
    cwd: root,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`deno info ${file}: ${text.decode(stderr)}`);
  return JSON.parse(text.decode(stdout)) as ModuleGraph;
}

/** What the modules import, and what these packages depend on. */
export function packagesOf(
  { modules, npmPackages }: ModuleGraph,
  lock: Lock,
): StartPackage[] {
  const broken = modules.find(({ error }) => error !== undefined);
  if (broken) throw new Error(`A module cannot be loaded: ${broken.error}`);
  const found = new Map<string, StartPackage>();
  const imported = modules.flatMap(({ npmPackage }) => npmPackage ?? []);
  const waiting = [...imported];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (found.has(key)) continue;
    const { name, version, dependencies, localPath } = npmPackages[key]!;
    const integrity = lock.npm[key]?.integrity;
    if (integrity === undefined) throw new Error(`${key} is not in deno.lock`);
    found.set(key, {
      key,
      name,
      version,
      licence: licenceOf(localPath),
      licenceText: null,
      integrity,
      isDirect: imported.includes(key),
      dependencies,
    });
    waiting.push(...dependencies);
  }
  return [...found.values()];
}

function licenceOf(folder: string): string | null {
  const { license } = JSON.parse(
    Deno.readTextFileSync(`${folder}/package.json`),
  ) as { license?: unknown };
  return typeof license === "string" && license !== "" ? license : null;
}

/** The libraries of a list of licences: each has a line `name@version`, underlined, and its licence below. */
export function checkedIn(licences: string): StartPackage[] {
  const parts = licences.split(/^((?:@[\w.-]+\/)?[\w.-]+@\d\S*)\n-+\n/m);
  const packages: StartPackage[] = [];
  for (let i = 1; i < parts.length; i += 2) {
    const key = parts[i]!;
    const at = key.lastIndexOf("@");
    const licenceText = parts[i + 1]!.trim();
    packages.push({
      key,
      name: key.slice(0, at),
      version: key.slice(at + 1),
      licence: spdxOf(licenceText),
      licenceText,
      integrity: null,
      isDirect: true,
      dependencies: [],
    });
  }
  return packages;
}

const KNOWN_LICENCES: readonly (readonly [RegExp, string])[] = [
  [/Permission is hereby granted, free of charge/, "MIT"],
  [/Apache License\s+Version 2\.0/, "Apache-2.0"],
  [/Neither the name of/, "BSD-3-Clause"],
];

/** The SPDX identifier of the licence that a text begins with; those of parts may follow. */
function spdxOf(text: string): string | null {
  const found = KNOWN_LICENCES.map(([pattern, id]) => ({
    at: text.search(pattern),
    id,
  })).filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at);
  return found[0]?.id ?? null;
}
