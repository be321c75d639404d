// The licences of the packages whose code is in the launcher's bundles.
// Invariant: a package without a text of its licence is listed with the name of it, or building stops.
import { run } from "./folder.ts";

const PROGRAMS = [
  ["src/main.ts"],
  ["src/worker.ts"],
  ["src/ingest.ts"],
  ["src/publish.ts"],
  ["src/token.ts"],
  ["--lock=src/tail/deno.lock", "src/tail.ts"],
];
const TEXT = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** The texts, by package. */
export async function thirdPartyLicences(root: URL): Promise<string> {
  const folders = new Map<string, string>();
  for (const args of PROGRAMS) {
    const out = await run(Deno.execPath(), ["info", "--json", ...args], {
      cwd: root,
    });
    const { npmPackages } = JSON.parse(out) as {
      npmPackages: Record<
        string,
        { name: string; version: string; localPath: string }
      >;
    };
    for (const { name, version, localPath } of Object.values(npmPackages)) {
      folders.set(`${name}@${version}`, localPath);
    }
  }
  const texts = [...folders].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, folder]) =>
      `${name}\n${"-".repeat(name.length)}\n\n${textOf(name, folder)}\n`
    );
  for (const lib of ["src/page/lib", "src/http/documents/lib"]) {
    texts.push(Deno.readTextFileSync(new URL(`${lib}/licences.txt`, root)));
  }
  return texts.join("\n\n");
}

function textOf(name: string, folder: string): string {
  const files = [...Deno.readDirSync(folder)].filter((one) =>
    one.isFile && TEXT.test(one.name)
  ).map((one) => Deno.readTextFileSync(`${folder}/${one.name}`).trim());
  if (files.length > 0) return files.join("\n\n");
  const { license } = JSON.parse(
    Deno.readTextFileSync(`${folder}/package.json`),
  ) as { license?: string };
  if (!license) throw new Error(`${name} names no licence`);
  return `Licence: ${license}. The package contains no text of it.`;
}
