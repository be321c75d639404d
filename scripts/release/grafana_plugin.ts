// Builds the data source of deploy/grafana/plugin, with the packages of its lock.
// Invariant: nothing is written into the clone but in .qanat, and two that build at the same time wait for each other.
import { run } from "./folder.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const SOURCE = `${ROOT}deploy/grafana/plugin`;
/** Grafana looks for a plugin in a folder of this name. */
export const PLUGIN_ID = "ligo-qanat-datasource";
const NOT_COPIED = ["dist", "node_modules"];
/** A registry may be slow, or answer no request for a moment. */
const INSTALL_TRIES = 3;
const INSTALL =
  "ci --loglevel=error --no-audit --no-fund --ignore-scripts --prefer-offline --fetch-timeout=60000"
    .split(" ");

/**
 * Installs its packages, checks its types and builds it, all in `.qanat`; copies what Grafana loads into the folder
 * `into`. Returns the folder with `node_modules`. Needs node and npm.
 */
export async function builtGrafanaPlugin(into: string): Promise<string> {
  const parent = `${ROOT}.qanat/grafana`;
  await Deno.mkdir(parent, { recursive: true });
  using lock = await Deno.open(`${parent}/lock`, { write: true, create: true });
  await lock.lock(true);
  const folder = `${parent}/${PLUGIN_ID}`;
  await Deno.remove(`${folder}/src`, { recursive: true }).catch(() => {});
  await copyTo(SOURCE, folder);
  await install(folder);
  await run("node", ["node_modules/typescript/bin/tsc"], { cwd: folder });
  await run("node", ["build.mjs"], { cwd: folder });
  await copyTo(`${folder}/dist`, into);
  return folder;
}

/** Builds the plugin and packs it as Grafana's catalogue takes it. Returns the archive. Needs Python for that, too. */
export async function grafanaPluginZip(
  { into, python, version }: {
    into: string;
    python: string;
    version: string;
  },
): Promise<string> {
  const archive = `${into}/${PLUGIN_ID}-${version}.zip`;
  const staged = await Deno.makeTempDir({ prefix: "qanat-grafana-" });
  try {
    await builtGrafanaPlugin(`${staged}/${PLUGIN_ID}`);
    await run(python, ["-m", "zipfile", "-c", archive, PLUGIN_ID], {
      cwd: staged,
    });
  } finally {
    await Deno.remove(staged, { recursive: true });
  }
  return archive;
}

/** Does nothing where the packages of this lock are installed. */
async function install(folder: string): Promise<void> {
  const lock = await Deno.readTextFile(`${folder}/package-lock.json`);
  const mark = `${folder}/node_modules/.installed`;
  if (await Deno.readTextFile(mark).catch(() => "") === lock) return;
  // Its peers are Grafana itself, which is not installed.
  const args = [...INSTALL, "--legacy-peer-deps"];
  for (let tries = 1;; tries++) {
    try {
      await run("npm", args, { cwd: folder });
      break;
    } catch (error) {
      if (tries === INSTALL_TRIES) throw error;
    }
  }
  await Deno.writeTextFile(mark, lock);
}

async function copyTo(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (NOT_COPIED.includes(name)) continue;
    if (isDirectory) await copyTo(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}
