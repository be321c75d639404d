// `deno task trial:upgrade`: 0.1 is upgraded to this version under clients that stay, step by step as docs/upgrading.md
// says: with a real broker, behind nginx.
// Invariant: it ends with 0 only if every client has every published row between its first and its last one, once, bit
// for bit, and no gap. 0.1 comes out of the history of the repository; without it the trial ends with 2 and says so.
import assert from "node:assert/strict";
import { canRun } from "./optional_parts.ts";
import { checkLibraries, checkStayer } from "./upgrade/clients_check.ts";
import { CurlStayer, PythonStayers, type Stayer } from "./upgrade/clients.ts";
import { commitOf01 } from "./upgrade/version_0_1.ts";
import { Closers, start01, type World } from "./upgrade/world.ts";
import { helpOrExit } from "../src/settings/command.ts";
import { HELP_FLAG } from "../src/settings/command_help.ts";
import { VERSION } from "../src/telemetry/build_info.ts";
import {
  launchQanat,
  PARTS,
  say,
  sleep,
  streamUrl,
} from "../test/integration/chain.ts";
import { LibraryClients } from "../test/integration/library_clients.ts";
import {
  PROXIES,
  PROXY_HOST,
  writeConfiguration,
} from "../test/integration/proxies.ts";
import { Published } from "../test/integration/published.ts";

/** nginx has read its file. */
const RELOAD_MS = 2000;
const LIBRARY_CLIENTS = 40;
const BEFORE_MS = 8000;
const AFTER_MS = 3000;
const OPEN_MS = 90_000;
const OUT_MS = 60_000;
const BEHIND_MS = 90_000;
/** A client whose newest row is that old has what it missed. */
const CURRENT_NS = 3_000_000_000n;
const POLL_MS = 200;

helpOrExit({
  task: "trial:upgrade",
  does:
    "Upgrade 0.1 to this version under clients and compare their rows (needs Java, Maven, Python, nginx, curl, the history)",
  usage: ["[flags]"],
  flags: HELP_FLAG,
}, Deno.args);

/** The names of all channels of an instance, sorted. */
async function namesAt(url: string): Promise<string[]> {
  const { channels } = await (await fetch(`${url}/v1/channels`)).json();
  return channels.map(({ name }: { name: string }) => name).sort();
}

/** All that stay through the upgrade. */
interface Clients {
  readonly libraries: LibraryClients;
  readonly curl: CurlStayer;
  /** `curl` among them. */
  readonly stayers: readonly Stayer[];
}

/** Clients of all kinds, all of them with rows. */
async function openClients(
  { directory, chain, page, places }: World,
  names: readonly string[],
  closers: Closers,
): Promise<Clients> {
  const certificateFile = `${directory}/qanat.pem`;
  const base = `https://127.0.0.1:${places.port}`;
  const url = streamUrl(base, "events", names);
  const { strideNs } = new Published(chain.directory);
  const python = new PythonStayers(base, { certificateFile, strideNs, names });
  const curl = new CurlStayer(url, certificateFile);
  const stayers = [curl, ...python.stayers];
  closers.add(() => Promise.all(stayers.map((stayer) => stayer.close())));
  const libraries = await LibraryClients.open(
    Array.from({ length: LIBRARY_CLIENTS }, () => url),
    { certificateFile, page },
  );
  closers.add(() => libraries.close());
  await libraries.allInside(OPEN_MS);
  const endMs = Date.now() + OPEN_MS;
  while (stayers.some((stayer) => stayer.rows().length === 0)) {
    assert.ok(Date.now() < endMs, `no rows: ${python.troubles}`);
    await sleep(POLL_MS);
  }
  return { libraries, curl, stayers };
}

