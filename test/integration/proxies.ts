// The proxies that we ship files for, started with these files. Only addresses, paths and times are replaced.
// Invariant: each replacement finds what it replaces.
import assert from "node:assert/strict";
import type { OptionalPart } from "../../scripts/optional_parts.ts";
import { PARTS, Process } from "./chain.ts";

/** The name in the files. */
export const PROXY_HOST = "qanat.example.org";

/** The port of a test's proxy, and the server behind it. */
export interface ProxyPlaces {
  /** Has the certificate; takes what the proxy writes. */
  readonly directory: string;
  readonly port: number;
  readonly qanatPorts: readonly number[];
  /** The time after which a silence of Qanat ends a request, as the proxy writes it. */
  readonly silence: string;
  /** Serves Qanat at the root of the host, without the base path `/qanat` of the file. @default false */
  readonly isAtRoot?: boolean;
}

/** A proxy that we ship a file for. */
export interface Proxy {
  readonly name: string;
  readonly part: OptionalPart;
  readonly file: string;
  /** Whether the file bounds a silence of Qanat at all. */
  readonly boundsSilence: boolean;
  /** What is replaced in the file; each must be there. */
  replacements(places: ProxyPlaces): readonly (readonly [string, string])[];
  command(configuration: string, places: ProxyPlaces): [string, string[]];
}

export const PROXIES: readonly Proxy[] = [
  {
    name: "nginx",
    part: PARTS.nginx,
    file: "deploy/nginx.conf",
    boundsSilence: true,
    replacements: ({ directory, port, qanatPorts, silence }) => [
      ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
      [
        "server 127.0.0.1:8080 max_fails=0;",
        qanatPorts.map((qanat) => `server 127.0.0.1:${qanat} max_fails=0;`)
          .join("\n"),
      ],
      ["/etc/ssl/certs/qanat.pem", `${directory}/qanat.pem`],
      ["/etc/ssl/private/qanat.key", `${directory}/qanat.key`],
      ["/var/log/nginx/error.log", `${directory}/error.log`],
      ["/var/log/nginx/access.log", `${directory}/access.log`],
      ["/run/nginx.pid", `${directory}/nginx.pid`],
      // A test on a busy machine may take longer.
      ["proxy_cache_lock_timeout 5s", "proxy_cache_lock_timeout 60s"],
      ["proxy_cache_lock_age 5s", "proxy_cache_lock_age 60s"],
      ["/var/cache/nginx/qanat", `${directory}/cache-${port}`],
      ["proxy_read_timeout 60s", `proxy_read_timeout ${silence}`],
      ["worker_rlimit_nofile 65536", "worker_rlimit_nofile 4096"],
      ["worker_connections 32768", "worker_connections 1024"],
      // As in the file: longer than Qanat waits.
      ["send_timeout 75s", "send_timeout 20s"],
    ],
    command: (configuration, { directory }) => [
      PARTS.nginx.program!,
      ["-p", directory, "-c", configuration, "-g", "daemon off;"],
    ],
  },
  {
    name: "Caddy",
    part: PARTS.caddy,
    file: "deploy/Caddyfile",
    boundsSilence: false,
    replacements: ({ directory, port, qanatPorts, silence }) => [
      [
        "\tadmin off",
        `\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1`,
      ],
      // Some tests come by the address.
      [`${PROXY_HOST}:443`, `${PROXY_HOST}:${port}, 127.0.0.1:${port}`],
      [
        "to 127.0.0.1:8080",
        `to ${qanatPorts.map((qanat) => `127.0.0.1:${qanat}`).join(" ")}`,
      ],
      ["/etc/ssl/certs/qanat.pem", `${directory}/qanat.pem`],
      ["/etc/ssl/private/qanat.key", `${directory}/qanat.key`],
      ["response_header_timeout 30s", `response_header_timeout ${silence}`],
    ],
    command: (configuration, { directory }) => [
      "env",
      [
        `HOME=${directory}`,
        `XDG_DATA_HOME=${directory}`,
        `XDG_CONFIG_HOME=${directory}`,
        PARTS.caddy.program!,
        "run",
        "--config",
        configuration,
        "--adapter",
        "caddyfile",
      ],
    ],
  },
];

/** Writes a proxy's file with these places into their directory. The path of what was written. */
export async function writeConfiguration(
  proxy: Proxy,
  places: ProxyPlaces,
): Promise<string> {
  let text = await Deno.readTextFile(
    new URL(proxy.file, new URL("../../", import.meta.url)),
  );
  const atRoot = [["/qanat/", "/"]] as const;
  for (
    const [from, to] of [
      ...(places.isAtRoot ? atRoot : []),
      ...proxy.replacements(places),
    ]
  ) {
    assert.ok(text.includes(from), `${proxy.file} has no '${from}'`);
    text = text.replaceAll(from, to);
  }
  const configuration = `${places.directory}/configuration-${places.port}`;
  await Deno.writeTextFile(configuration, text);
  return configuration;
}

/** Starts a proxy with its file and these places; resolves once it listens. */
export async function launchProxy(
  proxy: Proxy,
  places: ProxyPlaces,
): Promise<Process> {
  const configuration = await writeConfiguration(proxy, places);
  const process = new Process(
    proxy.name,
    ...proxy.command(configuration, places),
  );
  try {
    await process.listens(places.port);
    return process;
  } catch (error) {
    await process.kill9();
    throw error;
  }
}

/** A certificate for the proxy's name, signed by itself. */
export async function makeCertificate(directory: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "2",
      "-subj",
      `/CN=${PROXY_HOST}`,
      "-addext",
      `subjectAltName=DNS:${PROXY_HOST},IP:127.0.0.1`,
      "-addext",
      "basicConstraints=critical,CA:FALSE",
      "-keyout",
      `${directory}/qanat.key`,
      "-out",
      `${directory}/qanat.pem`,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
