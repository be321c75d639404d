// The import map of the tests: the packages of deno.json with those that only tests need.
// Invariant: where JSR does not answer, node:test replaces @std/testing/bdd, of which the tests use the part that both have.

const ROOT = new URL("..", import.meta.url);
const JSR_BDD = "jsr:@std/testing@^1.0.0/bdd";
const JSR_PROBE_MS = 5000;

/** Whether Deno can load @std/testing, from its cache or within a few seconds from its registry. */
export async function jsrAnswers(): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["info", "--no-config", "--json", JSR_BDD],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(JSR_PROBE_MS),
  });
  const { success, stdout } = await command.output();
  if (!success) return false;
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules?: { error?: string }[];
  };
  return graph.modules?.length !== undefined && graph.modules.length > 0 &&
    graph.modules.every((module) => module.error === undefined);
}

type Imports = Record<string, string>;

/** The imports of deno.json, those of its scopes (one folder each) included. */
function importsOf(file: string): [name: string, target: string][] {
  const text = Deno.readTextFileSync(new URL(file, ROOT));
  const { imports, scopes = {} } = JSON.parse(text) as {
    imports: Imports;
    scopes?: Record<string, Imports>;
  };
  return [imports, ...Object.values(scopes)].flatMap(Object.entries);
}

/**
 * Writes the imports of deno.json and of the tests' packages into one map; returns the file. Where JSR does not answer,
 * node:test replaces @std/testing/bdd.
 */
export function writeImportMap(jsr: boolean): string {
  const imports: Imports = {};
  for (const [name, target] of importsOf("deno.json")) {
    if (name.startsWith("@std/testing")) {
      if (jsr) imports[name] = target;
      else if (name === "@std/testing/bdd") imports[name] = "node:test";
      continue;
    }
    imports[name] = target.startsWith("./") ? `.${target}` : target;
    // In deno.json a package includes its files; in an import map they are an entry of their own.
    if (target.startsWith("npm:") && !name.endsWith("/")) {
      imports[`${name}/`] ??= `npm:/${target.slice("npm:".length)}/`;
    }
  }
  Deno.mkdirSync(new URL(".qanat", ROOT), { recursive: true });
  const file = new URL(".qanat/import_map.json", ROOT);
  // Renamed, so that another run never reads half a map.
  const draft = new URL(`import_map.${Deno.pid}.json`, file);
  Deno.writeTextFileSync(draft, JSON.stringify({ imports }, null, 2) + "\n");
  Deno.renameSync(draft, file);
  return file.pathname;
}