/** The steps of docs/upgrading.md, by their numbers. When 0.1 ended, Unix ms. */
async function upgrade(
  { chain, page, proxy, places }: World,
  closers: Closers,
): Promise<number> {
  say("1: the settings of this version");
  const settings = [
    `--kafka=${chain.brokerAddress}`,
    "--trusted-proxies=127.0.0.1",
    `--allowed-hosts=${PROXY_HOST}`,
    ...page === null ? [] : [`--cors-origin=${page.origin}`],
  ];
  say("2: with these settings on another port, until /readyz answers 200");
  const trial = launchQanat(settings);
  try {
    await trial.qanat.answers(`${trial.url}/readyz`);
  } finally {
    assert.equal((await trial.qanat.stop()).code, 0);
  }
  say("3: the lines of this version for nginx, and a reload");
  await writeConfiguration(PROXIES[0]!, places);
  Deno.kill(proxy.pid, "SIGHUP");
  await sleep(RELOAD_MS);
  say("4, 5: SIGKILL for 0.1");
  const endedMs = Date.now();
  await chain.qanat.kill9();
  say("6: this version in its place");
  const { qanat, url } = launchQanat(settings, places.qanatPorts[0]!);
  closers.add(() => qanat.stop());
  await qanat.answers(`${url}/readyz`);
  const awayMs = Date.now() - endedMs;
  const { version } = await (await fetch(`${url}/v1/version`)).json();
  assert.equal(version, VERSION);
  say(`7: /v1/version answers ${version}, ${awayMs} ms after the end of 0.1`);
  return endedMs;
}

/** Resolves when all clients have what they missed. */
async function allCurrent(
  libraries: LibraryClients,
  directory: string,
): Promise<void> {
  const endMs = Date.now() + BEHIND_MS;
  for (;;) {
    const oldestNs = new Published(directory).times.at(-1)! - CURRENT_NS;
    const behind = (await libraries.all()).filter(({ times }) =>
      BigInt(times.at(-1)!) < oldestNs
    );
    if (behind.length === 0) return;
    const which = countsOf(behind.map(({ library }) => library));
    assert.ok(Date.now() < endMs, `behind after ${BEHIND_MS} ms: ${which}`);
    await sleep(POLL_MS);
  }
}

/** Clients by their library or program. */
function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ");
}

async function run(commit: string, closers: Closers): Promise<void> {
  const world = await start01(commit, closers);
  const { directory } = world.chain;
  const names = await namesAt(world.chain.qanatUrl);
  say(`0.1 (${commit.slice(0, 7)}) serves ${names.length} channels`);
  const { libraries, curl, stayers } = await openClients(world, names, closers);
  await sleep(BEFORE_MS);
  const sinceNs = new Published(directory).times.at(-1)!;
  const endedMs = await upgrade(world, closers);
  await libraries.allInside(OUT_MS);
  const insideMs = Date.now() - endedMs;
  say(
    `all ${LIBRARY_CLIENTS} libraries have rows again, ${insideMs} ms after the end of 0.1`,
  );
  await allCurrent(libraries, directory);
  const currentMs = Date.now() - endedMs;
  await sleep(AFTER_MS);
  const clients = await libraries.all();
  await Promise.all(stayers.map((stayer) => stayer.close()));
  const published = new Published(directory);
  for (const stayer of stayers) {
    const nulls = checkStayer(stayer, { names, sinceNs, published });
    say(`${stayer.name}: ${nulls} blocks were null before the upgrade`);
  }
  checkLibraries(clients, curl.digests(), published);
  const rows = [
    ...clients.map(({ times }) => times.length),
    ...stayers.map((stayer) => stayer.rows().length),
  ].reduce((a, b) => a + b, 0);
  const kinds = [
    ...clients.map(({ library }) => library),
    ...stayers.map(({ name }) => name),
  ];
  say(`${kinds.length} clients: ${countsOf(kinds)}`);
  say(`${currentMs} ms after the end of 0.1 all had what they missed`);
  say(
    `${rows} rows, compared with ${published.times.length} published ones: 0 lost, 0 twice`,
  );
}

const commit = commitOf01();
const needed = [PARTS.kafka, PARTS.python, PARTS.nginx, PARTS.curl];
if (commit === null || !canRun(needed)) {
  say(
    commit === null
      ? "not run: this clone has no commit of 0.1 (git fetch --unshallow)"
      : `not run: one of these is missing: ${
        needed.map(({ name }) => name).join(", ")
      }`,
  );
  Deno.exit(2);
}
const closers = new Closers();
let code = 0;
try {
  await run(commit, closers);
} catch (error) {
  say(`FAILED: ${(error as Error).stack}`);
  code = 1;
} finally {
  await closers.close();
}
Deno.exit(code);
