// Signing in through deploy/nginx.conf and deploy/Caddyfile over HTTPS: the cookie, streams with it, other origins.
// Invariant: the cookie is Secure when the browser's connection is encrypted, as a trusted proxy or --public-url says.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import { freePort, launchQanat, PARTS, type Process } from "./chain.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  PROXY_HOST as HOST,
} from "./proxies.ts";

const CHANNEL = "H1:QANAT-COUNT_I64_16";
const TOKEN = `qanat_${"0123456789".repeat(4)}abc`;
const BEARER = `authorization: Bearer ${TOKEN}`;
const FROM_OTHER_MACHINE = ["--interface", "127.0.0.2"];
const SOON_MS = 20_000;

/** How Qanat learns that browsers use HTTPS, and where it is served. */
interface Way {
  readonly name: string;
  readonly basePath: string;
  /** Flags of Qanat, for a proxy on this port. */
  readonly flags: (proxyPort: number) => readonly string[];
  /** Beginning of the cookie's name. */
  readonly prefix: string;
}

const FORWARDED: Way = {
  name: "as shipped, below /qanat",
  basePath: "/qanat",
  flags: () => ["--base-path=/qanat", "--trusted-proxies=127.0.0.1"],
  prefix: "__Secure-",
};
const AT_ROOT: Way = {
  name: "at the root, by X-Forwarded-Proto",
  basePath: "",
  flags: () => ["--trusted-proxies=127.0.0.1"],
  prefix: "__Host-",
};
const PUBLIC_URL: Way = {
  name: "at the root, by --public-url",
  basePath: "",
  flags: (port) => [`--public-url=https://${HOST}:${port}`],
  prefix: "__Host-",
};
const WAYS = [FORWARDED, AT_ROOT, PUBLIC_URL];

interface Answer {
  readonly code: number;
  readonly status: number;
  /** Headers and body. */
  readonly text: string;
}

