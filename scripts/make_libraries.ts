// Writes the browser libraries that the repository holds, with their licences: src/page/lib (one small module for each
// library of the page) and src/http/documents/lib (Swagger UI, for /docs). Run `deno task make:libraries` after you
// have changed a version; test/page/page_files_test.ts and test/packages_test.ts compare versions and files.
import { helpOrExit } from "../src/settings/command.ts";
import { HELP_FLAG } from "../src/settings/command_help.ts";

const ROOT = new URL("..", import.meta.url);
const PAGE_LIB = new URL("src/page/lib/", ROOT);
const DOCS_LIB = new URL("src/http/documents/lib/", ROOT);
const SWAGGER_UI = "swagger-ui-dist@5.35.0";

/** Module of src/page/lib by package, the names that the page imports from it, and a package whose code is in it, too. */
const LIBRARIES: Record<
  string,
  { file: string; names: string; contains?: string }
> = {
  "uplot": { file: "uplot.js", names: "default" },
  "@uwdata/flechette": { file: "flechette.js", names: "tableFromIPC" },
  "eventsource-parser": { file: "parser.js", names: "createParser" },
  "fourier-transform": { file: "fourier.js", names: "fft" },
  "hyparquet-writer": {
    file: "parquet.js",
    names: "ByteWriter, parquetWrite",
    contains: "hyparquet@1.31.5",
  },
};

async function deno(args: string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "null",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(
    `deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`,
  );
}

/** A file of a package (`name@version`) in Deno's cache, whichever registry the package came from. */
function readPackage(cache: string, package_: string, name: string): string {
  const at = package_.lastIndexOf("@");
  const path = `${package_.slice(0, at)}/${package_.slice(at + 1)}/${name}`;
  for (const registry of Deno.readDirSync(cache)) {
    try {
      return Deno.readTextFileSync(`${cache}/${registry.name}/${path}`);
    } catch {
      // Not from this registry.
    }
  }
  throw new Error(`Cannot find ${path} below ${cache}`);
}

function headed(package_: string, text: string): string {
  return `/*! ${package_}, licence in licences.txt; made by scripts/make_libraries.ts: do not edit */\n${text.trim()}\n`;
}

function writeLicences(folder: URL, title: string, texts: string[]): void {
  Deno.writeTextFileSync(
    new URL("licences.txt", folder),
    `${title}\n\n${texts.join("\n\n\n")}\n`,
  );
}

function titled(package_: string, text: string): string {
  return `${package_}\n${"-".repeat(package_.length)}\n\n${text.trim()}`;
}

/** One module with what the page imports: a package's own files import other files, or are CommonJS. */
async function bundle(folder: string, name: string, names: string) {
  Deno.writeTextFileSync(
    `${folder}/in.js`,
    `export { ${names} } from "${name}";\n`,
  );
  const options = ["--quiet", "--platform=browser", "--minify"];
  await deno(["bundle", ...options, "--output=out.js", "in.js"], folder);
  return Deno.readTextFileSync(`${folder}/out.js`);
}

async function writePageLibraries(folder: string, cache: string) {
  const licences: string[] = [];
  for (const [name, { file, names, contains }] of Object.entries(LIBRARIES)) {
    const package_ = imports[name]!.replace(/^npm:/, "");
    const code = await bundle(folder, name, names);
    Deno.writeTextFileSync(new URL(file, PAGE_LIB), headed(package_, code));
    licences.push(titled(package_, readPackage(cache, package_, "LICENSE")));
    if (contains) {
      licences.push(titled(contains, readPackage(cache, contains, "LICENSE")));
    }
    if (name === "uplot") {
      const css = readPackage(cache, package_, "dist/uPlot.min.css");
      Deno.writeTextFileSync(new URL("uplot.css", PAGE_LIB), css);
    }
  }
  writeLicences(PAGE_LIB, "Libraries in the page", licences);
}

async function writeSwaggerUi(folder: string, cache: string) {
  await deno(["cache", "--quiet", `npm:${SWAGGER_UI}`], folder);
  const read = (name: string) => readPackage(cache, SWAGGER_UI, name);
  for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
    // The maps are not served.
    const text = read(name).replace(/\/[/*]# sourceMappingURL=.*\s*$/, "");
    Deno.writeTextFileSync(new URL(name, DOCS_LIB), headed(SWAGGER_UI, text));
  }
  writeLicences(DOCS_LIB, "The library of /docs", [
    titled(SWAGGER_UI, `${read("NOTICE")}\n\n${read("LICENSE").trim()}`),
    titled(
      "Parts of swagger-ui-bundle.js",
      read("swagger-ui-bundle.js.LICENSE.txt"),
    ),
  ]);
}

helpOrExit({
  task: "make:libraries",
  does:
    "Write the checked-in browser libraries again, after a change of their versions",
  usage: [""],
  flags: HELP_FLAG,
  more:
    "It downloads them from npm, and replaces src/page/lib and src/http/documents/lib.",
}, Deno.args);
const { scopes } = JSON.parse(
  Deno.readTextFileSync(new URL("deno.json", ROOT)),
) as { scopes: Record<string, Record<string, string>> };
const imports = scopes["./src/page/"]!;
const folder = await Deno.makeTempDir({ prefix: "qanat-libraries-" });
await Deno.mkdir(PAGE_LIB, { recursive: true });
await Deno.mkdir(DOCS_LIB, { recursive: true });
try {
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify({ imports }));
  const { npmCache } = JSON.parse(await deno(["info", "--json"], folder)) as {
    npmCache: string;
  };
  await writePageLibraries(folder, npmCache);
  await writeSwaggerUi(folder, npmCache);
} finally {
  await Deno.remove(folder, { recursive: true });
}
