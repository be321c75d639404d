// What the trial of an upgrade begins with: a broker, a publisher, 0.1 and nginx with the files of 0.1.
// Invariant: all that was started is handed to Closers, also when a later start fails.
import { canRun } from "../optional_parts.ts";
import { unpack01 } from "./version_0_1.ts";
import {
  type Chain,
  freePort,
  PARTS,
  type Process,
  say,
  startChain,
} from "../../test/integration/chain.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  type Proxy,
  type ProxyPlaces,
} from "../../test/integration/proxies.ts";
import { ResumeTab } from "../../test/integration/resume_page.ts";

/** One of each type that Arrakis has; 0.1 serves six of them. */
const CHANNELS = 10;
/** Longer than a busy machine delays a block, so that none is late. */
const LATENCY_MS = 30_000;
const PUBLISH_S = 600;

/** What runs, in the order in which it was started. */
export interface World {
  readonly directory: string;
  readonly chain: Chain;
  readonly page: ResumeTab | null;
  readonly proxy: Process;
  readonly places: ProxyPlaces;
}

/** Ends what was started, the last first. */
export class Closers {
  readonly #all: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#all.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#all.reverse()) {
      try {
        await close();
      } catch (error) {
        say(`not ended: ${(error as Error).message}`);
      }
    }
  }
}

/** The file for nginx that 0.1 had. */
function nginxOf01(root: string): Proxy {
  return {
    ...PROXIES[0]!,
    file: `${root}/deploy/nginx.conf`,
    replacements: ({ directory, port, qanatPorts }) => [
      ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
      ["server 127.0.0.1:8080;", `server 127.0.0.1:${qanatPorts[0]};`],
      ["/etc/ssl/certs/qanat.pem", `${directory}/qanat.pem`],
      ["/etc/ssl/private/qanat.key", `${directory}/qanat.key`],
      ["/var/log/nginx/error.log", `${directory}/error.log`],
      ["/var/log/nginx/access.log", `${directory}/access.log`],
      ["/run/nginx.pid", `${directory}/nginx.pid`],
      ["worker_rlimit_nofile 65536", "worker_rlimit_nofile 4096"],
      ["worker_connections 32768", "worker_connections 1024"],
    ],
  };
}

/** Broker, publisher, 0.1 and nginx with the files of 0.1. */
export async function start01(
  commit: string,
  closers: Closers,
): Promise<World> {
  const directory = await Deno.makeTempDir({ prefix: "qanat-upgrade-" });
  closers.add(() => Deno.remove(directory, { recursive: true }));
  // nginx's workers read it as another user.
  await Deno.chmod(directory, 0o755);
  const root = `${directory}/0.1`;
  await Deno.mkdir(root);
  await unpack01(commit, root);
  await makeCertificate(directory);
  const page = canRun([PARTS.chromium])
    ? await ResumeTab.open(PARTS.chromium.program!)
    : null;
  closers.add(() => page?.close());
  const chain = await startChain({
    channels: CHANNELS,
    secondsMax: PUBLISH_S,
    maxLatencyMs: LATENCY_MS,
    qanatRoot: new URL(`file://${root}/`),
    qanatArgs: ["--trusted-proxies=127.0.0.1"],
  });
  closers.add(() => chain.close());
  const places: ProxyPlaces = {
    directory,
    port: freePort(),
    qanatPorts: [Number(new URL(chain.qanatUrl).port)],
    silence: "60s",
    isAtRoot: true,
  };
  const proxy = await launchProxy(nginxOf01(root), places);
  closers.add(() => proxy.stop());
  return { directory, chain, page, proxy, places };
}
