// The files of src/ and what they import, read from their text: `import` and `export` of values and types, and dynamic
// imports. Paths begin at the root of the repository.

const ROOT = new URL("../", import.meta.url);
/** `import … from "x"`, `export … from "x"`; `import "x"`; `import("x")`. */
const IMPORTS = [
  /^(?:import|export)\s[^"';]*?\bfrom\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /\bimport\(\s*"([^"]+)"/g,
];

/** The modules in a folder and below it; `folder` ends with `/`. */
export function* modulesIn(folder: string): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
    if (isDirectory) yield* modulesIn(`${folder}${name}/`);
    else if (/\.(ts|js)$/.test(name)) yield folder + name;
  }
}

/** The text of a module without lines that are comments. */
export function codeOf(file: string): string {
  const text = Deno.readTextFileSync(new URL(file, ROOT));
  return text.replace(/^\s*(\/\/|\*).*$/gm, "");
}

/** What a module imports, as it is written. */
export function specifiersIn(code: string): string[] {
  return IMPORTS.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, specifier]) => specifier!)
  );
}

/** The files that a module imports by relative paths. */
export function targetsIn(code: string, file: string): string[] {
  return specifiersIn(code).filter((specifier) => specifier.startsWith("."))
    .map((specifier) =>
      new URL(specifier, `file:///${file}`).pathname.slice(1)
    );
}
