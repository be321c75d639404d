// Builds the plugin into the folder `dist`, as Grafana loads it: an AMD module, plugin.json, and the documents.
// Invariant: the packages that Grafana has itself are not in the module.
import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const HERE = new URL("./", import.meta.url);
const DIST = new URL("dist/", HERE);
/** What Grafana gives to plugins. */
const PROVIDED = [
  "@grafana/data",
  "@grafana/runtime",
  "@grafana/ui",
  "react",
  "rxjs",
];

await rm(DIST, { recursive: true, force: true });
await mkdir(DIST);
await build({
  absWorkingDir: new URL(".", HERE).pathname,
  entryPoints: ["src/module.ts"],
  outfile: "dist/module.js",
  bundle: true,
  format: "cjs",
  target: "es2022",
  external: PROVIDED,
  sourcemap: true,
  sourcesContent: true,
  // esbuild writes no AMD: this is its head and its end, around a module of CommonJS.
  banner: {
    js: `define(${JSON.stringify(PROVIDED)}, function (...provided) {
  const names = ${JSON.stringify(PROVIDED)};
  const require = (name) => provided[names.indexOf(name)];
  const module = { exports: {} };
  const exports = module.exports;`,
  },
  footer: { js: "return module.exports;\n});" },
  logLevel: "warning",
});
const { version } = JSON.parse(await readFile(new URL("package.json", HERE)));
const plugin = await readFile(new URL("src/plugin.json", HERE), "utf8");
await writeFile(
  new URL("plugin.json", DIST),
  plugin.replace("%VERSION%", version)
    .replace("%TODAY%", new Date().toISOString().slice(0, 10)),
);
await cp(new URL("src/img", HERE), new URL("img", DIST), { recursive: true });
for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
  await cp(new URL(name, HERE), new URL(name, DIST));
}
