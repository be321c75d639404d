// Makes src/page/lib: the libraries that the page uses, each as one small module, with their licences.
// `deno task make:page` after a version in deno.json has changed; test/page/page_files_test.ts holds the two in step.
const ROOT = new URL("..", import.meta.url);
const LIB = new URL("src/page/lib/", ROOT);

/** Module of src/page/lib by package, and the names that the page takes from it. */
const LIBRARIES: Record<string, { file: string; names: string }> = {
  "uplot": { file: "uplot.js", names: "default" },
  "@uwdata/flechette": { file: "flechette.js", names: "tableFromIPC" },
  "eventsource-parser": { file: "parser.js", names: "createParser" },
  "fourier-transform": { file: "fourier.js", names: "default" },
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

/** A file of a package as Deno keeps it, whatever registry it came from. */
function readPackage(cache: string, path: string): string {
  for (const registry of Deno.readDirSync(cache)) {
    try {
      return Deno.readTextFileSync(`${cache}/${registry.name}/${path}`);
    } catch {
      // Not from this one.
    }
  }
  throw new Error(`Cannot find ${path} below ${cache}`);
}

const { imports } = JSON.parse(
  Deno.readTextFileSync(new URL("deno.json", ROOT)),
) as { imports: Record<string, string> };
const folder = await Deno.makeTempDir({ prefix: "qanat-page-" });
const licences: string[] = [];
await Deno.mkdir(LIB, { recursive: true });
try {
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify({ imports }));
  const { npmCache } = JSON.parse(await deno(["info", "--json"], folder)) as {
    npmCache: string;
  };
  for (const [name, { file, names }] of Object.entries(LIBRARIES)) {
    Deno.writeTextFileSync(
      `${folder}/in.js`,
      `export { ${names} } from "${name}";\n`,
    );
    await deno(
      [
        "bundle",
        "--quiet",
        "--platform=browser",
        "--minify",
        "--output=out.js",
        "in.js",
      ],
      folder,
    );
    const package_ = imports[name]!.replace(/^npm:/, "");
    const code = Deno.readTextFileSync(`${folder}/out.js`).trim();
    Deno.writeTextFileSync(
      new URL(file, LIB),
      `/*! ${package_}, licence in licences.txt; made by scripts/make_page.ts: do not edit */\n${code}\n`,
    );
    const at = package_.lastIndexOf("@");
    const path = `${package_.slice(0, at)}/${package_.slice(at + 1)}`;
    const licence = readPackage(npmCache, `${path}/LICENSE`).trim();
    if (name === "uplot") {
      Deno.writeTextFileSync(
        new URL("uplot.css", LIB),
        readPackage(npmCache, `${path}/dist/uPlot.min.css`),
      );
    }
    licences.push(`${package_}\n${"-".repeat(package_.length)}\n\n${licence}`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.writeTextFileSync(
  new URL("licences.txt", LIB),
  `Libraries in the page\n\n${licences.join("\n\n\n")}\n`,
);