/** Runs curl; the text of its answer has the headers, too. */
async function curl(url: string, args: readonly string[]): Promise<Answer> {
  const { code, stdout } = await new Deno.Command(PARTS.curl.program!, {
    args: ["--silent", "--include", "--no-buffer", ...args, url],
    stdin: "null",
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  return { code, text, status: Number(/^HTTP\/\S+ (\d+)/.exec(text)?.[1]) };
}

async function writeTokens(file: string): Promise<void> {
  const bytes = new TextEncoder().encode(TOKEN);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = hash.toHex();
  const tokens = [{ name: "alice", sha256, read: "all" }];
  await Deno.writeTextFile(file, JSON.stringify({ tokens }));
}

const runnable = canRun([
  ...PROXIES.map(({ part }) => part),
  PARTS.curl,
  PARTS.chromium,
]);

describe(
  "signing in over HTTPS",
  { ignore: !runnable, skip: !runnable },
  () => {
    let directory: string;
    const instances = new Map<Way, { qanat: Process; port: number }>();
    /** Both proxies use it, one after the other, since --public-url has it. */
    const ports = new Map(WAYS.map((way) => [way, freePort()]));

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-sign-in-" });
      await Deno.chmod(directory, 0o755);
      await makeCertificate(directory);
      await writeTokens(`${directory}/tokens.json`);
      for (const way of WAYS) {
        instances.set(
          way,
          launchQanat([
            "--auth=tokens",
            `--auth-token-file=${directory}/tokens.json`,
            `--allowed-hosts=${HOST}`,
            ...way.flags(ports.get(way)!),
          ]),
        );
      }
      for (const [{ basePath }, { qanat, port }] of instances) {
        await qanat.answers(`http://127.0.0.1:${port}${basePath}/readyz`);
      }
    });
    after(async () => {
      for (const { qanat } of instances.values()) await qanat.stop();
      if (directory) await Deno.remove(directory, { recursive: true });
    });

    for (const proxy of PROXIES) {
      describe(`through ${proxy.name}`, () => {
        const running: Process[] = [];

        before(async () => {
          for (const [way, { port: qanatPort }] of instances) {
            running.push(
              await launchProxy(proxy, {
                directory,
                port: ports.get(way)!,
                qanatPorts: [qanatPort],
                silence: "30s",
                isAtRoot: way.basePath === "",
              }),
            );
          }
        });
        after(async () => {
          for (const process of running) await process.stop();
        });

        for (const way of WAYS) {
          describe(way.name, () => {
            it("a token gets a cookie that browsers keep to HTTPS and this host, and a stream takes it", async () => {
              const jar = `${directory}/jar-${proxy.name}-${way.prefix}`;
              const { status, text } = await signIn(way, ["--cookie-jar", jar]);
              assert.equal(status, 200, text);
              assertSecure(text, way);
              const page = ["--header", "sec-fetch-site: same-origin"];
              const stream = await events(way, [...page, "--cookie", jar]);
              assert.equal(stream.status, 200, stream.text);
              assert.match(stream.text, /^data: \{"time":/m);
              assert.match(stream.text, /^data: \{"reason":"complete"\}$/m);
              assert.equal((await events(way, page)).status, 401);
            });

            it("a request of another origin is refused, and one of another site has no session", async () => {
              for (
                const origin of [
                  "https://example.net",
                  `https://${HOST}`,
                  `http://${HOST}:${ports.get(way)}`,
                ]
              ) {
                const header = `origin: ${origin}`;
                const { status, text } = await signIn(way, [
                  "--header",
                  header,
                ]);
                assert.equal(status, 403, `${origin} ${text}`);
                assert.doesNotMatch(text, /^set-cookie/im);
              }
              const own = `origin: https://${HOST}:${ports.get(way)}`;
              const { status, text } = await signIn(way, ["--header", own]);
              assert.equal(status, 200, text);
              const cookie = `cookie: ${cookieOf(text)}`;
              const site = "sec-fetch-site: cross-site";
              const foreign = ["--header", cookie, "--header", site];
              assert.equal((await events(way, foreign)).status, 401);
              assert.equal(
                (await events(way, ["--header", cookie])).status,
                200,
              );
            });

            it("signing out ends the session", async () => {
              const { text } = await signIn(way);
              const cookie = ["--header", `cookie: ${cookieOf(text)}`];
              const out = await through(way, "/v1/session", [
                "--request",
                "DELETE",
                ...cookie,
              ]);
              assert.equal(out.status, 204, out.text);
              assert.match(out.text, /^set-cookie: \S+=; Max-Age=0; /im);
              assert.equal((await events(way, cookie)).status, 401);
            });

            it("a client that claims to use plain HTTP gets the same cookie", async () => {
              const header = "x-forwarded-proto: http";
              const { text } = await signIn(way, ["--header", header]);
              assertSecure(text, way);
            });
          });
        }

        it("a browser signs in on the page and shows a plot", async () => {
          const page = await BrowserPage.open(PARTS.chromium.program!, [
            "--ignore-certificate-errors",
            `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
          ]);
          try {
            const address = `${addressOf(FORWARDED)}/#series=${CHANNEL}`;
            await page.goto(address);
            const isOpen = "document.getElementById('sign-in').open";
            await page.until(isOpen, SOON_MS);
            await page.type(TOKEN);
            await page.press("Enter");
            await page.until(
              `!${isOpen} && qanatPage.series("${CHANNEL}")?.ring.end > 20`,
              SOON_MS,
            );
          } finally {
            await page.close();
          }
        });
      });
    }

    it("only a trusted proxy says whether the browser uses HTTPS", async () => {
      const { port } = instances.get(AT_ROOT)!;
      const url = `http://127.0.0.1:${port}/v1/session`;
      const said = (
        scheme: string,
        host: string,
        from: readonly string[] = [],
      ) =>
        curl(url, [
          ...post(),
          ...["--header", `x-forwarded-proto: ${scheme}`],
          ...["--header", `host: ${host}`],
          ...from,
        ]);
      assertSecure((await said("https", HOST)).text, AT_ROOT);
      for (
        const answer of [
          await said("http", HOST),
          await said("https", HOST, FROM_OTHER_MACHINE),
        ]
      ) {
        assert.equal(answer.status, 403, answer.text);
        assert.match(answer.text, /Connection not secure/);
        assert.doesNotMatch(answer.text, /^set-cookie/im);
      }
      const local = await said("http", "localhost");
      assert.match(local.text, /^set-cookie: qanat-session=/im);
      assert.doesNotMatch(local.text, /^set-cookie:.*Secure/im);
    });

    function addressOf(way: Way): string {
      return `https://${HOST}:${ports.get(way)}${way.basePath}`;
    }

    function through(
      way: Way,
      path: string,
      args: readonly string[] = [],
    ): Promise<Answer> {
      return curl(`${addressOf(way)}${path}`, [
        ...["--cacert", `${directory}/qanat.pem`],
        ...["--resolve", `${HOST}:${ports.get(way)}:127.0.0.1`],
        ...["--max-time", "60"],
        ...args,
      ]);
    }

    function signIn(way: Way, args: readonly string[] = []): Promise<Answer> {
      return through(way, "/v1/session", [...post(), ...args]);
    }

    /** What an EventSource requests. */
    function events(way: Way, args: readonly string[]): Promise<Answer> {
      const path = `/v1/events?channels=${CHANNEL}&duration=0.125`;
      const accept = ["--header", "accept: text/event-stream"];
      return through(way, path, [...accept, ...args]);
    }
  },
);

function post(): string[] {
  return ["--request", "POST", "--header", BEARER];
}

/** `NAME=VALUE` of the cookie that an answer sets. */
function cookieOf(text: string): string {
  const match = /^set-cookie: ([^;]+)/im.exec(text);
  assert.ok(match, text);
  return match[1]!;
}

function assertSecure(text: string, { basePath, prefix }: Way): void {
  const [, name, attributes] =
    /^set-cookie: ([^=]+)=[^;]+; (.*?)\r?$/im.exec(text) ?? [];
  assert.equal(name, `${prefix}qanat-session`, text);
  const parts = attributes!.split("; ").filter((part) =>
    !part.startsWith("Max-Age=")
  );
  assert.deepEqual(parts.sort(), [
    "HttpOnly",
    `Path=${basePath || "/"}`,
    "SameSite=Strict",
    "Secure",
  ]);
}
